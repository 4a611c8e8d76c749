"""Removed agents and their trees: kept, brought back, at last emptied."""
