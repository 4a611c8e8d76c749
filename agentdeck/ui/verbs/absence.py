"""Coming back: the list of what happened, and what its keys do."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from agentdeck.errors import AgentDeckError, TryAgain
from agentdeck.models.clock import now_ms
from agentdeck.services.away import NEVER_MS, Absence, Item
from agentdeck.ui.held_keys import KeysWanted
from agentdeck.ui.verbs import life, tools, work

if TYPE_CHECKING:
    from agentdeck.services.fleet import AgentRow
    from agentdeck.ui.screens.deck import DeckScreen


async def away(deck: DeckScreen, number: int) -> None:
    """The list since the human was last away, at any time; that of a day when nothing came about since."""
    for since in (deck.presence.since, now_ms() - NEVER_MS):
        found = await deck.bridge.away(since)
        if found is not None and found.items:
            await triage(deck, found)
            return
    deck.tell("nothing needs you, failed or finished within a day", seconds=3)


async def triage(deck: DeckScreen, found: Absence, *, unasked: bool = False) -> int | None:
    """Work the list off; how many items are left, None when it had to give way to a key for the deck."""
    from agentdeck.ui.actions import BY_ID
    from agentdeck.ui.screens.triage import TriageScreen

    async def act(item: Item, what: str) -> bool:
        token = deck.held.hold()
        try:
            return await _act(deck, item, what, token)
        except AgentDeckError as error:
            deck.note(what, error.title, "$text-error")
            deck.tell(error.title, error.hint, "warning" if isinstance(error, TryAgain) else "error", seconds=12)
            return False
        finally:
            deck.post_message(KeysWanted(token))

    left = await deck.app.push_screen_wait(
        TriageScreen(found, act, deck.newest, deck.presence.dealt, frozenset(BY_ID), unasked=unasked)
    )
    if left:
        deck.tell(f"{left} left: ! shows them again", seconds=3)
    elif left == 0:
        deck.tell("that was all", seconds=3)
    return left


async def _act(deck: DeckScreen, item: Item, what: str, token: int) -> bool:
    if what == "retry":
        await deck.bridge.retry(item.task)
        deck.note(f"task {item.task}", "queued again")
        return True
    row = deck.newest(item.agent)
    if row is None:
        raise AgentDeckError(f"{item.name or 'its agent'} is gone", "It was removed meanwhile.")
    if what == "answer":
        return await work.answer_row(deck, row)
    if what == "resume":
        return await life.resume_rows(deck, [row])
    deck.focus_row(row.agent.id)
    return await (_zoom(deck, row, token) if what == "zoom" else _diff(deck))


async def _zoom(deck: DeckScreen, row: AgentRow, token: int) -> bool:
    screen = tools.zoom_screen(deck, row)
    if screen is None:
        return False
    gone: Awaitable[object] = deck.app.push_screen(screen, wait_for_dismiss=True)
    deck.post_message(KeysWanted(token))  # it has the keys now
    await gone
    return True


async def _diff(deck: DeckScreen) -> bool:
    from agentdeck.ui.verbs import HANDLERS

    shown = HANDLERS["diff"](deck, 0)
    if shown is not None:
        await shown
    return True


HANDLERS = {"away": away}
