"""Agents in each other's way, found while it happens."""
