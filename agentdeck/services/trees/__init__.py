"""Worktrees: made, watched, and what they hold that could be lost."""
