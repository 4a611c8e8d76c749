"""Reading and finding: an agent's history, and what it names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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


HANDLERS = {"history": history}
