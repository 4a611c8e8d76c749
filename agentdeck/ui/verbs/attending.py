"""The attention list: who needs a human, and answers given from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentdeck.errors import AgentDeckError
from agentdeck.services import rows
from agentdeck.services.asking import attention as waits

if TYPE_CHECKING:
    from agentdeck.services.fleet import AgentRow
    from agentdeck.ui.screens.deck import DeckScreen


async def attention(deck: DeckScreen, number: int) -> None:
    """All that need somebody, hidden ones too; the focused one first to be looked at when it is among them."""
    from agentdeck.ui.screens.attention import AttentionScreen
    from agentdeck.ui.verbs.tools import zoom_screen

    async def answer(row: AgentRow, said: str) -> str:
        return await reply(deck, row, said)

    async def zoom(row: AgentRow) -> None:
        screen = zoom_screen(deck, row)
        if screen is not None:
            await deck.app.push_screen(screen, wait_for_dismiss=True)

    left = await deck.app.push_screen_wait(
        AttentionScreen(lambda: waits.needing(deck.fleet.agents), deck.newest, answer, zoom, deck.saw, deck.live)
    )
    if left == 0:
        deck.tell("nobody needs you any more", seconds=3)


async def reply(deck: DeckScreen, row: AgentRow, said: str) -> str:
    """Answer what it asks, or leave it a text when it asks nothing; '' or what went wrong."""
    agent, status = row.agent, row.status
    try:
        if status.state == "needs_input":
            await deck.bridge.ask(
                "answer", agent.id, answer=said, expected=rows.ask_json(status.ask), since=status.since
            )
            deck.note(f"answer to {agent.name}", said)
        else:
            await deck.bridge.ask("send", agent.id, text=said, mode="idle")
            deck.note(f"message to {agent.name}", "queued")
    except AgentDeckError as error:
        deck.note(f"answer to {agent.name}", error.title, "$text-error")
        return f"{error.title}. {error.hint}".strip()
    return ""


HANDLERS = {"attention": attention}
