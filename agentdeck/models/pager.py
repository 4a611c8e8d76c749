"""Where a page stands in lines of different heights: arithmetic for a reader that wraps."""

from __future__ import annotations

from collections.abc import Callable

Top = tuple[int, int]
"""A line and which of its rows, both from 0."""
Rows = Callable[[int], int]
"""How many rows a line takes, at least 1."""


def moved(top: Top, by: int, rows: Rows, count: int) -> Top:
    """The place `by` rows further on (back when negative), within `count` lines."""
    line, row = top
    if not count:
        return 0, 0
    while by > 0:
        left = rows(line) - 1 - row
        if by <= left or line + 1 == count:
            return line, row + min(by, left)
        by, line, row = by - left - 1, line + 1, 0
    while by < 0:
        if -by <= row or not line:
            return line, max(0, row + by)
        by, line = by + row + 1, line - 1
        row = rows(line) - 1
    return line, row


def last(height: int, rows: Rows, count: int) -> Top:
    """The top of the last page: it is full, or there is no more than it."""
    return moved((count - 1, rows(count - 1) - 1), 1 - height, rows, count) if count else (0, 0)


def showing(line: int, top: Top, height: int, rows: Rows, count: int) -> Top:
    """The top from which a line is seen: the same when it is seen already, else with the line in the upper third."""
    end = moved(top, height - 1, rows, count)
    if top <= (line, 0) <= end:
        return top
    return min(moved((line, 0), -(height // 3), rows, count), last(height, rows, count))
