"""What a drag of the mouse has picked out of lines of text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from agentdeck.models.cells import width
from agentdeck.models.screen import Line, plain
from agentdeck.models.spans import cut, restyle, reversed_style, word_at

Spot = tuple[int, int]
"""A line and a column, both from 0."""


@dataclass(frozen=True, slots=True)
class Selection:
    """From the cell at `anchor` to the cell at `head`, both included, in whichever order: as a text runs."""

    anchor: Spot
    head: Spot

    def to(self, spot: Spot) -> Selection:
        return replace(self, head=spot)

    @property
    def ends(self) -> tuple[Spot, Spot]:
        """The first and the last cell."""
        return min(self.anchor, self.head), max(self.anchor, self.head)

    def columns(self, line: int, size: int) -> tuple[int, int]:
        """Which columns of a line of `size` columns are in it, from the first up to (not with) the last; 0, 0: none."""
        first, last = self.ends
        if not first[0] <= line <= last[0]:
            return 0, 0
        return (first[1] if line == first[0] else 0), (last[1] + 1 if line == last[0] else max(size, 1))

    def text(self, line_at: Callable[[int], Line]) -> str:
        """What it holds, one line each, without the blanks at lines' ends."""
        first, last = self.ends
        lines = ((number, line_at(number)) for number in range(first[0], last[0] + 1))
        return "\n".join(cut(line, *self.columns(number, width(plain(line)))) for number, line in lines)

    def paint(self, number: int, line: Line, size: int) -> Line:
        """The line as it is shown: what is picked stands reversed."""
        start, end = self.columns(number, size)
        return restyle(line, start, end, reversed_style, fill=True) if end > start else line


def word(number: int, line: Line, column: int) -> Selection:
    """The word at a column of line `number`."""
    start, end = word_at(line, column)
    return Selection((number, start), (number, end - 1))


def whole(number: int, line: Line) -> Selection:
    return Selection((number, 0), (number, max(0, width(plain(line)) - 1)))
