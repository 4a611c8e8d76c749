"""The one line on top: where we are, who needs a human, who is free, what it costs today."""

from __future__ import annotations

import time

from textual.content import Content
from textual.widgets import Static

from agentdeck.models.status import State
from agentdeck.services.fleet import Fleet
from agentdeck.ui.badges import GLYPHS, STYLES, WORDS, counts, dollars, tokens
from agentdeck.ui.deck_state import DeckState

Part = tuple[str, str]
GAP: Part = ("  ", "")


def _counted(found: list[tuple[State, int]], words: bool) -> list[Part]:
    parts: list[Part] = []
    for state, number in found:
        text = f"{GLYPHS[state]} {number} {WORDS[state]}" if words else f"{GLYPHS[state]}{number}"
        parts += [(text, STYLES[state]), GAP]
    return parts


def _hidden(fleet: Fleet, words: bool) -> list[Part]:
    """Hidden agents are silent unless one is idle or needs a human."""
    found = [pair for pair in counts(row.status.state for row in fleet.rows if row.hidden) if pair[0] in ("idle", "needs_input")]
    if not found:
        return []
    return [("hidden: " if words else "h:", "$text-muted"), *_counted(found, words)]


def parts(state: DeckState, clock: str, engine_down: bool, words: bool) -> tuple[list[Part], list[Part]]:
    """The left and the right half of the line, with or without words beside the glyphs."""
    fleet = state.fleet
    place = state.repo.name if state.repo else "no repository"
    left: list[Part] = [(f" {place} ", "bold"), GAP]
    left += _counted(counts(row.status.state for row in fleet.rows if not row.hidden), words)
    left += _hidden(fleet, words)
    if state.filter:
        left += [(f"/{state.filter}", "$text-accent"), (f" {len(state.rows)} of {len(fleet.rows)}", "$text-muted"), GAP]
    if state.marked:
        left += [(f"{len(state.marked)} marked", "bold $text-accent"), GAP]
    right: list[Part] = []
    if engine_down:
        right += [("engine down: status is old", "bold $text-error"), GAP]
    today = fleet.today
    spent = f"{tokens(today.tokens.total)} tok  {dollars(today.cost, today.unpriced_tokens)}"
    right += [(f"{spent} today" if words else spent, ""), GAP, (clock + " ", "$text-muted")]
    return left, right


def line(state: DeckState, width: int, clock: str, engine_down: bool = False) -> Content:
    """The line for `width` cells: words give way first, then the right half."""
    for words in (True, False):
        left, right = (Content.assemble(*half) for half in parts(state, clock, engine_down, words))
        room = width - left.cell_length - right.cell_length
        if room >= 0:
            return Content.assemble(left, " " * room, right)
    return left.truncate(width, ellipsis=True)


class TopLine(Static):
    """Draws a DeckState; the clock is its own."""

    def show(self, state: DeckState, engine_down: bool) -> None:
        width = self.size.width or self.app.size.width
        self.update(line(state, width, time.strftime("%H:%M"), engine_down), layout=False)


