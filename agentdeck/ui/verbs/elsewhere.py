"""Sessions started outside the deck: seen, and gone on with here once a human has said so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentdeck.services.fleet import ForeignRow
    from agentdeck.ui.screens.deck import DeckScreen


async def elsewhere(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui.screens.elsewhere import ElsewhereDialog

    chosen = await deck.app.push_screen_wait(ElsewhereDialog(lambda: deck.fleet.foreign, deck.wanted_session))
    deck.wanted_session = ""
    if chosen is not None:
        await take(deck, chosen)


async def take(deck: DeckScreen, row: ForeignRow) -> None:
    """An agent that goes on with the session, in its own directory."""
    from agentdeck.services.foreign import foreign
    from agentdeck.ui.screens.confirm import ConfirmDialog

    told = row.session
    if told.pid:
        text = (
            f"Process {told.pid} still has this session, in {told.cwd}. Two on one conversation spoil it: turns of the "
            "one overwrite those of the other. End it there first; its row stays here, and R goes on with it.\n\n"
            "Go on with it here all the same?"
        )
        if not await deck.app.push_screen_wait(ConfirmDialog("It still runs elsewhere", text)):
            return
    name = foreign.suggest_name(told, {one.agent.name for one in deck.fleet.rows})
    made = await deck.bridge.ask_with_environment("take", session=told.session, name=name, anyway=bool(told.pid))
    deck.note(f"take {told.session[:8]} as {name}", f"runs in {told.cwd}")
    deck.focus_row(str(made["id"]))


HANDLERS = {"elsewhere": elsewhere}
