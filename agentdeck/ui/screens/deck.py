"""The dashboard itself: what it shows, and the keys from the action table."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.notifications import SeverityLevel
from textual.screen import Screen

from agentdeck.config import Config
from agentdeck.models.view import View, ViewChange
from agentdeck.services.asking.attention import NEEDS_YOU
from agentdeck.services.fleet import AgentRow, Fleet
from agentdeck.services.usage.stats import AgentStats
from agentdeck.ui import arrangement, deck_state, levels, verbs
from agentdeck.ui.actions import ACTIONS, BY_ID, Action
from agentdeck.ui.bridge import Bridge
from agentdeck.ui.deck_state import DeckState
from agentdeck.ui.forgetting import forget_closed_widgets
from agentdeck.ui.held_keys import HeldKeys
from agentdeck.ui.presence import Presence
from agentdeck.ui.toolbox import Toolbox, actions_of, survey
from agentdeck.ui.undoing import Undoable
from agentdeck.ui.verbs.arrange import hide_group
from agentdeck.ui.view_keeper import ViewKeeper
from agentdeck.ui.widgets.agent_list import AgentList
from agentdeck.ui.widgets.collision_panel import CollisionPanel
from agentdeck.ui.widgets.empty_deck import EmptyDeck
from agentdeck.ui.widgets.ground import Ground
from agentdeck.ui.widgets.keys_line import KeysLine
from agentdeck.ui.widgets.log_panel import LogPanel
from agentdeck.ui.widgets.pointed import Pointed
from agentdeck.ui.widgets.roster import Roster
from agentdeck.ui.widgets.stage import Stage
from agentdeck.ui.widgets.top_line import TopLine
from agentdeck.ui.widgets.usage_panel import UsagePanel

if TYPE_CHECKING:
    from agentdeck.ui.live import Live

CLOCK = 1.0  # seconds between looks at the lines that tell ages and the time
PANELS = ("usage", "collisions", "log")  # each the id of its widget and, with a dash, the class that shows it
ENGINE_GRACE = 6.0  # seconds an engine may take to start before its absence is shown


def _bindings() -> list[BindingType]:
    made: list[BindingType] = []
    for action in ACTIONS:
        if action.id == "jump":
            made += [Binding(key, f"act('jump', {key})", show=False) for key in action.keys]
        else:
            made.append(Binding(",".join(action.keys), f"act('{action.id}')", action.label, id=action.id, show=False))
    return made


class DeckScreen(Screen[None], inherit_bindings=False):
    """Holds the DeckState and redraws what changed of it. What a key does is in `ui/verbs`."""

    BLANK = True
    BINDINGS: ClassVar[list[BindingType]] = _bindings()
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (150, "-wide")]

    def __init__(
        self, bridge: Bridge, repo: Path | None, keymap: dict[str, str] | None = None, settings: Config | None = None
    ) -> None:
        super().__init__()
        self.settings = settings or Config()
        self.toolbox = Toolbox()  # until somebody has looked around
        self.bridge = bridge
        self.live: Live | None = None  # once the screens are connected
        self.repo = repo
        self.keymap = keymap or {}
        self.tool_actions = actions_of(self.settings.tools, self.keymap)
        self._bind_tools()
        self.fleet = Fleet()
        self.ready = False
        self.marked: frozenset[str] = frozenset()
        self.show_hidden = False
        self.keeper = ViewKeeper(bridge.change_view, self._follow_view, self._not_stored, bridge.view)
        self._typed: str | None = None  # the filter while it is being typed
        self.stats = AgentStats()
        self.drafts: dict[str, str] = {}
        self.wanted_session = ""  # of those elsewhere, the one that was clicked
        self.last_search = ""
        self.undoable: list[Undoable] = []
        self.held = HeldKeys()
        self.presence = Presence(self)
        self._born = time.monotonic()
        self._rows: tuple[AgentRow, ...] = ()

    def _bind_tools(self) -> None:
        """The human's tools have keys of their own beside those of the table."""
        for action in self.tool_actions:
            made = [Binding(key, f"act('{action.id}')", show=False) for key in action.keys]
            for binding in Binding.make_bindings(made):
                self._bindings.key_to_bindings.setdefault(binding.key, []).append(binding)

    @property
    def actions(self) -> tuple[Action, ...]:
        """All that keys and the palette can do here."""
        return (*ACTIONS, *self.tool_actions)

    def compose(self) -> ComposeResult:
        yield TopLine(id="top")
        with Ground(id="middle"):
            yield Roster(id="roster")
            with Ground(id="center"):
                yield Stage(id="stage")
                yield EmptyDeck(id="empty")
            with VerticalScroll(id="side"):
                yield UsagePanel(id="usage")
                yield CollisionPanel(id="collisions")
                yield LogPanel(id="log")
        yield KeysLine(id="keys-line")

    def on_mount(self) -> None:
        self.redraw()
        self.set_interval(CLOCK, self.redraw_lines)

    # -- what is shown

    @property
    def stage(self) -> Stage:
        return self.query_one(Stage)

    @property
    def state(self) -> DeckState:
        """The value that all keys and lines are judged by."""
        stage = self.stage
        focused = stage.focused_agent if self.is_mounted else None
        row = next((row for row in self._rows if row.agent.id == focused), None)
        missing = {**self.toolbox.missing, "": self.toolbox.no_editor}
        shown = (self.marked, self.repo, self.show_hidden, self.filter, self.view)
        return DeckState(self.fleet, self._rows, row, *shown, stage.level, stage.whereabouts, missing)

    async def look_around(self) -> Toolbox:
        """What can be opened beside an agent, and where, as it is now."""
        self.toolbox = await asyncio.to_thread(survey, self.settings, dict(os.environ))
        return self.toolbox

    @property
    def view(self) -> View:
        """The arrangement in force, with what was changed here a moment ago."""
        return self.keeper.view

    @property
    def filter(self) -> str:
        return self.view.filter if self._typed is None else self._typed

    def take(self, fleet: Fleet) -> None:
        """A newer fleet, and what another dashboard made of the view."""
        self.ready = True
        self.fleet = replace(fleet, rows=deck_state.kept(fleet.rows, self.fleet.rows))
        self.keeper.hear(fleet.view)
        self.redraw()
        self.presence.opened()

    def change_view(self, change: ViewChange) -> None:
        """Arrange the deck anew, now and for the next time."""
        self.keeper.change(change)
        self.redraw()

    def _follow_view(self) -> None:
        """The view was changed elsewhere, or is shown for the first time."""
        self._show_panel(self.view.panel)
        self.stage.level = levels.from_text(self.view.level)
        self.redraw()

    def _not_stored(self, title: str, hint: str) -> None:
        self.tell(title, hint, "error", seconds=12)

    def redraw(self) -> None:
        self.fleet = replace(self.fleet, rows=arrangement.marked_by(self.fleet.rows, self.view))
        if not any(row.hidden for row in self.fleet.rows):
            self.show_hidden = False
        rows = deck_state.shown(self.fleet.rows, self.filter, self.show_hidden, self.view)
        self.marked &= {row.agent.id for row in rows}
        if rows != self._rows or not self.is_mounted:
            self._rows = rows
            self.stage.set_agents(rows)
        self.stage.display = bool(rows)
        empty = self.query_one(EmptyDeck)
        empty.display = not rows
        if not rows:
            empty.show(self.state, self.ready)
        self.redraw_lines()

    def redraw_lines(self) -> None:
        """All but the screens: what focus, marks or the clock change."""
        state = self.state
        self.stage.set_marked(self.marked)
        self.query_one(TopLine).show(state, self.engine_down)
        self.query_one(KeysLine).show(state, self.keymap)
        self.query_one(Roster).show(state)
        if self.has_class("-usage"):
            self.query_one(UsagePanel).show(state.focused, self.stats)
        if self.has_class("-collisions"):
            self.query_one(CollisionPanel).show(state)

    @property
    def engine_down(self) -> bool:
        return self.ready and not self.fleet.engine.alive and time.monotonic() - self._born > ENGINE_GRACE

    def newest(self, agent_id: str) -> AgentRow | None:
        """The newest row of an agent, shown or not."""
        return next((row for row in self.fleet.rows if row.agent.id == agent_id), None)

    def focus_row(self, agent_id: str) -> None:
        self.stage.focus_agent(agent_id)
        self.redraw_lines()

    def saw(self, row: AgentRow) -> None:
        """The human looks at what this agent waits for."""
        if row.status.state in NEEDS_YOU and not row.seen:
            self.run_worker(self.bridge.note_seen((row.agent.id, row.status)), group="seen", description="seen")

    def note(self, what: str, outcome: str = "", style: str = "") -> None:
        """One line in the command log."""
        self.query_one(LogPanel).write(what, outcome, style)

    def toggle_panel(self, name: str) -> None:
        """One panel at a time stands beside the grid."""
        panel = "" if self.view.panel == name else name
        self._show_panel(panel)
        self.change_view(ViewChange(panel=panel))

    def _show_panel(self, panel: str) -> None:
        for name in PANELS:
            self.set_class(name == panel, f"-{name}")
        self.set_class(panel in PANELS, "-side")
        if panel == "usage" and self.ready:
            verbs.perform(self, "refresh_usage")

    def close_panel(self) -> bool:
        """Whether there was one to close."""
        shown = self.has_class("-side")
        if shown:
            self.toggle_panel(self.view.panel)
        self.stage.focus()
        return shown

    def next_panel(self) -> None:
        """Keys that scroll go to the panel, or back to the tiles."""
        side = self.query_one("#side")
        if not side.display:
            self.notify("no panel is open: u opens one", timeout=3)
        elif side.has_focus:
            self.stage.focus()
        else:
            side.focus()

    def tell(self, words: str, more: str = "", severity: SeverityLevel = "information", seconds: float = 4) -> None:
        """A toast: one line, and under it what to do or know, if anything."""
        title, text = (words, more) if more else ("", words)
        self.notify(text, title=title, severity=severity, timeout=seconds, markup=False)

    # -- the filter

    def open_filter(self) -> None:
        from agentdeck.ui.widgets.filter_line import FilterLine  # Textual's Input: 40 ms, and not needed before

        found = self.query(FilterLine)
        self.held.hold()
        line = found.first() if found else FilterLine(self.filter)
        if not found:
            self.mount(line, before=self.query_one(KeysLine))
        line.take_focus()

    def filter_by(self, text: str) -> None:
        """Show the filter's effect; nothing is remembered yet."""
        self._typed = text
        self.redraw()

    def set_filter(self, text: str) -> None:
        """Filter, and remember it for this view."""
        from agentdeck.ui.widgets.filter_line import FilterLine

        self._typed = None
        self.change_view(ViewChange(filter=text))
        self.query(FilterLine).remove()

    # -- what happens

    def action_act(self, action_id: str, number: int = 0) -> None:
        """Do it, or say why it cannot be done now."""
        action = BY_ID.get(action_id) or next(each for each in self.tool_actions if each.id == action_id)
        why = action.why_disabled(self.state)
        if why:
            self.tell(why, seconds=3)
        else:
            verbs.perform(self, action_id, number)

    @on(Stage.Focused)
    def _focus_moved(self) -> None:
        self._look_now()
        self.redraw_lines()
        if self.has_class("-usage"):
            verbs.perform(self, "refresh_usage")

    @on(Stage.LevelChanged)
    def _level_changed(self) -> None:
        """Keep the level the stage has now: that of the message may be past, when another dashboard changed it."""
        level = self.stage.level
        self.set_class(level == levels.LIST, "-list")
        self._look_now()
        if levels.from_text(self.view.level) == level:
            self.redraw_lines()
        else:
            self.change_view(ViewChange(level=levels.as_text(level)))

    @on(AgentList.Scrolled)
    def _list_scrolled(self) -> None:
        self._look_now()
        self.redraw_lines()

    def _look_now(self) -> None:
        """Others may have come into sight."""
        if self.live is not None:
            self.live.nudge()

    @on(Stage.Zoom)
    def _zoom_clicked(self) -> None:
        self.action_act("zoom")

    @on(Pointed)
    def _agent_clicked(self, event: Pointed) -> None:
        """Once is focus, twice is zoom, the right button is mark."""
        self.focus_row(event.agent_id)
        if event.right or event.double:
            self.action_act("mark" if event.right else "zoom")

    @on(KeysLine.Clicked)
    @on(TopLine.Clicked)
    def _words_clicked(self, event: KeysLine.Clicked | TopLine.Clicked) -> None:
        self.action_act(event.action_id)

    @on(TopLine.Sought)
    def _count_clicked(self, event: TopLine.Sought) -> None:
        found = deck_state.following(self._rows, self.state.focused, (event.state,))
        if found:
            self.focus_row(found)
        else:
            self.tell("the filter leaves them out: Esc clears it", seconds=3)

    @on(Roster.GroupChosen)
    def _group_clicked(self, event: Roster.GroupChosen) -> None:
        hide_group(self, event.group)

    @on(Roster.ForeignChosen)
    def _session_clicked(self, event: Roster.ForeignChosen) -> None:
        self.wanted_session = event.session
        self.action_act("elsewhere")

    def on_screen_resume(self) -> None:
        self.set_timer(CLOCK, forget_closed_widgets)  # the closed screen is still on its way out

    def on_resize(self, event: Resize) -> None:
        self.call_after_refresh(self.redraw_lines)
