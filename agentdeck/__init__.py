"""agentdeck: a terminal command center for teams of coding agents."""

__version__ = "0.1.0"
