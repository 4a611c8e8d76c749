"""The board, and what its keys do with a task."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from agentdeck.errors import AgentDeckError, TryAgain

if TYPE_CHECKING:
    from agentdeck.services.queue.board import Card
    from agentdeck.ui.screens.deck import DeckScreen


async def board(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui.screens.board import BoardScreen

    async def act(what: str, card: Card | None, key: str) -> None:
        try:
            await _act(deck, what, card, key)
        except AgentDeckError as error:
            deck.note(what, error.title, "$text-error")
            deck.tell(error.title, error.hint, "warning" if isinstance(error, TryAgain) else "error", seconds=12)

    await deck.app.push_screen_wait(BoardScreen(await deck.bridge.board(), deck.bridge.board, act))


async def _act(deck: DeckScreen, what: str, card: Card | None, key: str) -> None:
    if what in ("new task", "spec"):
        await (_line(deck) if what == "new task" else _spec(deck))
    elif card is not None and what in ("read", "diff", "edit"):
        await {"read": _read, "diff": _diff, "edit": _edit}[what](deck, card)
    elif card is not None:
        await _change(deck, what, card, key)


async def _change(deck: DeckScreen, what: str, card: Card, key: str) -> None:
    if what == "priority":
        await deck.bridge.change_task("prioritise", card.id, card.priority + (1 if key == "+" else -1))
        return
    if what == "land":
        told = await deck.bridge.land(card.id)
        deck.note(f"task {card.id}", told)
        deck.tell(f"task {card.id} {told}")
        return
    words: list[object] = []
    if what == "reject":
        from agentdeck.ui.screens.line import LineDialog

        note = "It counts as failed; R tries it again, and the next agent is told this."
        said = await deck.app.push_screen_wait(LineDialog(f"Why is #{card.id} rejected?", note, "reject"))
        if not said:
            return
        words = [said]
    if what == "cancel" and card.state in ("running", "verifying"):
        from agentdeck.ui.screens.confirm import ConfirmDialog

        text = f"Its agent {card.agent} is not interrupted; what it has done stays on its branch."
        if not await deck.app.push_screen_wait(ConfirmDialog(f"Cancel task #{card.id}?", text)):
            return
    await deck.bridge.change_task(what, card.id, *words)
    deck.note(f"task {card.id}: {card.title}", f"{what}: {words[0]}" if words else what)


async def _read(deck: DeckScreen, card: Card) -> None:
    from agentdeck.ui.screens.task_page import TaskPage

    async def load() -> str:
        return await deck.bridge.task_page(card.id)

    await deck.app.push_screen_wait(TaskPage(f"Task #{card.id}", await load(), load))


async def _diff(deck: DeckScreen, card: Card) -> None:
    from agentdeck.ui.screens.task_page import TaskPage

    async def load() -> str:
        return await deck.bridge.task_diff(card.id)

    await deck.app.push_screen_wait(TaskPage(f"What task #{card.id} changed", await load(), load))


async def _edit(deck: DeckScreen, card: Card) -> None:
    from agentdeck.ui.screens.spec_editor import SpecEditor

    text = await deck.bridge.spec_text(card.id)
    new = await deck.app.push_screen_wait(SpecEditor(f"The spec of task #{card.id}", text))
    if new and new != text:
        await deck.bridge.revise_task(card.id, new)
        deck.note(f"task {card.id}", "has a new version")


def _repo(deck: DeckScreen) -> str:
    focused = deck.state.focused
    repo = focused.agent.repo if focused else str(deck.repo or "")
    if not repo:
        raise AgentDeckError("no repository is here", "Start agentdeck inside one, or focus an agent.")
    return repo


async def _line(deck: DeckScreen) -> None:
    from agentdeck.ui.screens.line import LineDialog

    repo = _repo(deck)
    note = f"It goes to the next agent of {Path(repo).name} that is free."
    text = await deck.app.push_screen_wait(LineDialog("A new task", note, "queue it"))
    if text:
        key = await deck.bridge.queue_task(repo, text=text)
        deck.note(f"task {key}: {text}", "queued")


async def _spec(deck: DeckScreen) -> None:
    from agentdeck.ui import offers
    from agentdeck.ui.screens.spec_picker import SpecPicker

    repo = _repo(deck)
    found = await asyncio.to_thread(offers.specs, Path(repo))
    chosen = await deck.app.push_screen_wait(SpecPicker(found, "the queue", Path(repo).name))
    if chosen is not None:
        key = await deck.bridge.queue_task(repo, path=str(chosen.path))
        deck.note(f"task {key}: {chosen.title}", "queued")


HANDLERS = {"board": board}
