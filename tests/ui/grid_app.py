"""The stage and nothing else, on whatever agents live on a tmux socket: for tests, and for a look by hand.

    python -m tests.ui.grid_app SOCKET [FILE]

`hjkl`, brackets, `+`, `-` and Enter as in the deck; `d` opens a dialog, `q` ends. FILE gets the places of the tiles.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.widgets import Static

from agentdeck.adapters import tmux
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.pane import Pane
from agentdeck.models.status import Status
from agentdeck.services.fleet import AgentRow
from agentdeck.ui import themes
from agentdeck.ui.live import Live
from agentdeck.ui.screens.zoom import ZoomScreen
from agentdeck.ui.widgets.stage import Stage
from agentdeck.ui.widgets.zoom_view import ZoomView


def row_of(pane: Pane, *, harness: str = "shell") -> AgentRow:
    """An agent's row as the deck would read it, for a pane that was started by hand."""
    agent = Agent(
        id=pane.deck_id, name=pane.deck_id, harness=harness, repo="/", worktree="/", branch=f"deck/{pane.deck_id}/1",
        base="main", base_oid="", life="live", pane=pane.id, window=pane.window, cols=pane.cols, rows=pane.rows,
    )  # fmt: skip
    return AgentRow(agent, Status("working", since=now_ms()))


class Sign(ModalScreen[None]):
    """A dialog over the grid."""

    DEFAULT_CSS = "Sign { align: center middle; } Sign Static { width: 30; height: 5; border: round $primary; }"
    BINDINGS = [Binding("escape", "dismiss")]

    def compose(self) -> ComposeResult:
        yield Static("a dialog")


class GridApp(App[None], inherit_bindings=False):
    ENABLE_COMMAND_PALETTE = False
    CSS = "#bar { height: 1; }"
    BINDINGS = [
        Binding("h", "go(-1, 0)"), Binding("l", "go(1, 0)"), Binding("k", "go(0, -1)"), Binding("j", "go(0, 1)"),
        Binding("left_square_bracket", "turn(-1)"), Binding("right_square_bracket", "turn(1)"),
        Binding("plus", "scale(1)"), Binding("minus", "scale(-1)"),
        Binding("enter", "zoom"), Binding("d", "sign"), Binding("q", "leave"),
    ]  # fmt: skip

    def __init__(self, socket: Path, places: Path | None = None) -> None:
        super().__init__()
        self.socket = socket
        self.live = Live(socket)
        self.stage = Stage()
        self._places = places

    def compose(self) -> ComposeResult:
        yield Static("grid", id="bar")
        yield self.stage

    def on_mount(self) -> None:
        theme, _ = themes.find(themes.DEFAULT)
        self.register_theme(theme)
        self.theme = theme.name
        self.stage.set_agents([row_of(pane) for pane in tmux.panes_now(self.socket).values()])
        self.live.watch(self.stage)
        self.live.start()
        self.set_interval(0.1, self._tell_places)

    async def on_unmount(self) -> None:
        await self.live.stop()

    def _tell_places(self) -> None:
        if self._places is None:
            return
        shown = {
            tile.entry.row.agent.id: tile.body.translate(tile.region.offset) for tile in self.stage.grid.visible_tiles
        }
        if isinstance(self.screen, ZoomScreen):
            view = self.screen.query_one(ZoomView)
            shown = {"zoom": view.body.translate(view.region.offset)}
        fresh = self._places.with_suffix(".new")
        fresh.write_text(
            json.dumps({"focus": self.stage.focused_agent, "tiles": {k: _tuple(v) for k, v in shown.items()}})
        )
        fresh.replace(self._places)

    def action_go(self, dx: int, dy: int) -> None:
        self.stage.move(dx, dy)

    def action_turn(self, step: int) -> None:
        self.stage.page(step)

    def action_scale(self, step: int) -> None:
        self.stage.enlarge(step)

    def action_zoom(self) -> None:
        self.stage.zoom()

    def action_sign(self) -> None:
        self.push_screen(Sign())

    def action_leave(self) -> None:
        self.exit()

    def on_stage_zoom(self, message: Stage.Zoom) -> None:
        row = next(entry.row for entry in self.stage.entries if entry.in_focus)
        self.push_screen(ZoomScreen(row, self.live))


def _tuple(region: Region) -> tuple[int, int, int, int]:
    return (region.x, region.y, region.width, region.height)


if __name__ == "__main__":
    GridApp(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None).run()
