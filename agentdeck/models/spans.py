"""Parts of a line by columns: wrapped to a width, marked, cut out as text. A wide character is never halved."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from agentdeck.models.cells import cells, places, width
from agentdeck.models.screen import PLAIN, Line, Style, plain

# What belongs to one word when it is picked by a double click: paths, options, identifiers, addresses.
_WORD = re.compile(r"[\w./~@%+#:=?&-]+")
_AROUND = ".,:;?!"  # sentence marks at a word's end are not part of it


@lru_cache(maxsize=512)
def wrap(line: Line, columns: int) -> tuple[Line, ...]:
    """The line as rows of at most `columns` columns; one empty row for an empty line."""
    rows: list[Line] = []
    row: list[tuple[str, Style]] = []
    columns = max(2, columns)  # room for any one character
    room = columns
    for text, style in line:
        rest = text
        while rest:
            piece, rest, taken = _fitting(rest, room)
            if piece:
                row.append((piece, style))
                room -= taken
            if rest and (not piece or not room):
                rows.append(tuple(row))
                row, room = [], columns
    return (*rows, tuple(row)) if row or not rows else tuple(rows)


def _fitting(text: str, room: int) -> tuple[str, str, int]:
    """As much of `text` as has room, the rest of it, and the columns taken."""
    if text.isascii():
        return text[:room], text[room:], min(room, len(text))
    for index, column, size in places(text):
        if column + size > room:
            return text[:index], text[index:], column
    return text, "", width(text)


@lru_cache(maxsize=256)
def restyle(line: Line, start: int, end: int, change: Callable[[Style], Style], fill: bool = False) -> Line:
    """The line with the style of the columns from `start` up to `end` changed; `fill` adds blanks up to `end`."""
    runs: list[tuple[str, Style]] = []
    at = 0
    for text, style in line:
        for cell, size in cells(text):
            inside = at < end and at + size > start
            _add(runs, cell, change(style) if inside else style)
            at += size
    if fill and at < end:
        if at < start:
            _add(runs, " " * (start - at), PLAIN)
        _add(runs, " " * (end - max(at, start)), change(PLAIN))
    return tuple(runs)


def _add(runs: list[tuple[str, Style]], text: str, style: Style) -> None:
    if runs and runs[-1][1] == style:
        runs[-1] = (runs[-1][0] + text, style)
    else:
        runs.append((text, style))


def reversed_style(style: Style) -> Style:
    return replace(style, reverse=not style.reverse)


def cut(line: Line, start: int, end: int) -> str:
    """The text in the columns from `start` up to `end`, without blanks at its end."""
    kept, at = [], 0
    for cell, size in cells(plain(line)):
        if at < end and at + size > start:
            kept.append(cell)
        at += size
    return "".join(kept).rstrip()


def columns(text: str, start: int, end: int) -> tuple[int, int]:
    """The columns in which the characters from `start` up to `end` of a text stand."""
    before = width(text[:start])
    return before, before + width(text[start:end])


def word_at(line: Line, column: int) -> tuple[int, int]:
    """The columns of the word at a column, or of that one cell when no word is there."""
    text = plain(line)
    for match in _WORD.finditer(text):
        end = match.start() + len(match[0].rstrip(_AROUND))
        first, last = columns(text, match.start(), end)
        if first <= column < last:
            return first, last
    return column, column + 1
