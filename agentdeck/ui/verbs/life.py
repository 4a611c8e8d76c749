"""Starting, interrupting, ending and naming agents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import NAME, NAME_RULE, TEAM_RULE, is_team
from agentdeck.ui import undoing
from agentdeck.ui.reasons import gone
from agentdeck.ui.verbs import removal

if TYPE_CHECKING:
    from agentdeck.services.fleet import AgentRow
    from agentdeck.ui.screens.deck import DeckScreen
    from agentdeck.ui.screens.new_agent import Wish


HALT = "halt"  # the word that ends the fleet


async def new(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui import offers
    from agentdeck.ui.screens.new_agent import NewDialog

    state = deck.state
    repo = state.repo or (Path(state.focused.agent.repo) if state.focused else None)
    if repo is None:
        return
    found = await asyncio.to_thread(offers.harnesses)
    name = offers.suggest_name({row.agent.name for row in state.fleet.rows})

    async def create(wish: Wish) -> None:
        await deck.bridge.ask_with_environment("new", repo=str(repo), **{**asdict(wish), "args": list(wish.args)})
        deck.note(f"new {wish.harness} agent {wish.name}", "runs")
        made = next((row.agent.id for row in deck.fleet.rows if row.agent.name == wish.name), "")
        if made:
            deck.focus_row(made)

    await deck.app.push_screen_wait(NewDialog(found, name, repo.name, create))


def _names(rows: Sequence[AgentRow]) -> str:
    return ", ".join(row.agent.name for row in rows)


async def _each(deck: DeckScreen, kind: str, rows: Sequence[AgentRow], done: str, **args: Any) -> None:
    """Ask for all at once; one that fails does not keep the others back."""
    deck.marked = frozenset()
    asked = (deck.bridge.ask(kind, row.agent.id, **args) for row in rows)
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    for row, outcome in zip(rows, outcomes, strict=True):
        if isinstance(outcome, AgentDeckError):
            await _refused(deck, f"{kind} {row.agent.name}", outcome)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            deck.note(f"{kind} {row.agent.name}", done)


async def _refused(deck: DeckScreen, what: str, error: AgentDeckError) -> None:
    from agentdeck.ui.screens.error import ErrorDialog

    deck.note(what, error.title, "$text-error")
    await deck.app.push_screen_wait(ErrorDialog(error.title, error.hint))


async def interrupt(deck: DeckScreen, number: int) -> None:
    await _each(deck, "interrupt", deck.state.targets, "interrupted")


async def stop(deck: DeckScreen, number: int) -> None:
    rows = [row for row in deck.state.targets if row.agent.life != "stopped"]
    text = (
        "Its own exit is tried first, then its processes are ended. Work tree, branch and conversation stay; "
        "R starts it again where it was."
    )
    if rows and all(row.agent.beside for row in rows):
        text = "What runs in it is ended, and the tile goes. Nothing in the work tree changes."
    if await _sure(deck, f"Stop {_names(rows)}?", text):
        await _each(deck, "stop", rows, "stopped")


async def halt(deck: DeckScreen, number: int) -> None:
    """Everything at once, whatever is shown or hidden; a word has to be typed, so that no stray key does it."""
    from agentdeck.ui.badges import WORDS, counts
    from agentdeck.ui.screens.line import LineDialog

    rows = [row for row in deck.fleet.rows if not gone(row)]
    doing = ", ".join(f"{number} {WORDS[state]}" for state, number in counts(row.status.state for row in rows))
    text = (
        f"All of this deck, hidden ones too: {doing}. Those at work are ended in the midst of it; work trees, branches "
        f"and conversations stay, and R starts them again. Type {HALT} to do it."
    )
    many = f"{len(rows)} agents" if len(rows) != 1 else "1 agent"
    dialog = LineDialog(f"Stop all of the fleet: {many}?", text, "stop them all", check=_word)
    if await deck.app.push_screen_wait(dialog) == HALT:
        await deck.bridge.ask("halt", timeout=60.0)
        await _each(deck, "stop", rows, "stopped")
        deck.tell(f"{many} stopped", "Their work is kept.")


def _word(text: str) -> str:
    return "" if text == HALT else f"type {HALT}, or Esc to leave them all as they are"


async def _sure(deck: DeckScreen, heading: str, text: str) -> bool:
    from agentdeck.ui.screens.confirm import ConfirmDialog

    return bool(await deck.app.push_screen_wait(ConfirmDialog(heading, text)))


async def resume(deck: DeckScreen, number: int) -> None:
    rows = deck.state.targets
    deck.marked = frozenset()
    await resume_rows(deck, rows)


async def resume_rows(deck: DeckScreen, rows: Sequence[AgentRow]) -> bool:
    """Start these agents again; whether all of them run."""
    runs = 0
    for row in rows:
        try:
            await deck.bridge.ask_with_environment("resume", row.agent.id)
        except AgentDeckError as error:
            await _refused(deck, f"resume {row.agent.name}", error)
        else:
            deck.note(f"resume {row.agent.name}", "runs")
            runs += 1
    return runs == len(rows)


async def rename(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui.screens.line import LineDialog

    row = deck.state.focused
    if row is None:
        return
    taken = {other.agent.name for other in deck.fleet.rows} - {row.agent.name}

    def check(text: str) -> str:
        if text in taken:
            return f"another agent is called {text}"
        return "" if NAME.match(text) else f"a name is {NAME_RULE}"

    name = await deck.app.push_screen_wait(
        LineDialog(
            f"Rename {row.agent.name}", "Branch and work tree keep the old name.", "rename", row.agent.name, check
        )
    )
    if name and name != row.agent.name:
        await deck.bridge.ask("rename", row.agent.id, name=name)
        deck.note(f"rename {row.agent.name}", name)
        deck.undoable = undoing.remember(deck.undoable, removal.rename_back(deck, row.agent.id, row.agent.name, name))


async def team(deck: DeckScreen, number: int) -> None:
    """One team for all targets; companions go with their agent and have none of their own."""
    from agentdeck.ui.screens.line import LineDialog

    chosen = [row for row in deck.state.targets if not row.agent.beside]
    if not chosen:
        return
    known = sorted({row.agent.team for row in deck.fleet.rows} - {""})
    note = f"Teams so far: {', '.join(known)}." if known else "The roster is grouped by teams (o)."
    value = chosen[0].agent.team if len({row.agent.team for row in chosen}) == 1 else ""

    def check(text: str) -> str:
        return "" if is_team(text) else f"a team's name is {TEAM_RULE}"

    dialog = LineDialog(f"A team for {_names(chosen)}", f"{note} - alone is no team.", "put", value, check)
    name = await deck.app.push_screen_wait(dialog)
    if name:
        await _each(deck, "team", chosen, name, team="" if name == "-" else name)


HANDLERS = {
    "new": new,
    "interrupt": interrupt,
    "stop": stop,
    "halt": halt,
    "resume": resume,
    "rename": rename,
    "team": team,
}
