"""The composition root: one process per deck that owns time, order and every write about agents."""
