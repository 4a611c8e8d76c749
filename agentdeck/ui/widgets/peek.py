"""The last rows of one agent's screen, live, for a place that shows what an agent is about."""

from __future__ import annotations

from collections.abc import Mapping

from textual.events import Resize

from agentdeck.models.pane import Pane
from agentdeck.models.screen import PaneScreen, is_blank
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.live import Want
from agentdeck.ui.strips import strip_of
from agentdeck.ui.widgets.lines import LineWidget


class Peek(LineWidget):
    """A viewer for Live, of one agent at a time: as many rows as there is room for, without trailing blank ones."""

    row: AgentRow | None = None
    _picture = PaneScreen()
    _wanted: tuple[str, dict[str, Want]] = ("", {})

    def look_at(self, row: AgentRow | None) -> None:
        if (row.agent.id if row else "") != (self.row.agent.id if self.row else ""):
            self._picture = PaneScreen()
        self.row = row
        self._draw()

    def wanted(self) -> dict[str, Want]:
        agent = self.row.agent if self.row is not None and self.display and self.is_attached else None
        pane = agent.pane if agent is not None else ""
        if pane != self._wanted[0]:
            self._wanted = (pane, {pane: Want(agent.id, "visible")} if agent is not None and pane else {})
        return self._wanted[1]

    def show(self, pane: str, picture: PaneScreen) -> None:
        if self.row is not None and pane == self.row.agent.pane:
            self._picture = picture
            self._draw()

    def observe(self, panes: Mapping[str, Pane] | None) -> None:
        """What it showed last stays."""

    def on_resize(self, event: Resize) -> None:
        self._draw()

    def _draw(self) -> None:
        lines = list(self._picture.lines)
        while lines and is_blank(lines[-1]):
            lines.pop()
        self.forget_rows()
        for place, line in enumerate(lines[-self.size.height :] if self.size.height else []):
            self.put(place, strip_of(line, 0, self.size.width))
