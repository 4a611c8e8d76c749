"""One agent's cell of the grid: a title, the live screen as far as it fits, a foot."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.content import Content
from textual.events import Click, MouseDown, Resize
from textual.geometry import Region
from textual.strip import Strip

from agentdeck.models.clock import now_ms
from agentdeck.models.screen import Line, PaneScreen, top_row
from agentdeck.models.selection import Spot
from agentdeck.ui.deck_state import ages
from agentdeck.ui.entry import Entry
from agentdeck.ui.strips import drawn, strip_of
from agentdeck.ui.widgets.lines import alike
from agentdeck.ui.widgets.picking import Picking
from agentdeck.ui.widgets.pointed import Pointed
from agentdeck.ui.widgets.tile_text import blank, foot, title

EDGE = 1
"""Columns left of the screen: the edge between tiles, thick at the focused one."""
_NO_FOOT_BELOW = 5


class Tile(Picking):
    """Shows the Entry it is given. Never asks tmux for anything."""

    COMPONENT_CLASSES = {
        "tile--title",
        "tile--title-focused",
        "tile--foot",
        "tile--blank",
        "tile--edge",
        "tile--edge-focused",
    }
    DEFAULT_CSS = """
    Tile {
        width: 1fr; height: 1fr; background: $background;
        & > .tile--title { background: $panel; color: $foreground; }
        & > .tile--title-focused { background: $primary-muted; color: $foreground; }
        & > .tile--foot { background: $surface; color: $foreground-muted; }
        & > .tile--blank { background: $background; color: $foreground-muted; }
        & > .tile--edge { background: $panel; color: $panel; }
        & > .tile--edge-focused { background: $panel; color: $accent; }
    }
    """

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry
        self._words: tuple[Content | None, Content | None] = (None, None)
        self._told: object = None
        self._edge: Segment | None = None
        self._shown: Sequence[Line | None] = []
        self._blank = False
        self._strips: dict[int, tuple[Line, Strip]] = {}

    def give(self, entry: Entry) -> None:
        """Show this entry from now on; of the same agent or of another."""
        before, self.entry = self.entry, entry
        if entry.row.agent.id != before.row.agent.id:
            self.drop_picked()
        edge = entry.in_focus != before.in_focus
        if edge:
            self._edge = None
            self._words, self._told = (None, None), None
        if edge or entry.faint != before.faint or entry.picture is not before.picture:
            self._draw_body(again=edge or entry.faint != before.faint)
        self.draw_words()

    # -- where the screen is --------------------------------------------------------------------------------

    @property
    def body(self) -> Region:
        """The place of the agent's screen in the tile, in cells."""
        width, height = self.size
        return Region(EDGE, 1, max(0, width - EDGE), max(0, height - 1 - self._foot_rows))

    @property
    def _foot_rows(self) -> int:
        return 0 if self.size.height < _NO_FOOT_BELOW else 1

    # -- drawing --------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._draw_all()

    def on_resize(self, event: Resize) -> None:
        self._draw_all()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_attached and self.size.width:
            self._draw_all()

    def _draw_all(self) -> None:
        self._words, self._edge, self._told = (None, None), None, None
        self.forget_rows()
        self.draw_words()
        self._draw_body(again=True)

    def draw_words(self) -> None:
        """Title and foot, painted only when they read differently: called once a second for the time in state."""
        entry, now = self.entry, now_ms()
        told = (entry.row, entry.note, entry.marked, entry.in_focus, ages([entry.row], now))
        if told == self._told:
            return
        width, height = self.size
        if not width or not height:
            return
        self._told = told
        top = title(entry.row, width - EDGE, now, marked=entry.marked)
        bottom = foot(entry.row, width - EDGE, entry.note)
        if not alike(top, self._words[0]):
            self.put(0, self._worded(top, "tile--title-focused" if entry.in_focus else "tile--title"))
        if self._foot_rows and not alike(bottom, self._words[1]):
            self.put(height - 1, self._worded(bottom, "tile--foot"))
        self._words = (top, bottom)

    def _worded(self, content: Content, component: str) -> Strip:
        strip = self._strip(content, component, self.size.width - EDGE)
        return Strip([self._edge_segment(), *strip], self.size.width)

    def _draw_body(self, again: bool = False) -> None:
        body = self.body
        if not body.width or not body.height:
            return
        if again:
            self.drop_picked()
        elif self.frozen:
            return
        picture = self.entry.picture or PaneScreen()
        top = top_row(picture.lines, picture.cursor_y, body.height)
        lines = picture.lines[top : top + body.height]
        rows: list[Line] = [*lines, *[()] * (body.height - len(lines))]
        blank_before, self._blank = self._blank, self.entry.row.agent.life == "stopped" and not any(rows)
        if again or blank_before or len(rows) != len(self._shown):
            self._shown = [None] * len(rows)
            self._strips = {}
        known, self._strips = self._strips, {}
        for index, line in enumerate(rows):
            kept = self._strips[id(line)] = known.get(id(line)) or (line, self._drawn(line, body.width))
            if line is not self._shown[index] and line != self._shown[index]:
                self.put(body.y + index, kept[1])
        self._shown = rows
        if self._blank:
            self.put(body.y + body.height // 2, self._worded(blank(self.entry.row, body.width), "tile--blank"))

    def _drawn(self, line: Line, columns: int) -> Strip:
        return drawn(line, 0, columns, self.entry.faint).behind(self._edge_segment())

    def _edge_segment(self) -> Segment:
        if self._edge is None:
            style = self.get_component_rich_style("tile--edge-focused" if self.entry.in_focus else "tile--edge")
            self._edge = Segment("▌" if self.entry.in_focus else " ", style)
        return self._edge

    # -- the mouse ------------------------------------------------------------------------------------------

    def pickable(self, event: MouseDown) -> bool:
        return self.body.contains(event.x, event.y)

    def spot_at(self, x: int, y: int) -> Spot | None:
        body = self.body
        if not body.width or not body.height:
            return None
        return max(0, min(y - body.y, body.height - 1)), max(0, min(x - body.x, body.width - 1))

    def line_at(self, number: int) -> Line:
        return (self._shown[number] or ()) if number < len(self._shown) else ()

    def repaint(self) -> None:
        if self.picked is None:
            self._draw_body(again=not self.frozen)
            return
        body = self.body
        for index in range(len(self._shown)):
            line = self.picked.paint(index, self.line_at(index), body.width)
            self.put(body.y + index, strip_of(line, 0, body.width, self.entry.faint).behind(self._edge_segment()))

    def on_click(self, event: Click) -> None:
        event.stop()
        if not self.dragged:
            self.post_message(Pointed.by(event, self.entry.row.agent.id))
