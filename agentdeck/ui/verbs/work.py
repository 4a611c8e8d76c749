"""Giving an agent something: a spec, a line, a message, an answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from textual.notifications import SeverityLevel

from agentdeck.errors import AgentDeckError
from agentdeck.models.status import Status
from agentdeck.services import rows

if TYPE_CHECKING:
    from agentdeck.ui.screens.deck import DeckScreen

SOON, LATE = 4.0, 3600.0  # seconds until a waiting text is mentioned, and until nobody asks any more
RECEIPTS: dict[str, tuple[SeverityLevel, str]] = {
    "acknowledged": ("information", "has the message"),
    "refused": ("error", "did not get the message"),
    "uncertain": ("warning", "may not have got the message; it is not sent again"),
}


async def spec(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui import offers
    from agentdeck.ui.screens.spec_picker import SpecPicker

    row = deck.state.focused
    if row is None:
        return
    repo = Path(row.agent.repo)
    found = await asyncio.to_thread(offers.specs, repo, Path(row.agent.worktree))
    chosen = await deck.app.push_screen_wait(SpecPicker(found, row.agent.name, repo.name))
    if chosen is not None:
        await _dispatch(deck, row.agent.id, row.agent.name, chosen.title, spec_path=str(chosen.path))


async def line(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui.screens.line import LineDialog

    row = deck.state.focused
    if row is None:
        return
    dialog = LineDialog(
        f"A task for {row.agent.name}", "It becomes a task in the queue and goes to this agent now.", "hand it over"
    )
    text = await deck.app.push_screen_wait(dialog)
    if text:
        await _dispatch(deck, row.agent.id, row.agent.name, text, text=text, title=text[:80])


async def _dispatch(deck: DeckScreen, agent: str, name: str, what: str, **args: object) -> None:
    await deck.bridge.ask("dispatch", agent, timeout=30.0, **args)
    deck.note(f"task for {name}: {what}", "handed over")
    deck.tell(f"{name} gets: {what}")


async def message(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui.screens.message import MessageDialog

    row = deck.state.focused
    if row is None:
        return
    agent = row.agent
    note = await deck.app.push_screen_wait(MessageDialog(row, deck.drafts.get(agent.id, "")))
    if note is None:
        return
    deck.drafts[agent.id] = note.text
    if note.mode == "draft":
        if note.text.strip():
            deck.tell("the text is kept: m shows it again", seconds=3)
        return
    try:
        receipt = await deck.bridge.ask("send", agent.id, text=note.text, mode=note.mode)
    except AgentDeckError as error:
        raise AgentDeckError(
            error.title, f"{error.hint} The text is kept: m shows it again.".strip(), error.exit_code
        ) from error
    deck.drafts.pop(agent.id, None)
    await _follow(deck, agent.name, str(receipt["delivery"]))


async def _follow(deck: DeckScreen, name: str, delivery: str) -> None:
    """Tell once when a text has to wait, and once what became of it."""
    deck.note(f"message to {name}", "queued")
    state, reason = await deck.bridge.receipt(delivery, seconds=SOON)
    if state not in RECEIPTS:
        deck.tell(f"{name}: the message waits", reason or "It goes out as soon as the agent is idle.")
        state, reason = await deck.bridge.receipt(delivery, seconds=LATE)
    if state in RECEIPTS:
        severity, words = RECEIPTS[state]
        deck.note(f"message to {name}", f"{state} {reason}".strip(), "$foreground-muted")
        deck.tell(f"{name} {words}", reason, severity, seconds=4 if state == "acknowledged" else 12)


async def answer(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui.screens.answer import AnswerDialog

    row = deck.state.focused
    if row is None:
        return
    agent = row.agent

    def current() -> Status | None:
        now = deck.newest(agent.id)
        return now.status if now else None

    said = await deck.app.push_screen_wait(AnswerDialog(row, current))
    if said:
        await deck.bridge.ask("answer", agent.id, answer=said, expected=rows.ask_json(row.status.ask))
        deck.note(f"answer to {agent.name}", said)
        deck.tell(f"answered {agent.name}: {said}", seconds=3)


HANDLERS = {"spec": spec, "line": line, "message": message, "answer": answer}
