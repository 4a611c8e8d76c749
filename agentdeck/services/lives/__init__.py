"""Agents from birth to end, and the engine that looks after them."""
