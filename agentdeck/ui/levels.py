"""Zoom levels of the stage, from the list to one agent, as one number that a view can keep.

0 is the list, one line an agent. 1 and more is a grid of at most that many tiles on a page: 1 is one agent that fills
the stage, `ALL` shows as many as can be read. A number stays right whatever agents come and go.
"""

from __future__ import annotations

LIST, ONE, ALL = 0, 1, 1000
_STEPS = (ONE, 2, 4, 6, 9, 16, 32)


def checked(level: int) -> int:
    """A stored number as a level: what is out of range becomes the nearest one."""
    return max(LIST, min(level, ALL))


def as_text(level: int) -> str:
    """A level as a view keeps it: '' for `ALL`, which is the usual one, else its number."""
    return "" if level == ALL else str(level)


def from_text(text: str) -> int:
    """A kept level; `ALL` for one that this version does not know."""
    return checked(int(text)) if text.isascii() and text.isdigit() else ALL


def nearer(level: int, most: int) -> int:
    """The level of fewer and larger tiles; `most` is how many tiles a page of `ALL` shows. `ONE` has none."""
    if level == LIST:
        return ALL
    return max((step for step in _STEPS if step < min(level, most)), default=ONE)


def farther(level: int, most: int) -> int:
    """The level of more and smaller tiles, at last the list, which has none."""
    if level >= most or level == LIST:
        return LIST
    return min((step for step in _STEPS if level < step < most), default=ALL)
