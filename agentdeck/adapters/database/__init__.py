"""The SQLite file: read by the standard library alone, changed by one thread per process."""
