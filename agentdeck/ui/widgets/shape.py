"""How many columns and rows of tiles stand on a page."""

from __future__ import annotations

MIN_WIDTH = 36
"""Columns a tile needs to be readable, its edge included."""
MIN_HEIGHT = 7
"""Rows a tile needs: title, foot and five of the screen."""
_CANONICAL = (121, 42)
"""What a whole screen of 120x40 takes as a tile; more room than that is of no use to it."""


def shape(count: int, width: int, height: int) -> tuple[int, int]:
    """Columns and rows for `count` tiles on `width` x `height` cells.

    The division that shows the most of each screen, of two alike the one that wastes fewer
    places. When not all tiles can be readable, as many as can be: the rest is on other pages.
    """
    most_columns, most_rows = max(1, width // MIN_WIDTH), max(1, height // MIN_HEIGHT)
    if count >= most_columns * most_rows:
        return most_columns, most_rows
    best, best_score = (most_columns, most_rows), (-1, 0)
    for columns in range(1, most_columns + 1):
        rows = -(-max(count, 1) // columns)
        if rows <= most_rows:
            seen = min(width // columns, _CANONICAL[0]) * min(height // rows, _CANONICAL[1])
            score = (seen, -columns * rows)
            if score > best_score:
                best, best_score = (columns, rows), score
    return best
