"""Texts on their way to agents: at most once, and never into a dialog or a draft."""
