"""What each agent is doing: evidence from several sources, and the verdict over it."""
