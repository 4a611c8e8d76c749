"""The agents by group, one line each. Rows never move by themselves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Click, Resize
from textual.geometry import Region
from textual.message import Message

from agentdeck.models.clock import age, now_ms
from agentdeck.services.fleet import AgentRow, ForeignRow
from agentdeck.ui import arrangement
from agentdeck.ui.arrangement import Section
from agentdeck.ui.badges import GLYPHS, PIN, STYLES, WORDS, clash_sign, counts
from agentdeck.ui.deck_state import DeckState, ages
from agentdeck.ui.widgets.lines import LineWidget, alike
from agentdeck.ui.widgets.pointed import Pointed

WIDTH = 29
MOST_ELSEWHERE = 8  # lines of sessions elsewhere; `E` lists them all
_NAME = 10  # cells of a heading that its counts never take


@dataclass(frozen=True, slots=True)
class Line:
    """One line; what a click on it means: an agent, a group as a whole, a session elsewhere, or (all None) nothing."""

    text: Content
    agent: str | None = None
    group: str | None = None
    foreign: str | None = None


def _fit(text: str, width: int) -> str:
    return text[: width - 1] + "…" if len(text) > width else text.ljust(width)


def agent_line(row: AgentRow, number: int, focused: bool, marked: bool, now: int) -> Content:
    """`▸1 ? alice       needs you 4m`: place, glyph, name, state and how long in it."""
    status = row.status
    point = "▸" if focused else " "
    index = "*" if marked else (str(number) if number < 10 else " ")
    since = age(now - status.since) if status.since else ""
    dim = "dim" if row.hidden else ""
    sign, style = clash_sign(row.clashes)
    return Content.assemble(
        (f"{point}{index}", "bold $text-accent" if focused or marked else "$foreground-muted"),
        (PIN if row.pinned else " ", "$text-accent"),
        (f"{GLYPHS[status.state]} ", STYLES[status.state]),
        (_fit(row.agent.name, 10 - len(sign)), ("bold " if focused else "") + dim),
        (sign, style),
        (f" {_fit(WORDS[status.state], 9)}", STYLES[status.state] if not row.hidden else "dim"),
        (f"{since:>4}", "$foreground-muted"),
    )


def companion_line(row: AgentRow, focused: bool, marked: bool, now: int) -> Content:
    """`▸*   └ ada-sh    idle       3m`: a terminal of the human's, below its agent and without a number."""
    status = row.status
    since = age(now - status.since) if status.since else ""
    return Content.assemble(
        ("▸" if focused else " ", "bold $text-accent"),
        ("*" if marked else " ", "bold $text-accent"),
        (" └ ", "$foreground-muted"),
        (_fit(row.agent.name, 10), "bold" if focused else "$foreground-muted"),
        (f" {_fit(WORDS[status.state], 9)}{since:>4}", "$foreground-muted"),
    )


def heading(section: Section, shown: Collection[str]) -> Content:
    """`api        ?1 ●2 ○1 +3 hidden`: a group is counted together, and says how many of it are away."""
    here = [row for row in section.rows if row.agent.id in shown]
    away = sum(row.hidden for row in section.rows if row.agent.id not in shown)
    states = [(f" {GLYPHS[state]}{number}", STYLES[state]) for state, number in counts(r.status.state for r in here)]
    gone = f" +{away} hidden" if here else f" {away} hidden"
    tally = Content.assemble(*states, (gone if away else "", "$foreground-muted"))
    room = max(_NAME, WIDTH - tally.cell_length - 1)
    name = (f" {_fit(section.title, room)}", "bold $text-secondary" if here else "$foreground-muted")
    return Content.assemble(name, tally).truncate(WIDTH, ellipsis=True)


def _companion(row: AgentRow, state: DeckState, now: int) -> Line:
    key = row.agent.id
    focused = state.focused is not None and state.focused.agent.id == key
    return Line(companion_line(row, focused, key in state.marked, now), agent=key)


def lines(state: DeckState, now: int) -> list[Line]:
    """The roster's lines. A group that is hidden as a whole keeps its heading, which shows it again."""
    drawn: list[Line] = []
    numbers = {row.agent.id: number for number, row in enumerate(state.agents, 1)}
    beside: dict[str, list[AgentRow]] = {row.agent.beside: [] for row in state.rows}
    for row in state.rows:
        beside[row.agent.beside].append(row)
    focused = state.focused.agent.id if state.focused else ""
    unnamed = 0
    for section in arrangement.sections(state.fleet.agents, state.view):
        away = sum(row.hidden for row in section.rows if row.agent.id not in numbers)
        seen = any(agent in numbers for agent in section.ids)
        if section.title and (seen or (away and not state.filter)):
            drawn.append(Line(heading(section, numbers), group=section.group))
        else:
            unnamed += away
        for row in section.rows:
            if row.agent.id in numbers:
                key = row.agent.id
                text = agent_line(row, numbers[key], key == focused, key in state.marked, now)
                drawn.append(Line(text, agent=key))
                drawn += [_companion(each, state, now) for each in beside.get(key, ())]
    if unnamed:
        drawn.append(Line(Content.styled(f" {unnamed} hidden (V)", "$foreground-muted")))
    return drawn + _elsewhere(state, now)


def _elsewhere(state: DeckState, now: int) -> list[Line]:
    """The sessions that run outside the deck, dim and below everybody; those that have ended are told by `E` alone."""
    running = [row for row in state.fleet.foreign if not row.session.ended]
    if not running or state.filter:
        return []
    drawn = [Line(Content("")), Line(Content.styled(" elsewhere (E)", "$foreground-muted"))]
    return drawn + [Line(foreign_line(row, now), foreign=row.session.session) for row in running[:MOST_ELSEWHERE]]


def foreign_line(row: ForeignRow, now: int) -> Content:
    """`   ● fix-login  working    4m`: no number, for no key of the deck reaches it."""
    status = row.status
    since = age(now - status.since) if status.since else ""
    name = row.session.name or Path(row.session.cwd).name
    return Content.assemble(
        (f"   {GLYPHS[status.state]} ", f"dim {STYLES[status.state]}"),
        (f"{_fit(name, 10)} {_fit(WORDS[status.state], 9)}{since:>4}", "dim $foreground-muted"),
    )


class RosterLines(LineWidget):
    """The lines themselves: one that reads the same is not painted again."""

    COMPONENT_CLASSES = {"roster--line"}
    DEFAULT_CSS = """
    RosterLines { width: 1fr; height: 0; background: $surface; }
    RosterLines > .roster--line { background: $surface; color: $foreground; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._texts: list[Content] = []
        self._drawn: list[Content | None] = []

    def show(self, texts: list[Content]) -> None:
        if len(texts) != len(self._texts):
            self.styles.height = len(texts)
        self._texts = texts
        self._draw()

    def on_resize(self, event: Resize) -> None:
        self._draw_all()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_attached and self.size.width:
            self._draw_all()

    def _draw_all(self) -> None:
        self.forget_rows()
        self._drawn = []
        self._draw()

    def _draw(self) -> None:
        if not self.size.width:
            return
        self._drawn += [None] * (len(self._texts) - len(self._drawn))
        for y, text in enumerate(self._texts):
            if not alike(text, self._drawn[y]):
                self._drawn[y] = text
                self.put(y, self.text_row(text, "roster--line"))

    def render(self) -> Content:
        """All of it as text."""
        return Content("\n").join(self._texts)


class Roster(VerticalScroll, can_focus=False):
    """Posts Pointed when an agent is clicked, GroupChosen for a heading, ForeignChosen for a session elsewhere."""

    class GroupChosen(Message):
        def __init__(self, group: str) -> None:
            super().__init__()
            self.group = group

    class ForeignChosen(Message):
        def __init__(self, session: str) -> None:
            super().__init__()
            self.session = session

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._shown: object = None
        self._followed: tuple[str, int] | None = None

    def compose(self) -> ComposeResult:
        yield RosterLines(id="roster-lines")

    def show(self, state: DeckState) -> None:
        now = now_ms()
        if (drawn := (state, ages((*state.rows, *state.fleet.foreign), now))) == self._shown:
            return
        self._shown = drawn
        self._lines = lines(state, now)
        self.query_one(RosterLines).show([line.text for line in self._lines])
        self._follow(state.focused)

    def _follow(self, focused: AgentRow | None) -> None:
        """Scroll to the focus, when it has moved or its line has."""
        agents = [line.agent for line in self._lines]
        if focused is None or focused.agent.id not in agents:
            return
        place = (focused.agent.id, agents.index(focused.agent.id))
        if place != self._followed:
            self._followed = place
            self.scroll_to_region(Region(0, place[1], 1, 1), animate=False)

    def on_click(self, event: Click) -> None:
        place = event.y + int(self.scroll_y)
        line = self._lines[place] if place < len(self._lines) else Line(Content(""))
        if line.agent is not None:
            self.post_message(Pointed.by(event, line.agent))
        elif line.group is not None:
            self.post_message(self.GroupChosen(line.group))
        elif line.foreign is not None:
            self.post_message(self.ForeignChosen(line.foreign))
