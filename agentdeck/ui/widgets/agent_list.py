"""The list: one line an agent, for fleets that no grid can show. Columns give way by width."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.content import Content
from textual.events import Click, MouseScrollDown, MouseScrollUp, Resize
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from agentdeck.models.clock import now_ms
from agentdeck.services.fleet import AgentRow
from agentdeck.ui import places
from agentdeck.ui.deck_state import ages
from agentdeck.ui.entry import Entry
from agentdeck.ui.last_words import last_words
from agentdeck.ui.strips import tame
from agentdeck.ui.widgets import list_text
from agentdeck.ui.widgets.lines import LineWidget
from agentdeck.ui.widgets.list_text import Column
from agentdeck.ui.widgets.pointed import Pointed

HEAD = 1
"""Rows above the first agent."""
EDGE = 1
WHEEL = 3
"""Lines per turn of the wheel."""


class AgentList(LineWidget):
    """A face of the stage. It scrolls no more than the focus makes it, or as far as the wheel says."""

    class Scrolled(Message):
        """Others are visible now, though the focus is where it was."""

    COMPONENT_CLASSES = {"list--head", "list--line", "list--focused"}
    DEFAULT_CSS = """
    AgentList {
        width: 1fr; height: 1fr; background: $background;
        & > .list--head { background: $panel; color: $foreground-muted; }
        & > .list--line { background: $background; color: $foreground; }
        & > .list--focused { background: $primary-muted; color: $foreground; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.columns = self.room = 1
        self.first = 0
        self._at = -1
        self._entries: list[Entry] = []
        self._rows_known: Sequence[AgentRow] = ()
        self._layout: tuple[Column, ...] = ()
        self._layout_width = -1
        self._drawn: list[object] = []

    # -- for the stage --------------------------------------------------------------------------------------

    def lay_out(self, rows: Sequence[AgentRow], at: int, level: int, size: Size) -> None:
        room = max(1, size.height - HEAD)
        if (at, room) != (self._at, self.room):
            self.first = places.scrolled(self.first, at, len(rows), room)
        self._at, self.room = at, room
        self.first = max(0, min(self.first, len(rows) - room))
        if rows is not self._rows_known:
            self._rows_known, self._layout_width = rows, -1

    def draw(self, entries: Sequence[Entry]) -> None:
        self._entries = list(entries)
        self._draw()

    def redraw(self, at: int, entry: Entry) -> None:
        self._entries[at] = entry
        self._draw_line(at)

    def tell_time(self) -> None:
        self._draw()

    # -- drawing --------------------------------------------------------------------------------------------

    def on_resize(self, event: Resize) -> None:
        self._draw(again=True)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_attached and self.size.width:
            self._draw(again=True)

    def _draw(self, again: bool = False) -> None:
        width, height = self.size
        if not width or not height:
            return
        layout = self._layout
        if width != self._layout_width:
            self._layout = list_text.columns(width - EDGE, self._rows_known)
            self._layout_width = width
        if again or layout != self._layout:
            self.forget_rows()
            self._drawn = []
            head = Content.assemble(" " * EDGE, list_text.header(self._layout))
            self.put(0, self.text_row(head, "list--head"))
        for at in range(height - HEAD):
            self._draw_line(at)

    def _draw_line(self, at: int) -> None:
        """One line, painted only when it reads differently."""
        self._drawn += [None] * (at + 1 - len(self._drawn))
        if at >= len(self._entries):
            if self._drawn[at] is not None:
                self._drawn[at] = None
                self.put(at + HEAD, Strip.blank(self.size.width, self.ink("list--line")))
            return
        entry = self._entries[at]
        now, screen = now_ms(), self._screen(entry)
        drawn = (entry.row, entry.number, entry.marked, entry.in_focus, ages([entry.row], now), screen)
        if drawn != self._drawn[at]:
            self._drawn[at] = drawn
            self.put(at + HEAD, self._strip_of(entry, now, screen))

    def _screen(self, entry: Entry) -> tuple[str, str]:
        """The last column: what is wrong, what is asked, or the last line of the screen; and its style."""
        if not self._layout or self._layout[-1].name != "screen":
            return "", ""
        if wrong := entry.note or entry.row.tree.note:
            return wrong, "$text-warning"
        if asked := list_text.asks(entry.row):
            return tame(asked), "$text-warning"
        said = tame(last_words(entry.picture)) if entry.picture is not None else ""
        return said, "$foreground-muted dim" if entry.faint else "$foreground-muted"

    def _strip_of(self, entry: Entry, now: int, screen: tuple[str, str]) -> Strip:
        look = "list--focused" if entry.in_focus else "list--line"
        edge = Segment("▌" if entry.in_focus else " ", self.ink(look, "$accent" if entry.in_focus else ""))
        words = list_text.words(entry, self._layout, now)
        line = self._strip(Content.assemble(words, screen), look, self.size.width - EDGE)
        return Strip([edge, *line], self.size.width)

    # -- the mouse ------------------------------------------------------------------------------------------

    def on_click(self, event: Click) -> None:
        event.stop()
        at = event.y - HEAD
        if 0 <= at < len(self._entries):
            self.post_message(Pointed.by(event, self._entries[at].row.agent.id))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        self._scroll(event, WHEEL)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self._scroll(event, -WHEEL)

    def _scroll(self, event: MouseScrollDown | MouseScrollUp, lines: int) -> None:
        event.stop()
        first = max(0, min(self.first + lines, len(self._rows_known) - self.room))
        if first != self.first:
            self.first = first
            self.post_message(self.Scrolled())
