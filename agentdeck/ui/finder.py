"""The search inside a history: what is looked for, where it is, and which match the human stands on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.widgets import Input

from agentdeck.models.document import Match, Needle
from agentdeck.ui.widgets.history_view import HistoryView

MOST = 20_000
"""Lines with a match that are marked: the newest."""


class Finder:
    """Marks matches in `view`. The text may come from `line`, letter by letter, while `asked`."""

    def __init__(self, view: HistoryView, line: Callable[[], Input], needle: str) -> None:
        self.needle = Needle(needle)
        self.found: list[Match] = []
        self.asked = False
        self._view = view
        self._line = line
        self._before = view.top  # where the page stood when a text began to be typed
        self._busy = asyncio.Lock()

    def ask(self) -> None:
        """A text is about to be typed."""
        self._before, self.asked = self._view.top, True

    async def give_up(self) -> None:
        """Nothing is looked for any more, and the page stands where it stood before."""
        self._view.top, self.asked = self._before, False
        await self.search(Needle(""))

    async def catch_up(self) -> None:
        """Look for the text that stands in the line: from where the human was, not from where its last letter led."""
        text = self._line().value
        if self.asked and text != self.needle.text:
            await self.search(Needle(text), self._before[0])

    async def search(self, needle: Needle, near: int | None = None) -> None:
        """Mark every match; the current one is the first at or after line `near` (the page's first), else the last."""
        async with self._busy:
            self.needle = needle
            texts = self._view.document.texts
            self.found = await asyncio.to_thread(needle.matches, texts, MOST)
            if texts is self._view.document.texts:
                self._mark(near)

    def _mark(self, near: int | None) -> None:
        at = self._view.page[0] if near is None else near
        after = next((match for match in self.found if match.line >= at), None)
        self._view.mark(self.found, after or (self.found[-1] if self.found else None))

    async def once_found(self, act: Callable[[], None]) -> None:
        """Do it when all that stands in the line is found."""
        await self.catch_up()
        async with self._busy:
            act()

    def step(self, by: int) -> str:
        """To the next match, or back, round the ends; why not, in words, or ''."""
        if not self.found:
            return "not found" if self.needle else "nothing is looked for: / asks for a text"
        current = self._view.current
        at = self.found.index(current) if current in self.found else -by
        self._view.mark(self.found, self.found[(at + by) % len(self.found)])
        return ""

    @property
    def count(self) -> str:
        """`3/12 'text'`, or that it is not found; '' when nothing is looked for."""
        if not self.needle:
            return ""
        if not self.found:
            return f" '{self.needle.text}' not found "
        current = self._view.current
        return (
            f" {self.found.index(current) + 1 if current in self.found else 0}/{len(self.found)} '{self.needle.text}' "
        )
