"""A text to be read and searched line by line: what an agent's screen showed, or what was said in its sessions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from agentdeck.models.screen import Line, bare, parse

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
        self.texts: Sequence[str] = tidy(bare(line) for piece in pieces for line in piece)
        self._pieces = pieces
        self._starts = [sum(len(piece) for piece in pieces[:number]) for number in range(len(pieces))]
        self._parsed: dict[int, tuple[Line, ...]] = {}

    def line(self, number: int) -> Line:
        place = max(index for index, start in enumerate(self._starts) if start <= number)
        if place not in self._parsed:
            self._parsed[place] = parse(self._pieces[place])
        return self._parsed[place][number - self._starts[place]]


def tidy(lines: Iterable[str]) -> list[str]:
    """Lines without the blanks at their ends, and without the blank ones after the last."""
    texts = [line.rstrip() for line in lines]
    while texts and not texts[-1]:
        texts.pop()
    return texts


class TextDocument:
    """Lines made by ourselves: `look` gives line number `n` its styles when it is shown."""

    source = TRANSCRIPT

    def __init__(self, texts: Sequence[str], look: Callable[[int], Line]) -> None:
        self.texts = texts
        self._look = look

    def line(self, number: int) -> Line:
        return self._look(number)


@dataclass(frozen=True, slots=True)
class Match:
    """Where a text was found: the line and its characters from `start` up to `end`."""

    line: int
    start: int
    end: int


class Needle:
    """A text to look for: in either case while it has no capital letter. An empty one is found nowhere."""

    def __init__(self, text: str) -> None:
        self.text = text
        exact = text != text.lower()
        self._plain = text if exact else text.lower()
        self._exact = exact
        self._pattern = re.compile(re.escape(text), 0 if exact else re.IGNORECASE)

    def __bool__(self) -> bool:
        return bool(self.text)

    def matches(self, texts: Sequence[str], most: int = 0) -> list[Match]:
        """Every place it is found, in order; with `most`, only those in the last so many lines that hold it."""
        plain, exact, held = self._plain, self._exact, list[int]()
        if not plain:
            return []
        for number in range(len(texts) - 1, -1, -1):
            if plain in (texts[number] if exact else texts[number].lower()):
                held.append(number)
                if len(held) == most:
                    break
        return [
            Match(number, found.start(), found.end())
            for number in reversed(held)
            for found in self._pattern.finditer(texts[number])
        ]


def nearest(texts: Sequence[str], line: int, text: str) -> int:
    """The line that reads `text` and is nearest to number `line`; `line` itself, within the texts, when none does."""
    same = [number for number, each in enumerate(texts) if each == text]
    return min(same, key=lambda number: abs(number - line), default=max(0, min(line, len(texts) - 1)))
