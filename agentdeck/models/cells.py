"""How many columns a text takes on a terminal: the rules by which tmux lays out its own screens.

Measured on tmux 3.3a with glibc's `wcwidth` over every assigned character: East Asian wide and
full-width characters take two columns, marks and format characters none, everything else one. A
variation selector never widens what it follows, a zero width joiner glues the next character
into the same cell, and a skin tone has cells of its own.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

JOINER = "\u200d"
# Format characters (category Cf) which glibc gives a column, and symbols which it draws wide.
_ONE = frozenset("\u00ad\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd") | frozenset(map(chr, range(0x600, 0x606)))
_TWO = ((0x3248, 0x324F), (0x4DC0, 0x4DFF))
_NONE = ((0x1160, 0x11FF), (0xD7B0, 0xD7FB), (0x2028, 0x2029))  # vowels and finals of Hangul; separators


@lru_cache(maxsize=8192)
def char_width(char: str) -> int:
    """Columns of one character: 0, 1 or 2."""
    code = ord(char)
    if code < 0x20 or 0x7F <= code < 0xA0:
        return 0
    if char in _ONE:
        return 1
    if unicodedata.category(char) in ("Mn", "Me", "Cf") and char not in "\u302e\u302f":
        return 0
    if any(first <= code <= last for first, last in _NONE):
        return 0
    if any(first <= code <= last for first, last in _TWO) or unicodedata.east_asian_width(char) in "WF":
        return 2
    return 1


@lru_cache(maxsize=512)
def cells(text: str) -> tuple[tuple[str, int], ...]:
    """The text cell by cell: what stands in each, and how many columns it takes (1 or 2)."""
    found: list[tuple[str, int]] = []
    for char in text:
        size = char_width(char)
        if found and (not size or (found[-1][0].endswith(JOINER) and not char.isascii())):
            found[-1] = (found[-1][0] + char, found[-1][1])
        elif size:
            found.append((char, size))
    return tuple((cell.rstrip(JOINER), size) for cell, size in found)  # a joiner without a successor joins nothing


@lru_cache(maxsize=256)
def places(text: str) -> tuple[tuple[int, int, int], ...]:
    """Where each cell of a text begins: the character's index, the column, and how many columns the cell takes."""
    found: list[tuple[int, int, int]] = []
    column, joined = 0, False
    for index, char in enumerate(text):
        size = char_width(char)
        if size and not (found and joined and not char.isascii()):
            found.append((index, column, size))
            column += size
        joined = char == JOINER
    return tuple(found)


def width(text: str) -> int:
    """Columns of a text."""
    return len(text) if text.isascii() else sum(size for _, size in cells(text))
