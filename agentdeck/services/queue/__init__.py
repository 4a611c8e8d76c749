"""Specs as tasks: who takes which, when, and what became of it."""
