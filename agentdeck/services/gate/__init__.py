"""Checks what an agent calls done, and lands what a human accepts."""
