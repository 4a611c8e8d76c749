"""Giving an agent something: a spec, a line, a message, an answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from textual.notifications import SeverityLevel

from agentdeck.errors import AgentDeckError
from agentdeck.models.status import Status
from agentdeck.services import rows
from agentdeck.ui.reasons import can_receive

if TYPE_CHECKING:
    from agentdeck.services.fleet import AgentRow
    from agentdeck.ui.screens.deck import DeckScreen

MANY = "*"  # the place of a draft for several agents
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
    """One text to every target that can take one: the marked agents, else the focused one."""
    from agentdeck.ui.screens.message import MessageDialog, Waiting

    rows = [row for row in deck.state.targets if can_receive(row)]
    if not rows:
        return
    place = rows[0].agent.id if len(rows) == 1 else MANY
    names = {row.agent.id: row.agent.name for row in rows}
    waiting = [
        Waiting(one.id, names[one.agent], shortened(one.text), f"({one.reason})" if one.reason else "")
        for one in await deck.bridge.waiting(list(names))
    ]

    async def cancel(delivery: str) -> object:
        return await deck.bridge.ask("cancel", delivery=delivery)

    note = await deck.app.push_screen_wait(MessageDialog(rows, deck.drafts.get(place, ""), waiting, cancel))
    if note is None:
        return
    deck.drafts[place] = note.text
    if note.mode == "draft":
        if note.text.strip():
            deck.tell("the text is kept: m shows it again", seconds=3)
        return
    orders = (
        deck.bridge.ask("send", row.agent.id, text=note.text, mode=note.mode, command=note.command) for row in rows
    )
    receipts = await asyncio.gather(*orders, return_exceptions=True)
    failed = [found for found in receipts if isinstance(found, BaseException)]
    strange = [error for error in failed if not isinstance(error, AgentDeckError)]
    if strange:
        raise strange[0]
    if len(failed) == len(rows) and isinstance(error := failed[0], AgentDeckError):
        raise AgentDeckError(
            error.title, f"{error.hint} The text is kept: m shows it again.".strip(), error.exit_code
        ) from error
    deck.drafts.pop(place, None)
    queued = {
        row.agent.name: str(found["delivery"])
        for row, found in zip(rows, receipts, strict=True)
        if isinstance(found, dict)
    }
    for row, found in zip(rows, receipts, strict=True):
        if isinstance(found, AgentDeckError):
            deck.note(f"message to {row.agent.name}", found.title, "$text-error")
    left_out = next((str(found["note"]) for found in receipts if isinstance(found, dict) and found.get("note")), "")
    if left_out:
        deck.tell("the text was changed", left_out, "warning", seconds=8)
    if len(rows) == 1:
        await _follow(deck, *next(iter(queued.items())))
    else:
        await _follow_all(deck, queued, len(rows))


def shortened(text: str, room: int = 32) -> str:
    """How a text begins, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= room else f"{line[: room - 1].rstrip()}…"


async def _follow_all(deck: DeckScreen, queued: dict[str, str], wanted: int) -> None:
    """One line for all, at first and whenever more of them have settled at the end; each agent's own in the log."""
    for name in queued:
        deck.note(f"message to {name}", "queued")
    for seconds in (SOON, LATE):
        found = await asyncio.gather(*(deck.bridge.receipt(delivery, seconds=seconds) for delivery in queued.values()))
        states = [state for state, _ in found]
        have = states.count("acknowledged")
        troubled = [name for name, state in zip(queued, states, strict=True) if state in ("refused", "uncertain")]
        words = f"{have} of {wanted} have the message"
        more = f"not, or not surely: {', '.join(troubled)}" if troubled else ""
        deck.tell(words, more, "warning" if troubled else "information", seconds=12 if troubled else 4)
        if all(state in RECEIPTS for state in states):
            break
    for name, (state, reason) in zip(queued, found, strict=True):
        deck.note(f"message to {name}", f"{state} {reason}".strip(), "$foreground-muted")


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
    row = deck.state.focused
    if row is not None:
        await answer_row(deck, row)


async def answer_row(deck: DeckScreen, row: AgentRow) -> bool:
    """Show what this agent asks; whether an answer went out."""
    from agentdeck.ui.screens.answer import AnswerDialog

    agent = row.agent

    def current() -> Status | None:
        now = deck.newest(agent.id)
        return now.status if now else None

    deck.saw(row)
    said = await deck.app.push_screen_wait(AnswerDialog(row, current))
    if said:
        await deck.bridge.ask(
            "answer", agent.id, answer=said, expected=rows.ask_json(row.status.ask), since=row.status.since
        )
        deck.note(f"answer to {agent.name}", said)
        deck.tell(f"answered {agent.name}: {said}", seconds=3)
    return bool(said)


HANDLERS = {"spec": spec, "line": line, "message": message, "answer": answer}
