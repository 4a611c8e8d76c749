"""One folder per product: its harness.toml and the readers of its own files."""
