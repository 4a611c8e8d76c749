"""The agents by team, one line each. Rows never move by themselves."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Click
from textual.geometry import Region
from textual.message import Message
from textual.widgets import Static

from agentdeck.models.clock import age, now_ms
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.badges import GLYPHS, STYLES, WORDS
from agentdeck.ui.deck_state import DeckState

WIDTH = 28


def _fit(text: str, width: int) -> str:
    return text[: width - 1] + "…" if len(text) > width else text.ljust(width)


def agent_line(row: AgentRow, number: int, focused: bool, marked: bool, now: int) -> Content:
    """`▸1 ? alice       needs you 4m`: place, glyph, name, state and how long in it."""
    status = row.status
    point = "▸" if focused else " "
    index = "*" if marked else (str(number) if number < 10 else " ")
    since = age(now - status.since) if status.since else ""
    dim = "dim" if row.hidden else ""
    return Content.assemble(
        (f"{point}{index} ", "bold $text-accent" if focused or marked else "$foreground-muted"),
        (f"{GLYPHS[status.state]} ", STYLES[status.state]),
        (_fit(row.agent.name, 10), ("bold " if focused else "") + dim),
        (f" {_fit(WORDS[status.state], 9)}", STYLES[status.state] if not row.hidden else "dim"),
        (f"{since:>4}", "$foreground-muted"),
    )


def lines(state: DeckState, now: int) -> tuple[list[Content], list[str]]:
    """The roster's lines, and for each the id of its agent ('' for headings and notes)."""
    drawn: list[Content] = []
    ids: list[str] = []
    teams = {row.agent.team for row in state.rows}
    team = None
    for number, row in enumerate(state.rows, 1):
        if row.agent.team != team and teams != {""}:
            team = row.agent.team
            drawn.append(Content.styled(f" {team or 'no team'}", "bold $text-secondary"))
            ids.append("")
        focused = state.focused is not None and state.focused.agent.id == row.agent.id
        drawn.append(agent_line(row, number, focused, row.agent.id in state.marked, now))
        ids.append(row.agent.id)
    away = sum(row.hidden for row in state.fleet.rows)
    if away and not state.show_hidden:
        drawn.append(Content.styled(f" {away} hidden (V)", "$foreground-muted"))
        ids.append("")
    return drawn, ids


class Roster(VerticalScroll, can_focus=False):
    """Posts Chosen when a row is clicked."""

    class Chosen(Message):
        def __init__(self, agent_id: str) -> None:
            super().__init__()
            self.agent_id = agent_id

    def compose(self) -> ComposeResult:
        self._ids: list[str] = []
        yield Static(id="roster-lines")

    def show(self, state: DeckState) -> None:
        drawn, self._ids = lines(state, now_ms())
        self.query_one("#roster-lines", Static).update(Content("\n").join(drawn))
        if state.focused and state.focused.agent.id in self._ids:
            place = self._ids.index(state.focused.agent.id)
            self.scroll_to_region(Region(0, place, 1, 1), animate=False)

    def on_click(self, event: Click) -> None:
        place = event.y + int(self.scroll_y)
        if place < len(self._ids) and self._ids[place]:
            self.post_message(self.Chosen(self._ids[place]))
