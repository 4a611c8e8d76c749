"""The nouns: frozen dataclasses without I/O, readable by every other room."""
