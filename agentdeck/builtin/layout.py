"""Text on rows of cells: widths, wrapping, and text that arrives in pieces. Pure."""

from __future__ import annotations

import re

from agentdeck.models.cells import width

__all__ = ["Flow", "clean", "cut", "cut_left", "width", "wrap"]

TAB = " " * 4
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """Text that cannot steer the terminal: escape sequences and control characters out, line ends kept."""
    text = ESCAPES.sub("", text).replace("\r\n", "\n").replace("\t", TAB)
    return CONTROLS.sub("", text)


def cut(text: str, columns: int) -> str:
    """As much of the beginning as fits, ending in … when something is left out."""
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return text + "…"


def cut_left(text: str, columns: int) -> str:
    """As much of the end as fits."""
    text = text[-columns:] if columns > 0 else ""
    while width(text) > columns:
        text = text[1:]
    return text


def wrap(line: str, columns: int) -> list[str]:
    """One line on rows of at most `columns` cells, broken at spaces where there are any."""
    rows, row, used = [], "", 0
    for word in re.findall(r" *[^ ]+| +$", line):
        rest = word
        if used and used + width(rest) > columns:
            rows.append(row)
            row, used, rest = "", 0, word.lstrip(" ")
        while width(rest) > columns:
            piece = _fitting(rest, columns)
            rows.append(piece)
            rest = rest[len(piece) :]
        row, used = row + rest, used + width(rest)
    return [*rows, row]


def _fitting(word: str, columns: int) -> str:
    end, used = 0, 0
    for char in word:
        used += width(char)
        if used > columns:
            break
        end += 1
    return word[: max(1, end)]


class Flow:
    """Wraps text that arrives in pieces: `add` returns the rows that are final, `row` is the one still growing."""

    def __init__(self) -> None:
        self.row = ""
        self._broken = False  # the growing row is empty because a line was broken at a space before it

    def add(self, piece: str, columns: int) -> list[str]:
        text = clean(piece)
        if self._broken:
            text = text.lstrip(" ")
            if not text:
                return []
        *lines, last = (self.row + text).split("\n")
        done = [row for line in lines for row in wrap(line, columns)]
        *full, self.row = wrap(last, columns)
        self._broken = bool(full) and not self.row
        return done + full

    def end(self) -> list[str]:
        row, self.row, self._broken = self.row, "", False
        return [row] if row else []
