"""Where the focus goes when it moves over agents laid out in rows of `columns`, by their places in order from 0."""

from __future__ import annotations


def moved(at: int, count: int, columns: int, dx: int, dy: int) -> int:
    """The place `dx` columns and `dy` rows away: on to the next page, and no farther than the ends."""
    last = count - 1
    to = at + dx + dy * columns
    if dy > 0 and to > last and at // columns < last // columns:
        return last  # the row below is shorter than this one
    return to if 0 <= to <= last else at


def turned(at: int, count: int, page: int, step: int) -> int:
    """The same place `step` pages of `page` agents on; `at` itself when there is no such page."""
    to = at // page + step
    return min(at + step * page, count - 1) if 0 <= to <= (count - 1) // page else at


def scrolled(first: int, at: int, count: int, room: int) -> int:
    """The first of `room` lines of a list that shows `at`, moved no more than it must be and leaving no room unused."""
    first = min(max(first, at - room + 1), at)
    return max(0, min(first, count - room))
