"""One pane as large as it is, with its cursor; in a frame of blank cells when there is more room."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.segment import Segment
from textual.events import Resize
from textual.geometry import Region

from agentdeck.models.pane import Pane
from agentdeck.models.screen import Line, PaneScreen, top_row
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.live import Want
from agentdeck.ui.strips import strip_of, with_cursor
from agentdeck.ui.widgets.lines import LineWidget


class ZoomView(LineWidget):
    """A viewer for Live. `seen` is called with every state of the pane, None when it is gone."""

    DEFAULT_CSS = """
    ZoomView { width: 1fr; height: 1fr; background: $surface; }
    """

    def __init__(self, row: AgentRow, seen: Callable[[Pane | None], None]) -> None:
        super().__init__()
        self.row = row
        self.picture = PaneScreen()
        self.lost = False
        self._seen = seen
        self._drawn: tuple[Region, list[Line]] | None = None

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
        self._seen(pane)

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
        body, (left, top) = self.body, self.origin()
        lines = self._lines(top, body.height)
        before = self._drawn
        if again or before is None or before[0] != body or left:
            self.forget_rows()
            before = None
        frame = self._frame(body)
        for index, line in enumerate(lines):
            if before is None or line is not before[1][index]:
                self.put(body.y + index, strip_of(line, left, body.width, self.lost).behind(*frame))
        self._drawn = None if left else (body, lines)

    def _lines(self, top: int, height: int) -> list[Line]:
        picture = self.picture
        lines: list[Line] = [*picture.lines[top : top + height]]
        lines += [()] * (height - len(lines))
        row = picture.cursor_y - top
        if 0 <= row < height and not self.lost:
            lines[row] = with_cursor(lines[row], picture.cursor_x)
        return lines

    def _frame(self, body: Region) -> tuple[Segment, Segment]:
        style = self.rich_style
        right = self.size.width - body.x - body.width
        return Segment(" " * body.x, style), Segment(" " * right, style)
