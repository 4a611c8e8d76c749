"""A text to be read and searched line by line: what an agent's screen showed, or what was said in its sessions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agentdeck.models.screen import Line, Style, bare, parse

SCREEN, TRANSCRIPT = "screen", "transcript"
"""Where a text is from."""


class Document(Protocol):
    """`source` is SCREEN or TRANSCRIPT; `texts` are its lines without attributes."""

    source: str
    texts: Sequence[str]

    def line(self, number: int) -> Line:
        """Line `number` (from 0) as it is shown."""
        ...


class ScreenDocument:
    """Captured lines in pieces that each begin in the plain style; a piece is parsed when a line of it is shown."""

    source = SCREEN

    def __init__(self, pieces: Sequence[Sequence[str]]) -> None:
        texts = [[bare(line).rstrip() for line in piece] for piece in pieces]
        self.texts: Sequence[str] = _without_blank_end([text for piece in texts for text in piece])
        self._pieces = pieces
        self._starts = [sum(len(piece) for piece in pieces[:number]) for number in range(len(pieces))]
        self._parsed: dict[int, tuple[Line, ...]] = {}

    def line(self, number: int) -> Line:
        place = max(index for index, start in enumerate(self._starts) if start <= number)
        if place not in self._parsed:
            self._parsed[place] = parse(self._pieces[place])
        return self._parsed[place][number - self._starts[place]]


def _without_blank_end(texts: list[str]) -> list[str]:
    while texts and not texts[-1]:
        texts.pop()
    return texts


@dataclass(frozen=True, slots=True)
class Styled:
    """One line of text in one style, its first `mark` characters in another."""

    text: str
    style: Style = Style()
    mark: int = 0
    mark_style: Style = Style()


class TextDocument:
    """Lines made by ourselves."""

    source = TRANSCRIPT

    def __init__(self, lines: Sequence[Styled]) -> None:
        self._lines = lines
        self.texts: Sequence[str] = [line.text for line in lines]

    def line(self, number: int) -> Line:
        line = self._lines[number]
        runs = ((line.text[: line.mark], line.mark_style), (line.text[line.mark :], line.style))
        return tuple(run for run in runs if run[0])


@dataclass(frozen=True, slots=True)
class Match:
    """Where a text was found: the line and its characters from `start` up to `end`."""

    line: int
    start: int
    end: int


class Needle:
    """A text to look for: in either case while it has no capital letter."""

    def __init__(self, text: str) -> None:
        self.text = text
        exact = text != text.lower()
        self._plain = text if exact else text.lower()
        self._exact = exact
        self._pattern = re.compile(re.escape(text), 0 if exact else re.IGNORECASE)

    def __bool__(self) -> bool:
        return bool(self.text)

    def in_text(self, text: str) -> bool:
        """Whether it occurs; quicker than asking where."""
        return bool(self.text) and self._plain in (text if self._exact else text.lower())

    def matches(self, texts: Sequence[str]) -> list[Match]:
        """Every place it is found, in order."""
        return [
            Match(number, found.start(), found.end())
            for number, text in enumerate(texts)
            if self.in_text(text)
            for found in self._pattern.finditer(text)
        ]


def nearest(texts: Sequence[str], line: int, text: str) -> int:
    """The line that reads `text` and is nearest to number `line`; `line` itself, within the texts, when none does."""
    same = [number for number, each in enumerate(texts) if each == text]
    return min(same, key=lambda number: abs(number - line), default=max(0, min(line, len(texts) - 1)))
