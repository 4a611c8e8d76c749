"""Panels beside the grid, help, the palette, and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentdeck.ui.screens.deck import DeckScreen


async def usage(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui.screens.usage import UsageScreen

    await deck.app.push_screen_wait(UsageScreen(deck.bridge.usage_view))


async def research(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui.screens.research import ResearchScreen

    focused = deck.state.focused
    await deck.app.push_screen_wait(ResearchScreen(focused.agent.name if focused else "", deck))


def agent_usage(deck: DeckScreen, number: int) -> None:
    deck.toggle_panel("usage")


async def refresh_usage(deck: DeckScreen, number: int) -> None:
    focused = deck.state.focused
    if focused and deck.has_class("-usage"):
        deck.stats = await deck.bridge.stats(focused.agent.id)
        deck.redraw_lines()


def next_panel(deck: DeckScreen, number: int) -> None:
    deck.next_panel()


def collisions(deck: DeckScreen, number: int) -> None:
    deck.toggle_panel("collisions")


def log(deck: DeckScreen, number: int) -> None:
    deck.toggle_panel("log")


async def palette(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui.screens.palette import PaletteDialog

    chosen = await deck.app.push_screen_wait(PaletteDialog(deck.state, deck.keymap, deck.actions))
    if chosen:
        deck.action_act(chosen)


async def show_help(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui.screens.help import HelpDialog

    await deck.app.push_screen_wait(HelpDialog(deck.state, deck.keymap, deck.actions))


def leave(deck: DeckScreen, number: int) -> None:
    deck.app.exit()


HANDLERS = {
    "usage": usage,
    "research": research,
    "agent_usage": agent_usage,
    "refresh_usage": refresh_usage,
    "collisions": collisions,
    "log": log,
    "next_panel": next_panel,
    "palette": palette,
    "help": show_help,
    "leave": leave,
}
