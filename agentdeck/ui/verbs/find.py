"""Reading, finding and copying: an agent's history and what it names, everybody's histories, what an agent is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from agentdeck.errors import AgentDeckError, TryAgain

if TYPE_CHECKING:
    from agentdeck.models.agent import Agent
    from agentdeck.services.fleet import AgentRow
    from agentdeck.ui.screens.deck import DeckScreen
    from agentdeck.ui.screens.history import Spotlight


async def history(deck: DeckScreen, number: int) -> None:
    if deck.state.focused is not None:
        await read(deck, deck.state.focused)


async def read(deck: DeckScreen, row: AgentRow, spotlight: Spotlight | None = None) -> None:
    """Show the history of an agent until the human comes back, beginning at `spotlight` when there is one."""
    from agentdeck.ui.screens.history import HistoryScreen
    from agentdeck.ui.verbs.tools import open_editor

    async def opener(file: Path, line: int) -> None:
        await open_editor(deck, row, str(file), line)

    await deck.app.push_screen_wait(HistoryScreen(row, deck.live, opener, spotlight))


async def everywhere(deck: DeckScreen, number: int) -> None:
    """Find a text in the histories of all agents, hidden and stopped ones too."""
    from agentdeck.services.reading.search import Searcher
    from agentdeck.ui.screens.search import COUNTED, SearchScreen

    async def go(row: AgentRow, spotlight: Spotlight) -> None:
        await read(deck, row, spotlight)

    searcher = Searcher(lambda: deck.live.client if deck.live else None, most=COUNTED)
    screen = SearchScreen(searcher, deck.fleet.rows, go, deck.last_search)
    await deck.app.push_screen_wait(screen)
    deck.last_search = screen.text


async def copy(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui.screens.copy_menu import MESSAGE, SCREEN, CopyMenu, entries
    from agentdeck.ui.widgets import picking

    row = deck.state.focused
    if row is None:
        return
    chosen = await deck.app.push_screen_wait(CopyMenu(row.agent.name, entries(row)))
    if chosen is None:
        return
    text = chosen.text
    if chosen.id == SCREEN:
        text = await _screen_text(deck, row.agent)
    elif chosen.id == MESSAGE:
        text = await _last_message(row.agent)
    picking.copy(deck.app, text)


async def _screen_text(deck: DeckScreen, agent: Agent) -> str:
    from agentdeck.adapters import tmux
    from agentdeck.models.document import tidy
    from agentdeck.models.screen import bare

    client = deck.live.client if deck.live else None
    if client is None:
        raise TryAgain("there is no connection to tmux", "Try again in a moment.")
    found = await tmux.history_rows(client, agent.pane, agent.id, 0, agent.rows * 10)
    return "\n".join(tidy(map(bare, found.rows)))


async def _last_message(agent: Agent) -> str:
    from agentdeck.services.reading import history

    text = await asyncio.to_thread(history.last_message, agent)
    if not text:
        raise AgentDeckError(f"{agent.name} has said nothing that can be read", "H shows what there is.")
    return text


HANDLERS = {"history": history, "search": everywhere, "copy": copy}
