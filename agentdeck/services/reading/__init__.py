"""What agents' screens showed and what was said: history and search."""
