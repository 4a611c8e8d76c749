"""What each action of the table does: one function per action id, given the deck."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from agentdeck.errors import AgentDeckError, TryAgain
from agentdeck.ui.held_keys import KeysWanted
from agentdeck.ui.verbs import (
    absence,
    arrange,
    attending,
    board,
    elsewhere,
    find,
    life,
    moves,
    panels,
    removal,
    tools,
    work,
)

if TYPE_CHECKING:
    from agentdeck.ui.screens.deck import DeckScreen

    Verb = Callable[[DeckScreen, int], Awaitable[None] | None]

DIALOGS = (
    "new",
    "spec",
    "line",
    "message",
    "answer",
    "stop",
    "halt",
    "remove",
    "undo",
    "rename",
    "team",
    "palette",
    "help",
    "groups",
    "views",
    "tools",
    "away",
    "attention",
    "board",
    "elsewhere",
    "history",
    "copy",
    "search",
    "usage",
)
TAKERS = frozenset(
    (*DIALOGS, "terminal", "editor", "diff", "attach")
)  # what is typed right after is meant for what they open
HANDLERS: dict[str, Verb] = {
    **moves.HANDLERS,
    **elsewhere.HANDLERS,
    **arrange.HANDLERS,
    **find.HANDLERS,
    **panels.HANDLERS,
    **tools.HANDLERS,
    **work.HANDLERS,
    **life.HANDLERS,
    **removal.HANDLERS,
    **absence.HANDLERS,
    **attending.HANDLERS,
    **board.HANDLERS,
}


def perform(deck: DeckScreen, action: str, number: int = 0) -> None:
    """Do it now, or in a worker when it has to wait for anything."""
    outcome = _handler(action)(deck, number)
    if outcome is not None:
        held = deck.held.hold() if action in TAKERS or action.startswith("tool:") else 0
        deck.run_worker(_guarded(deck, action, outcome, held), group="verb", description=action)


def _handler(action: str) -> Verb:
    """What an action does; the human's own tools are called `tool:NAME`."""
    kind, _, name = action.partition(":")
    return partial(tools.tool, name) if kind == "tool" else HANDLERS[action]


async def _guarded(deck: DeckScreen, action: str, outcome: Awaitable[None], held: int) -> None:
    """What goes wrong is told with its next step, and stands in the log."""
    try:
        await outcome
    except AgentDeckError as error:
        deck.note(action, error.title, "$text-error")
        severity = "warning" if isinstance(error, TryAgain) else "error"
        deck.tell(error.title, error.hint, severity, seconds=12)
    finally:
        if held:  # no dialog has come
            deck.post_message(KeysWanted(held))
