"""The verbs: they decide and do, know no screen, and run headless."""
