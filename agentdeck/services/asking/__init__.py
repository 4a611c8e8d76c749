"""What agents ask, who is told of it, and how it is answered."""
