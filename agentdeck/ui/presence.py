"""Whether the human is here: when they were last away, and what they are told when they are back."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from agentdeck.errors import AgentDeckError
from agentdeck.models.clock import age, now_ms
from agentdeck.services.away import ABSENCE_MS, NEVER_MS, Absence

if TYPE_CHECKING:
    from agentdeck.ui.screens.deck import DeckScreen

PATIENCE = 8.0  # seconds an engine may take to confirm what it knew


class Presence:
    """Of one dashboard. `since` is when the human was last seen before they came back (UTC ms).

    The list comes up by itself once, when the dashboard has opened after an absence and nobody
    has touched a key yet; otherwise one line says that there is something.
    """

    def __init__(self, deck: DeckScreen) -> None:
        self._deck = deck
        self.dealt: dict[tuple[str, str, int, int], str] = {}  # items of the list, and how they were dealt with
        self._since = 0
        self._acted = 0
        self._welcomed = False

    @property
    def since(self) -> int:
        return self._since or self._deck.bridge.seen or now_ms() - NEVER_MS

    def opened(self) -> None:
        """The first rows are here: look for news, if this view was ever seen before."""
        if not self._welcomed and self._deck.bridge.seen is not None:
            self._welcomed = True
            if self._deck.bridge.seen and self._deck.fleet.rows:
                self._deck.run_worker(self._welcome(self._deck.bridge.seen), group="away", description="what happened")

    def acts(self) -> None:
        """A key or the mouse: the human is here, perhaps after a while."""
        last, self._acted = self._acted, now_ms()
        if last and self._acted - last >= ABSENCE_MS:
            self._since = last
            self._deck.run_worker(self._mention(last), group="away", description="what happened")

    async def _welcome(self, since: int) -> None:
        found = await self._look(since, PATIENCE)
        if found is None or not found.pressing:
            return
        if self._acted or not self._undisturbed:
            self._say(found)
        else:
            from agentdeck.ui.verbs.absence import triage

            if await triage(self._deck, found, unasked=True) is None:
                self._say(found)  # a key came that was meant for the deck

    async def _mention(self, since: int) -> None:
        found = await self._look(since)
        if found is not None and any(item.at >= since for item in found.items):
            self._say(found)

    async def _look(self, since: int, patience: float = 0.0) -> Absence | None:
        """None too when it cannot be read: nobody has asked, and the bridge tells a lasting trouble."""
        with contextlib.suppress(AgentDeckError, sqlite3.Error, OSError):
            return await self._deck.bridge.away(since, patience)
        return None

    def _say(self, found: Absence) -> None:
        count, lasted = len(found.items), age(found.until - found.since)
        things = "1 thing" if count == 1 else f"{count} things"
        self._deck.tell(f"{things} to look at since you were away ({lasted})", "! shows them one by one", seconds=8)

    @property
    def _undisturbed(self) -> bool:
        deck = self._deck
        return deck.app.screen is deck and deck.focused in (None, deck.stage)
