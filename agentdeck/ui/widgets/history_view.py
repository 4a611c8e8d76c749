"""A document to be read: wrapped to the width, matches marked, locations in files underlined, text picked by mouse."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from textual.events import Click, MouseMove, MouseScrollDown, MouseScrollUp, Resize
from textual.message import Message

from agentdeck.models import pager
from agentdeck.models.cells import width
from agentdeck.models.document import Document, Match, TextDocument
from agentdeck.models.locations import Location, find_locations
from agentdeck.models.screen import Line, Style, plain
from agentdeck.models.selection import Spot
from agentdeck.models.spans import columns, restyle, wrap
from agentdeck.ui.strips import strip_of
from agentdeck.ui.widgets.picking import Picking

NOTCH = 3
"""Rows of one notch of the wheel."""
_EMPTY = TextDocument([], lambda number: ())


def _found(style: Style) -> Style:
    return replace(style, fg="30", bg="33", dim=False, reverse=False)


def _current(style: Style) -> Style:
    return replace(style, fg="30", bg="92", dim=False, reverse=False)


def _named(style: Style) -> Style:
    return replace(style, underline=1)


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the page: a part of line `number`, from column `column` of it on."""

    number: int
    column: int
    line: Line


class HistoryView(Picking):
    """Shows what it is given, from line and row `top` on. `moved` is called whenever the page may be another one."""

    DEFAULT_CSS = """
    HistoryView { width: 1fr; height: 1fr; background: $surface; }
    """

    LIVE = False

    class Pointed(Message):
        """A click on the name of a location in a file."""

        def __init__(self, location: Location) -> None:
            super().__init__()
            self.location = location

    def __init__(self, moved: Callable[[], None]) -> None:
        super().__init__()
        self.document: Document = _EMPTY
        self.top: pager.Top = (0, 0)
        self.matches: dict[int, list[Match]] = {}
        self.current: Match | None = None
        self.existing: frozenset[str] = frozenset()
        self._moved = moved
        self._page: list[_Row] = []
        self._aim: int | None = None

    # -- what is shown --------------------------------------------------------------------------------------

    def show(self, document: Document, line: int | None = None) -> None:
        """Another document, at its end or with `line` on the page."""
        self.document, self.picked, self.matches, self.current = document, None, {}, None
        self._place(line)
        self.repaint()

    def _place(self, line: int | None) -> None:
        """At the end, or with `line` on the page; before there is a size, once there is one."""
        self._aim = line
        self.top = self._end
        if line is not None:
            self.top = pager.showing(line, self.top, self.size.height, self._height_of, len(self.document.texts))

    def mark(self, matches: Sequence[Match], current: Match | None) -> None:
        """Mark what was found, and bring `current` on the page."""
        self.matches = {}
        for match in matches:
            self.matches.setdefault(match.line, []).append(match)
        self.current = current
        if current is not None:
            self.top = pager.showing(
                current.line, self.top, self.size.height, self._height_of, len(self.document.texts)
            )
        self.repaint()

    def underline(self, existing: Collection[str]) -> None:
        """The paths that are files: locations in them can be opened."""
        if self.existing != existing:
            self.existing = frozenset(existing)
            self.repaint()

    @property
    def page(self) -> tuple[int, int]:
        """The first and the last line on the page, from 0."""
        return (self._page[0].number, self._page[-1].number) if self._page else (0, 0)

    @property
    def at_end(self) -> bool:
        return self.top >= self._end

    def locations(self) -> list[Location]:
        """Locations named on the page, from the bottom up."""
        first, last = self.page
        lines = range(last, first - 1, -1) if self.document.texts else range(0)
        return [each for line in lines for each in find_locations(self.document.texts[line])]

    def pointed_locations(self) -> list[Location]:
        """Locations in what is picked, else in the line of the current match while that is on the page."""
        first, last = self.page
        if self.picked is None and self.current is not None and first <= self.current.line <= last:
            return list(find_locations(self.document.texts[self.current.line]))
        return [each for line in self.picked_text.split("\n") for each in find_locations(line)]

    # -- moving ---------------------------------------------------------------------------------------------

    def scroll_rows(self, by: int) -> None:
        self._go(pager.moved(self.top, by, self._height_of, len(self.document.texts)))

    def scroll_pages(self, by: float) -> None:
        """Whole or half pages; two rows of a whole one stay."""
        self.scroll_rows(int(by * max(1, self.size.height - (2 if abs(by) >= 1 else 0))))

    def go_start(self) -> None:
        self._go((0, 0))

    def go_end(self) -> None:
        self._go(self._end)

    def _go(self, top: pager.Top) -> None:
        top = max((0, 0), min(top, self._end))
        if top != self.top:
            self.top = top
            self.repaint()

    @property
    def _end(self) -> pager.Top:
        return pager.last(self.size.height, self._height_of, len(self.document.texts))

    def _height_of(self, number: int) -> int:
        line = self.document.line(number)
        return 1 if width(plain(line)) <= self.size.width else len(wrap(line, self.size.width))

    # -- drawing --------------------------------------------------------------------------------------------

    def repaint(self) -> None:
        size = self.size
        if not size.width or not size.height:
            return
        self._page = self._rows_from(self.top, size.height)
        for y in range(size.height):
            line = self._page[y].line if y < len(self._page) else ()
            self.put(y, strip_of(line, 0, size.width))
        self._moved()

    def _rows_from(self, top: pager.Top, height: int) -> list[_Row]:
        found: list[_Row] = []
        number, skip = top
        while number < len(self.document.texts) and len(found) < height + skip:
            column = 0
            for row in wrap(self._decorated(number), self.size.width):
                found.append(_Row(number, column, row))
                column += width(plain(row))
            number += 1
        return found[skip : skip + height]

    def _decorated(self, number: int) -> Line:
        line, text = self.document.line(number), self.document.texts[number]
        for each in find_locations(text) if self.existing else ():
            if each.path in self.existing:
                line = restyle(line, *columns(text, each.start, each.end), _named)
        for match in self.matches.get(number, ()):
            change = _current if match == self.current else _found
            line = restyle(line, *columns(text, match.start, match.end), change)
        if self.picked is not None:
            line = self.picked.paint(number, line, width(text))
        return line

    def on_resize(self, event: Resize) -> None:
        self.forget_rows()
        if self._page:
            self.top = min(self.top, self._end)
        else:
            self._place(self._aim)
        self.repaint()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_attached and self.size.width:
            self.forget_rows()
            self.repaint()

    # -- the mouse ------------------------------------------------------------------------------------------

    def line_at(self, number: int) -> Line:
        return self.document.line(number)

    def spot_at(self, x: int, y: int) -> Spot | None:
        if not self._page:
            return None
        row = self._page[max(0, min(y, len(self._page) - 1))]
        return row.number, row.column + max(0, min(x, self.size.width - 1))

    def on_mouse_move(self, event: MouseMove) -> None:
        if self.dragging and not 0 <= event.y < self.size.height:
            self.scroll_rows(-1 if event.y < 0 else 1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.scroll_rows(-NOTCH)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.scroll_rows(NOTCH)

    def on_click(self, event: Click) -> None:
        event.stop()
        if self.dragged:
            return
        location = self._location_at(event.x, event.y) if event.chain == 1 else None
        if location is not None:
            self.post_message(self.Pointed(location))
        else:
            self.pick_at(event.x, event.y, event.chain)

    def _location_at(self, x: int, y: int) -> Location | None:
        if not 0 <= y < len(self._page):
            return None
        row = self._page[y]
        text, column = self.document.texts[row.number], row.column + x
        for each in find_locations(text):
            start, end = columns(text, each.start, each.end)
            if start <= column < end and each.path in self.existing:
                return each
        return None
