"""All tiles of a view: pages of a grid that never reorders itself, and one tile in focus."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from textual.events import Resize
from textual.message import Message
from textual.widget import Widget

from agentdeck.models.pane import Pane
from agentdeck.models.screen import PaneScreen
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.live import Want
from agentdeck.ui.widgets.shape import shape
from agentdeck.ui.widgets.tile import Tile

FOCUSED_EVERY = 1 / 30
OTHERS_EVERY = 1 / 10
"""Seconds between two captures of a tile at most."""


class TileGrid(Widget, can_focus=True):
    """Shows rows in the order given. It has no keys of its own: the action table calls its methods."""

    DEFAULT_CSS = """
    TileGrid { layout: grid; grid-gutter: 0; width: 1fr; height: 1fr; background: $background; }
    """
    ALLOW_SELECT = False

    class Focused(Message):
        """Another agent is in focus; '' when there is none left."""

        def __init__(self, agent_id: str) -> None:
            super().__init__()
            self.agent_id = agent_id

    class Zoom(Message):
        """The human wants this agent alone, and to type to it."""

        def __init__(self, agent_id: str) -> None:
            super().__init__()
            self.agent_id = agent_id

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._tiles: dict[str, Tile] = {}
        self._order: list[str] = []
        self._focus = ""
        self._marked: frozenset[str] = frozenset()
        self._page = 0
        self._level = 0
        self._shape = (1, 1)
        self._pictures: dict[str, tuple[str, PaneScreen]] = {}

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tell_time)

    # -- what is shown --------------------------------------------------------------------------------------

    def set_agents(self, rows: Sequence[AgentRow]) -> None:
        """Show these agents, in this order. Tiles of agents that stay keep their picture."""
        ids = [row.agent.id for row in rows]
        place = self._order.index(self._focus) if self._focus in self._order else 0
        for gone in [agent for agent in self._tiles if agent not in ids]:
            tile = self._tiles.pop(gone)
            tile.display = False
            tile.remove()
        fresh = [self._tile(row) for row in rows if row.agent.id not in self._tiles]
        for row in rows:
            if row.agent.id in self._tiles:
                self._tiles[row.agent.id].set_row(row)
        self._tiles.update((tile.row.agent.id, tile) for tile in fresh)
        if fresh:
            self.mount(*fresh)
        if ids != self._order:
            self._order = ids
            self.sort_children(key=self._place)
            self._arrange(self._focus if self._focus in ids else ids[min(place, len(ids) - 1)] if ids else "")

    def _tile(self, row: AgentRow) -> Tile:
        """A tile with the last picture of its pane: an agent shown again is not given it once more."""
        tile = Tile(row)
        pane, picture = self._pictures.get(row.agent.id, ("", None))
        if pane == row.agent.pane:
            tile.picture = picture
        return tile

    def _place(self, child: Widget) -> int:
        known = isinstance(child, Tile) and self._tiles.get(child.row.agent.id) is child
        return self._order.index(child.row.agent.id) if known else len(self._order)

    def set_marked(self, agents: Collection[str]) -> None:
        """Which agents the human has marked."""
        self._marked = frozenset(agents)
        self._show_marks()

    def tile(self, agent_id: str) -> Tile | None:
        return self._tiles.get(agent_id)

    @property
    def visible_tiles(self) -> list[Tile]:
        """The tiles of this page, in order."""
        return [self._tiles[agent] for agent in self._order[self._first : self._first + self._per_page]]

    # -- focus and pages ------------------------------------------------------------------------------------

    @property
    def focused_agent(self) -> str | None:
        """The id of the agent in focus."""
        return self._focus or None

    def focus_agent(self, agent_id: str) -> None:
        """Put an agent in focus, on whichever page it is. Does nothing for one that is not shown."""
        if agent_id in self._tiles:
            self._arrange(agent_id)

    def move(self, dx: int, dy: int) -> None:
        """Move the focus by columns and rows; it goes on to the next page, and stops at the ends."""
        if not self._order:
            return
        columns, last = self._shape[0], len(self._order) - 1
        at = self._order.index(self._focus)
        to = at + dx + dy * columns
        if dy > 0 and to > last and at // columns < last // columns:
            to = last  # the row below is shorter than this one
        if 0 <= to <= last:
            self.focus_agent(self._order[to])

    def left(self) -> None:
        self.move(-1, 0)

    def right(self) -> None:
        self.move(1, 0)

    def up(self) -> None:
        self.move(0, -1)

    def down(self) -> None:
        self.move(0, 1)

    def page(self, step: int) -> None:
        """Turn pages; the focus goes to the same place on the other page."""
        if 0 <= self._page + step < self.pages:
            at = self._order.index(self._focus) + step * self._per_page
            self.focus_agent(self._order[min(at, len(self._order) - 1)])

    def enlarge(self, step: int) -> None:
        """Fewer and larger tiles per page for +1, more for -1; back to all at once at most."""
        level = max(0, self._level + step)
        if step < 0 or self._per_page > 1:
            self._level = level
            self._arrange(self._focus)

    def zoom(self) -> None:
        """Ask for the focused agent alone."""
        if self._focus:
            self.post_message(self.Zoom(self._focus))

    @property
    def pages(self) -> int:
        return max(1, -(-len(self._order) // self._per_page))

    @property
    def page_number(self) -> int:
        """Which page is shown, from 0."""
        return self._page

    @property
    def _per_page(self) -> int:
        return self._shape[0] * self._shape[1]

    @property
    def _first(self) -> int:
        return self._page * self._per_page

    def on_tile_pointed(self, message: Tile.Pointed) -> None:
        message.stop()
        self.focus_agent(message.agent_id)
        if message.double:
            self.zoom()

    def on_resize(self, event: Resize) -> None:
        self._arrange(self._focus)

    def _arrange(self, focus: str) -> None:
        """Lay out the page on which `focus` is."""
        wanted = max(1, -(-len(self._order) // 2**self._level))
        self._shape = columns, rows = shape(wanted, *self.size)
        self._page = self._order.index(focus) // self._per_page if focus in self._order else 0
        shown = self.visible_tiles
        self.styles.grid_size_columns = columns
        self.styles.grid_size_rows = rows
        for tile in self._tiles.values():
            tile.display = tile in shown
        for tile in shown:
            tile.styles.column_span = 1
        if shown and self.pages == 1:  # the last tile takes what its row has left
            shown[-1].styles.column_span = columns - (len(shown) - 1) % columns
        self._set_focus(focus)

    def _set_focus(self, agent: str) -> None:
        changed = agent != self._focus
        self._focus = agent
        self._show_marks()
        if changed:
            self.post_message(self.Focused(agent))

    def _show_marks(self) -> None:
        for agent, tile in self._tiles.items():
            tile.set_marks(agent == self._focus, agent in self._marked)

    def _tell_time(self) -> None:
        for tile in self.visible_tiles:
            tile.draw_words()

    # -- what Live asks and tells ---------------------------------------------------------------------------

    def wanted(self) -> dict[str, Want]:
        """The panes whose screens are visible now; none while another screen covers this one."""
        if not self.is_attached or not self.display or self._covered():
            return {}
        return {
            tile.row.agent.pane: Want(agent, FOCUSED_EVERY if agent == self._focus else OTHERS_EVERY)
            for tile in self.visible_tiles
            if tile.row.agent.pane and (agent := tile.row.agent.id)
        }

    def _covered(self) -> bool:
        """A dialog leaves the grid visible behind it, any other screen does not."""
        stack = self.app.screen_stack
        above = stack[stack.index(self.screen) + 1 :] if self.screen in stack else [self.screen]
        return any(not screen.is_modal for screen in above) or self.screen not in stack

    def show(self, pane: str, picture: PaneScreen) -> None:
        for agent, tile in self._tiles.items():
            if tile.row.agent.pane == pane:
                self._pictures[agent] = (pane, picture)
                tile.show(picture)

    def observe(self, panes: Mapping[str, Pane] | None) -> None:
        """What tmux says of all panes; None while its server cannot be reached."""
        for agent, tile in self._tiles.items():
            pane = panes.get(tile.row.agent.pane) if panes is not None else None
            there = pane is not None and pane.deck_id == agent
            tile.set_lost(*_loss(tile.row, panes is not None, there, pane is not None and pane.dead))


def _loss(row: AgentRow, server: bool, there: bool, dead: bool) -> tuple[bool, str]:
    """Whether the picture is of something gone, and the words for what the status does not say."""
    if row.agent.life == "creating" or not row.agent.pane:
        return False, ""
    if not server:
        return True, "no connection to tmux"
    if not there:
        return True, "its pane is gone" if row.agent.life == "live" else ""
    return dead, ""
