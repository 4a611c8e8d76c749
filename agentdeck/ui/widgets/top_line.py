"""The one line on top: where we are, who needs a human, who is free, what it costs today."""

from __future__ import annotations

import time
from typing import cast

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from agentdeck.models.status import State
from agentdeck.models.view import DEFAULT
from agentdeck.services.fleet import Fleet
from agentdeck.services.usage.pace import Pace
from agentdeck.ui.badges import GLYPHS, STYLES, WORDS, counts, dollars, tokens
from agentdeck.ui.clicks import does, under
from agentdeck.ui.deck_state import DeckState

Part = tuple[str, str] | Content
NEAR = 0.8  # of the day's limit
CENT = 10_000_000  # nano-dollars
GAP: Part = ("  ", "")


def _counted(found: list[tuple[State, int]], words: bool, does_what: str = "") -> list[Part]:
    """A click on a count finds the next of those that it counts, or does `does_what`."""
    parts: list[Part] = []
    for state, number in found:
        text = f"{GLYPHS[state]} {number} {WORDS[state]}" if words else f"{GLYPHS[state]}{number}"
        parts += [does(Content.styled(text, STYLES[state]), does_what or f"state:{state}"), GAP]
    return parts


def _hidden(fleet: Fleet, words: bool) -> list[Part]:
    """Hidden agents are silent unless one is idle or needs a human."""
    found = [
        pair
        for pair in counts(row.status.state for row in fleet.agents if row.hidden)
        if pair[0] in ("idle", "needs_input")
    ]
    if not found:
        return []
    lead = does(Content.styled("hidden: " if words else "h:", "$foreground-muted"), "show_hidden")
    return [lead, *_counted(found, words, "show_hidden")]


def _left(state: DeckState, words: bool) -> Content:
    """Who and where, with or without words beside the glyphs."""
    fleet = state.fleet
    place = state.repo.name if state.repo else "no repository"
    left: list[Part] = [(f" {place} ", "bold")]
    if state.view.name != DEFAULT:
        left.append((f"[{state.view.name}] ", "$text-accent"))
    left.append(GAP)
    left += _counted(counts(row.status.state for row in fleet.agents if not row.hidden), words)
    left += _hidden(fleet, words)
    if state.filter:
        left += [
            does(Content.styled(f"/{state.filter}", "$text-accent"), "filter"),
            (f" {len(state.agents)} of {len(fleet.agents)}", "$foreground-muted"),
            GAP,
        ]
    if state.whereabouts:
        left += [(state.whereabouts, "$foreground-muted"), GAP]
    if state.marked:
        left += [(f"{len(state.marked)} marked", "bold $text-accent"), GAP]
    return Content.assemble(*left)


def _right(fleet: Fleet, clock: str, engine_down: bool, detail: int) -> Content:
    """What it cost today and costs just now, in up to four degrees of `detail`, and the clock."""
    right: list[Part] = [("engine down: status is old", "bold $text-error"), GAP] if engine_down else []
    if fleet.low_disk:
        right += [(f"disk: {fleet.low_disk}" if detail else "disk low", "bold $text-error"), GAP]
    today, pace = fleet.today, fleet.pace
    spent = dollars(today.cost, today.unpriced_tokens) + (" today" if detail > 1 else "")
    if pace.day_limit and detail:
        spent = _of_limit(spent, today.cost, pace)
    if detail:
        spent = f"{tokens(today.tokens.total)} tok  {spent}"
    share = pace.day_used / pace.day_limit if pace.day_limit else 0.0
    right.append((spent, "bold $text-error" if share >= 1 else "$text-warning" if share >= NEAR else ""))
    if detail > 2 and pace.tokens:
        right += [GAP, (f"{tokens(pace.tokens)}/min {dollars(pace.cost)}/h", "$text-accent")]
    return Content.assemble(*right, GAP, (clock + " ", "$foreground-muted"))


def _of_limit(spent: str, cost: int, pace: Pace) -> str:
    """What was spent, and what of the day's limit: under that only agents count, not what was started outside."""
    limit = dollars(pace.day_limit)
    if cost - pace.day_used < CENT:
        return spent.replace(" today", f" of {limit} today") if " today" in spent else f"{spent} of {limit}"
    return f"{spent}, agents {dollars(pace.day_used)} of {limit}"


def line(state: DeckState, width: int, clock: str, engine_down: bool = False) -> Content:
    """The line for `width` cells: the detail of cost gives way first, then the words, at last the right half."""
    left = _left(state, words=True)
    for words, detail in ((True, 3), (True, 2), (True, 1), (True, 0), (False, 1), (False, 0)):
        left, right = _left(state, words), _right(state.fleet, clock, engine_down, detail)
        room = width - left.cell_length - right.cell_length
        if room >= 0:
            return Content.assemble(left, " " * room, right)
    return left.truncate(width, ellipsis=True)


class TopLine(Static):
    """Draws a DeckState; the clock is its own. Posts Sought for a count that was clicked, Clicked for an action."""

    class Sought(Message):
        """The next agent in this state is wanted."""

        def __init__(self, state: State) -> None:
            super().__init__()
            self.state = state

    class Clicked(Message):
        def __init__(self, action_id: str) -> None:
            super().__init__()
            self.action_id = action_id

    _shown: object = None

    def show(self, state: DeckState, engine_down: bool) -> None:
        width, clock = self.size.width or self.app.size.width, time.strftime("%H:%M")
        if self._shown != (state, width, clock, engine_down):
            self._shown = (state, width, clock, engine_down)
            self.update(line(state, width, clock, engine_down), layout=False)

    def on_click(self, event: Click) -> None:
        what = under(event)
        if what.startswith("state:"):
            self.post_message(self.Sought(cast(State, what.removeprefix("state:"))))
        elif what:
            self.post_message(self.Clicked(what))
