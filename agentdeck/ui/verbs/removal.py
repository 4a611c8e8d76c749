"""Removing agents and undoing what was done."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agentdeck.errors import AgentDeckError
from agentdeck.models.clock import now_ms
from agentdeck.models.trash import TrashEntry
from agentdeck.ui import undoing
from agentdeck.ui.undoing import Undoable

if TYPE_CHECKING:
    from agentdeck.services.trees.loss_report import Report
    from agentdeck.ui.screens.deck import DeckScreen

SECONDS = 300.0  # to hash what is untracked
CHANGED = 3  # the exit code of a refusal that a new look may mend


async def remove(deck: DeckScreen, number: int) -> None:
    """Show what would go, and take it away once it was seen; what changed meanwhile is shown again."""
    from agentdeck.ui.screens.remove import RemoveDialog

    agents = {row.agent.id: row.agent.name for row in deck.state.targets}
    note = ""
    while agents:
        ids = list(agents)
        dialog = RemoveDialog(list(agents.values()), lambda ids=ids: deck.bridge.losses(ids), note)
        seen = await deck.app.push_screen_wait(dialog)
        if not seen:
            return
        deck.marked = frozenset()
        agents = await _remove(deck, seen)
        note = "It has changed since you saw it: this is what would go now."


async def _remove(deck: DeckScreen, seen: Sequence[Report]) -> dict[str, str]:
    """Names by id of those that hold other things by now than were shown."""
    from agentdeck.ui.screens.error import ErrorDialog

    asked = [deck.bridge.ask("rm", one.agent.id, timeout=SECONDS, shown=one.digest) for one in seen]
    changed: dict[str, str] = {}
    for report, outcome in zip(seen, await asyncio.gather(*asked, return_exceptions=True), strict=True):
        agent = report.agent
        if isinstance(outcome, AgentDeckError) and outcome.exit_code == CHANGED:
            changed[agent.id] = agent.name
        elif isinstance(outcome, AgentDeckError):
            deck.note(f"remove {agent.name}", outcome.title, "$text-error")
            await deck.app.push_screen_wait(ErrorDialog(outcome.title, outcome.hint))
        elif isinstance(outcome, BaseException):
            raise outcome
        elif agent.beside:
            deck.note(f"remove {agent.name}", "closed")
        else:
            deck.note(f"remove {agent.name}", "in the trash: z brings it back")
            deck.tell(f"{agent.name} is in the trash: z brings it back")
    return changed


async def undo(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui.screens.undo import UndoDialog

    removals = [_removal(deck, entry) for entry in await deck.bridge.trash()]
    steps = undoing.newest_first(deck.undoable, removals)
    if not steps:
        deck.tell("there is nothing to undo", seconds=3)
        return
    chosen = await deck.app.push_screen_wait(UndoDialog(steps))
    if chosen is not None:
        deck.undoable = [step for step in deck.undoable if step is not chosen]
        await chosen.undo()


def _removal(deck: DeckScreen, entry: TrashEntry) -> Undoable:
    from agentdeck.services.trash.trash_rows import free_name

    place_taken = bool(entry.place) and os.path.lexists(entry.origin)
    names = {row.agent.name for row in deck.fleet.rows} | ({entry.name} if place_taken else set())
    name = free_name(names, entry.name)
    effect = [f"{name} comes back, exited; R resumes it in its conversation."]
    if name != entry.name:
        effect = [f"Its name or place is taken by now: it comes back as {name}, exited."]
    if entry.place:
        where = Path(entry.origin).with_name(name) if place_taken else entry.origin
        holds = entry.holds or "nothing that is not elsewhere"
        effect += [f"Its work tree returns to {where}", f"with {holds}."]

    async def bring_back() -> None:
        back = await deck.bridge.ask("undo", timeout=SECONDS, entry=entry.id, name="" if name == entry.name else name)
        notes = back.get("notes")
        deck.note(f"undo remove {entry.name}", "back")
        deck.tell(f"{name} is back", "; ".join(notes) if isinstance(notes, list) else "")
        deck.focus_row(entry.agent)

    return Undoable(f"remove {entry.name}", entry.removed, "\n".join(effect), bring_back)


def rename_back(deck: DeckScreen, agent: str, before: str, after: str) -> Undoable:
    """Undoes a rename."""

    async def back() -> None:
        await deck.bridge.ask("rename", agent, name=before)
        deck.note(f"undo rename {after}", before)

    return Undoable(f"rename {before} to {after}", now_ms(), f"{after} is called {before} again.", back)


HANDLERS = {"remove": remove, "undo": undo}
