"""Sessions that were started outside the deck."""
