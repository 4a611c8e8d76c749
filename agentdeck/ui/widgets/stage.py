"""The agents a view shows, as a grid of live tiles or as a list, and which of them is in focus."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from textual.app import ComposeResult
from textual.events import MouseEvent, MouseScrollDown, MouseScrollUp, Resize
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from agentdeck.models.pane import Pane
from agentdeck.models.screen import PaneScreen
from agentdeck.services.fleet import AgentRow
from agentdeck.ui import levels, places
from agentdeck.ui.entry import Entry, loss
from agentdeck.ui.live import Want
from agentdeck.ui.tiers import tier
from agentdeck.ui.widgets.agent_list import AgentList
from agentdeck.ui.widgets.grid import TileGrid
from agentdeck.ui.widgets.pointed import Pointed

PAGE_REST = 0.25
"""Seconds after a page was turned by the wheel until it can be turned again."""


class Face(Protocol):
    """One way to show agents. It draws the entries it is given and knows where they stand."""

    columns: int
    room: int
    first: int

    def lay_out(self, rows: Sequence[AgentRow], at: int, level: int, size: Size) -> None:
        """Decide `columns`, `room` (agents at a time) and `first`, so that the agent at place `at` is among them."""
        ...

    def draw(self, entries: Sequence[Entry]) -> None:
        """Show these: those from `first` on, `room` at most."""
        ...

    def redraw(self, at: int, entry: Entry) -> None:
        """One of them is another, `at` places after the first."""
        ...

    def tell_time(self) -> None:
        """Ages are read anew."""
        ...


class Stage(Widget, can_focus=True):
    """Shows rows in the order given. It has no keys of its own: the action table calls its methods.

    `level` says how: see `ui/levels`. A view may keep it and set it again; LevelChanged tells of every change.
    """

    DEFAULT_CSS = """
    Stage { width: 1fr; height: 1fr; }
    """
    ALLOW_SELECT = False
    BLANK = True  # its own lines are behind the tiles: one of them does for all

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

    class LevelChanged(Message):
        """Another zoom level: an int of `ui/levels`."""

        def __init__(self, level: int) -> None:
            super().__init__()
            self.level = level

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.grid = TileGrid()
        self.list = AgentList()
        self.list.display = False
        self._rows: tuple[AgentRow, ...] = ()
        self._at: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._focus = ""
        self._marked: frozenset[str] = frozenset()
        self._level = levels.ALL
        self._entries: list[Entry] = []
        self._wants: dict[str, Want] = {}
        self._pictures: dict[str, PaneScreen] = {}
        self._panes: Mapping[str, Pane] | None = None
        self._looked = False
        self._home: Screen[object] | None = None
        self._turned = float("-inf")

    def on_unmount(self) -> None:
        self._home = None

    def compose(self) -> ComposeResult:
        yield self.grid
        yield self.list

    def on_mount(self) -> None:
        self._home = self.screen
        self.set_interval(1.0, self._tell_time)

    # -- what is shown --------------------------------------------------------------------------------------

    @property
    def face(self) -> Face:
        """What shows the agents now."""
        return self.list if self._level == levels.LIST else self.grid

    def set_agents(self, rows: Sequence[AgentRow]) -> None:
        """Show these agents, in this order. Who stays keeps focus and picture."""
        place = self._at.get(self._focus, 0)
        agent = self._rows[place].agent.beside if self._focus in self._at else ""
        self._rows = tuple(rows)
        self._at = {row.agent.id: place for place, row in enumerate(rows)}
        agents = [row.agent.id for row in rows if not row.agent.beside]
        self._numbers = {agent: number for number, agent in enumerate(agents, 1)}
        self._pictures = {agent: picture for agent, picture in self._pictures.items() if agent in self._at}
        if self._focus not in self._at:
            heir = agent if agent in self._at else rows[min(place, len(rows) - 1)].agent.id if rows else ""
            self._set_focus(heir)
        self._arrange()

    def set_marked(self, agents: Collection[str]) -> None:
        """Which agents the human has marked."""
        if self._marked != agents:
            self._marked = frozenset(agents)
            self._draw()

    def shows(self, agent_id: str) -> bool:
        """Is this agent among those given, on whichever page?"""
        return agent_id in self._at

    @property
    def entries(self) -> Sequence[Entry]:
        """The agents that are visible now, in order."""
        return self._entries

    # -- levels ---------------------------------------------------------------------------------------------

    @property
    def level(self) -> int:
        return self._level

    @level.setter
    def level(self, level: int) -> None:
        level = levels.checked(level)
        if level == self._level:
            return
        self._level = level
        listed = level == levels.LIST
        self.list.display, self.grid.display = listed, not listed
        self._arrange()
        self.post_message(self.LevelChanged(level))

    def enlarge(self, step: int) -> None:
        """Fewer and larger tiles per page for +1, more for -1, and at last the list."""
        most = self.grid.most(len(self._rows), self.size)
        self.level = levels.nearer(self._level, most) if step > 0 else levels.farther(self._level, most)

    # -- focus and pages ------------------------------------------------------------------------------------

    @property
    def focused_agent(self) -> str | None:
        """The id of the agent in focus."""
        return self._focus or None

    def focus_agent(self, agent_id: str) -> None:
        """Put an agent in focus, on whichever page it is. Does nothing for one that is not shown."""
        if agent_id in self._at and agent_id != self._focus:
            self._set_focus(agent_id)
            self._arrange()

    def move(self, dx: int, dy: int) -> None:
        """Move the focus by columns and rows; it goes on to the next page, and stops at the ends."""
        self._go(places.moved(self._at.get(self._focus, 0), len(self._rows), self.face.columns, dx, dy))

    def page(self, step: int) -> None:
        """Turn pages; the focus goes to the same place on the other page."""
        self._go(places.turned(self._at.get(self._focus, 0), len(self._rows), self.face.room, step))

    def _go(self, place: int) -> None:
        if self._rows:
            self.focus_agent(self._rows[place].agent.id)

    def zoom(self) -> None:
        """Ask for the focused agent alone."""
        if self._focus:
            self.post_message(self.Zoom(self._focus))

    @property
    def whereabouts(self) -> str:
        """Which part of the agents is visible: `page 2/7`, or `21-40 of 64` in the list; '' when all are."""
        count, first, room = len(self._rows), self.face.first, self.face.room
        if count <= room:
            return ""
        if self._level == levels.LIST:
            return f"{first + 1}-{min(first + room, count)} of {count}"
        return f"page {first // room + 1}/{-(-count // room)}"

    def on_pointed(self, message: Pointed) -> None:
        if message.right:
            return  # a mark is not the stage's to give
        message.stop()
        self.focus_agent(message.agent_id)
        if message.double:
            self.zoom()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self._wheel(event, -1)

    def _wheel(self, event: MouseEvent, step: int) -> None:
        """Over the tiles: one page a turn, of which a touchpad sends dozens."""
        event.stop()
        now = time.monotonic()
        if now - self._turned >= PAGE_REST:
            self._turned = now
            self.page(step)

    def on_agent_list_scrolled(self) -> None:
        self._draw()

    def on_resize(self, event: Resize) -> None:
        self._arrange()

    def _set_focus(self, agent: str) -> None:
        self._focus = agent
        self.post_message(self.Focused(agent))

    # -- drawing --------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Turn to the page on which the focus is."""
        self.face.lay_out(self._rows, self._at.get(self._focus, 0), self._level, self.size)
        self._draw()

    def _draw(self) -> None:
        first = self.face.first
        shown = self._rows[first : first + self.face.room]
        self._entries = [self._entry(row) for row in shown]
        self._wants = dict(self._wanted())
        self.face.draw(self._entries)

    def _entry(self, row: AgentRow) -> Entry:
        agent = row.agent.id
        number, picture = self._numbers.get(agent, 0), self._pictures.get(agent)
        lost, note = loss(row, self._panes) if self._looked else (False, "")
        return Entry(row, number, picture, lost, note, agent == self._focus, agent in self._marked)

    def _wanted(self) -> Iterator[tuple[str, Want]]:
        listed = self._level == levels.LIST
        for entry in self._entries:
            agent = entry.row.agent
            if agent.pane:
                yield agent.pane, Want(agent.id, tier(entry.in_focus, len(self._entries), listed))

    # -- what Live asks and tells ---------------------------------------------------------------------------

    def wanted(self) -> dict[str, Want]:
        """The panes whose screens are visible now; none while another screen covers this one."""
        return self._wants if self._home is not None and self.display and not self._covered(self._home) else {}

    def _covered(self, home: Screen[object]) -> bool:
        """A dialog leaves the stage visible behind it, any other screen does not."""
        stack = self.app.screen_stack
        if home not in stack:
            return True
        return any(not screen.is_modal for screen in stack[stack.index(home) + 1 :])

    def show(self, pane: str, picture: PaneScreen) -> None:
        want = self._wants.get(pane)
        if want is not None:
            self._pictures[want.deck_id] = picture
            self._renew(self._at[want.deck_id] - self.face.first)

    def observe(self, panes: Mapping[str, Pane] | None) -> None:
        """What tmux says of all panes; None while its server cannot be reached."""
        self._panes, self._looked = panes, True
        for at, entry in enumerate(self._entries):
            if loss(entry.row, panes) != (entry.lost, entry.note):
                self._renew(at)

    def _tell_time(self) -> None:
        self.face.tell_time()

    def _renew(self, at: int) -> None:
        """Draw one of the visible agents anew."""
        entry = self._entries[at] = self._entry(self._entries[at].row)
        self.face.redraw(at, entry)
