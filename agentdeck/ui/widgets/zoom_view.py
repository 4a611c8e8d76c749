"""One pane as large as it is, with its cursor; in a frame of blank cells when there is more room."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.segment import Segment
from textual.events import Click, MouseDown, Resize
from textual.geometry import Region

from agentdeck.models.pane import Pane
from agentdeck.models.screen import Line, PaneScreen, top_row
from agentdeck.models.selection import Spot
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.live import Want
from agentdeck.ui.strips import strip_of, with_cursor
from agentdeck.ui.widgets.picking import Picking
from agentdeck.ui.widgets.zoom_back import ZoomBack


class ZoomView(Picking):
    """A viewer for Live. `seen` is called with every state of the pane, None when it is gone.

    `back` is where it stands in the pane's history, and `moved` is called when that is elsewhere; `theirs` says of a
    press whether it is for the agent's program.
    """

    DEFAULT_CSS = """
    ZoomView { width: 1fr; height: 1fr; background: $surface; }
    """

    def __init__(self, row: AgentRow, seen: Callable[[Pane | None], None]) -> None:
        super().__init__()
        self.row = row
        self.picture = PaneScreen()
        self.lost = False
        self.back = ZoomBack(self._back_changed)
        self.theirs: Callable[[MouseDown], bool] = lambda event: False
        self.moved: Callable[[], None] = lambda: None
        self._seen = seen
        self._drawn: tuple[Region, list[Line]] | None = None
        self._left = 0

    def set_row(self, row: AgentRow) -> None:
        self.row = row

    # -- for Live -------------------------------------------------------------------------------------------

    def wanted(self) -> dict[str, Want]:
        pane = self.row.agent.pane
        return {pane: Want(self.row.agent.id, "focused")} if pane and self.is_attached else {}

    def show(self, pane: str, picture: PaneScreen) -> None:
        if pane == self.row.agent.pane:
            self.picture = picture
            self._draw()

    def observe(self, panes: Mapping[str, Pane] | None) -> None:
        pane = panes.get(self.row.agent.pane) if panes is not None else None
        if pane is not None and pane.deck_id != self.row.agent.id:
            pane = None
        lost = pane is None or pane.dead
        if lost != self.lost:
            self.lost = lost
            self._draw(again=True)
        self.back.observe(pane)
        self._seen(pane)

    def _back_changed(self) -> None:
        self._draw()
        self.moved()

    def scroll_back(self, rows: int, pane: Pane) -> bool:
        """Back in the pane's history for a negative number; whether that led anywhere."""
        return self.back.scroll(rows, pane, self.body.height, self.origin()[1])

    # -- drawing --------------------------------------------------------------------------------------------

    @property
    def body(self) -> Region:
        """Where the pane's cells are, relative to the widget."""
        width, height = self.size
        columns = min(width, self.picture.cols or width)
        rows = min(height, self.picture.rows or height)
        return Region((width - columns) // 2, (height - rows) // 2, columns, rows)

    def origin(self) -> tuple[int, int]:
        """Which column and row of the pane stand in the upper left corner of the body."""
        picture, body = self.picture, self.body
        top = top_row(picture.lines, picture.cursor_y, body.height) if picture.rows > body.height else 0
        beyond = picture.cursor_x - body.width // 2 if picture.cursor_x >= body.width else 0
        return max(0, min(beyond, picture.cols - body.width)), top

    def on_resize(self, event: Resize) -> None:
        self._draw(again=True)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_attached and self.size.width:
            self._draw(again=True)

    def _draw(self, again: bool = False) -> None:
        if not self.size.width or not self.size.height:
            return
        if again:
            self.drop_picked()
        elif self.frozen:
            return
        body, (left, top) = self.body, self.origin()
        lines = self._lines(top, body.height)
        before = self._drawn
        if again or before is None or before[0] != body or left != self._left:
            self.forget_rows()
            before = None
        frame = self._frame(body)
        for index, line in enumerate(lines):
            if before is None or line is not before[1][index]:
                self.put(body.y + index, strip_of(line, left, body.width, self.lost).behind(*frame))
        self._drawn = (body, lines)
        self._left = left

    def _lines(self, top: int, height: int) -> list[Line]:
        picture, at = self.picture, self.back.at
        if at is None:
            lines: list[Line] = [*picture.lines[top : top + height]]
            lines += [()] * (height - len(lines))
        else:
            lines = [self.back.line(y, picture) for y in range(height)]
            top = at.top - at.live
        row = picture.cursor_y - top
        if 0 <= row < height and not self.lost:
            lines[row] = with_cursor(lines[row], picture.cursor_x)
        return lines

    def _frame(self, body: Region) -> tuple[Segment, Segment]:
        style = self.rich_style
        right = self.size.width - body.x - body.width
        return Segment(" " * body.x, style), Segment(" " * right, style)

    # -- the mouse ------------------------------------------------------------------------------------------

    def pickable(self, event: MouseDown) -> bool:
        return not self.theirs(event)

    def spot_at(self, x: int, y: int) -> Spot | None:
        body = self.body
        if self._drawn is None or not body.height or not body.width:
            return None
        row, column = y - body.y, x - body.x
        return max(0, min(row, body.height - 1)), self._left + max(0, min(column, body.width - 1))

    def line_at(self, number: int) -> Line:
        return self._drawn[1][number] if self._drawn is not None and number < len(self._drawn[1]) else ()

    def repaint(self) -> None:
        if self.picked is None:
            self._draw(again=not self.frozen)
            return
        body = self.body
        for index in range(body.height):
            line = self.picked.paint(index, self.line_at(index), self._left + body.width)
            self.put(body.y + index, strip_of(line, self._left, body.width, self.lost).behind(*self._frame(body)))

    def on_click(self, event: Click) -> None:
        if not self.dragged and event.chain > 1:
            self.pick_at(event.x, event.y, event.chain)
