"""How many columns and rows of tiles stand on a page."""

from __future__ import annotations

MIN_WIDTH = 36
"""Columns a tile needs to be readable, its edge included."""
MIN_HEIGHT = 7
"""Rows a tile needs: title, foot and five of the screen."""
_SCREEN = (120, 40)
"""A whole screen; more room than that is of no use to a tile."""
_AROUND = (1, 2)
"""Columns and rows of a tile that are not screen."""


def shape(count: int, width: int, height: int) -> tuple[int, int]:
    """Columns and rows for `count` tiles on `width` x `height` cells.

    The division that shows the most of each screen, of two alike the one that wastes fewer
    places. When not all tiles can be readable, as many as can be: the rest is on other pages.
    """
    most_columns, most_rows = max(1, width // MIN_WIDTH), max(1, height // MIN_HEIGHT)
    if count >= most_columns * most_rows:
        return most_columns, most_rows
    best, best_score = (most_columns, most_rows), (-1.0, 0)
    for columns in range(1, most_columns + 1):
        rows = -(-max(count, 1) // columns)
        if rows <= most_rows:
            seen_columns = min(width // columns - _AROUND[0], _SCREEN[0])
            seen_rows = min(height // rows - _AROUND[1], _SCREEN[1])
            # Half a line is less readable than half of the lines: a column counts a little more than a row.
            seen = seen_columns**1.2 * seen_rows
            score = (seen, -columns * rows)
            if score > best_score:
                best, best_score = (columns, rows), score
    return best
