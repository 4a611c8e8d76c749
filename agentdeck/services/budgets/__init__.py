"""Limits on tokens, dollars, minutes and turns, and what reaching one does."""
