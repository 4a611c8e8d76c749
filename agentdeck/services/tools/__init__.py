"""Shells, editors and tools beside an agent."""
