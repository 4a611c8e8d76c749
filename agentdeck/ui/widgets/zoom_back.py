"""A zoom that has gone back in its pane's history: which rows it shows, fetched by windows around what is seen.

tmux's copy mode would do it too, and would keep every delivery from the agent meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from agentdeck.errors import AgentDeckError
from agentdeck.models.pane import Pane
from agentdeck.models.screen import Line, PaneScreen, parse
from agentdeck.models.scrollback import Scrollback

if TYPE_CHECKING:
    from agentdeck.adapters.tmux import ControlClient

MARGIN = 100
"""Rows fetched beyond those that are seen, on either side."""
KEPT = 2000
"""Rows that are kept at most."""

log = logging.getLogger(__name__)


class ZoomBack:
    """`at` is None at the live end. `changed` is called whenever other rows are to be shown."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.at: Scrollback | None = None
        self._changed = changed
        self._rows: dict[int, Line] = {}
        self._limit = 0  # rows tmux keeps at most; 0 until it has said so
        self._height = 0
        self._size: tuple[int, int] = (0, 0)  # of the pane: with other columns its rows are others

    # -- moving ---------------------------------------------------------------------------------------------

    def scroll(self, rows: int, pane: Pane, height: int, top: int) -> bool:
        """Back for a negative number, of a view of `height` rows whose live end begins at `top`; whether it moved."""
        self._height = height
        at = self.at
        if at is None:
            spare = max(0, pane.rows - height)
            at, self._size = Scrollback(top=top, size=pane.history, spare=spare), (pane.cols, pane.rows)
        moved = at.scroll(rows)
        if moved.back <= 0 or (self.at is None and rows > 0):
            return self.leave()
        changed, self.at = moved.top != at.top, moved
        if changed:
            self._changed()
        return changed

    def leave(self) -> bool:
        """To the live end; whether it was elsewhere."""
        was, self.at = self.at, None
        self._rows.clear()
        if was is not None:
            self._changed()
        return was is not None

    def observe(self, pane: Pane | None) -> None:
        """What tmux says of the pane now."""
        if self.at is None:
            return
        if pane is None or (pane.cols, pane.rows) != self._size:
            self.leave()
        elif self._limit and pane.history != self.at.size:
            self._take(self.at.seen(pane.history, self._limit))

    def _take(self, at: Scrollback | None) -> None:
        if at is None:
            self.leave()
        else:
            self.at = at
            self._changed()

    # -- what is shown --------------------------------------------------------------------------------------

    def line(self, y: int, picture: PaneScreen) -> Line:
        """Row `y` of the view: of the history, or of the screen where that is seen already."""
        assert self.at is not None
        number = self.at.top + y
        if number < self.at.live:
            return self._rows.get(number, ())
        row = number - self.at.live
        return picture.lines[row] if row < len(picture.lines) else ()

    def missing(self) -> tuple[int, int] | None:
        """The first and the last row that has to be fetched, as tmux counts them; None when all are there."""
        at = self.at
        if at is None:
            return None
        first, last = at.top, min(at.top + self._height, at.live) - 1
        if all(number in self._rows for number in range(first, last + 1)):
            return None
        return max(first - MARGIN, at.oldest) - at.live, min(last + MARGIN, at.live - 1) - at.live

    async def fetch(self, client: ControlClient, pane: str, deck_id: str) -> None:
        """Bring what is missing, until nothing is. A pane that is gone shows what it has."""
        from agentdeck.adapters.tmux import history_rows

        tries = 0
        while (wanted := self.missing()) is not None and tries < 3:
            tries += 1
            try:
                found = await history_rows(client, pane, deck_id, *wanted)
            except AgentDeckError as error:
                log.info("no history: %s", error)
                return
            if self.at is None:
                return
            self._limit = found.limit
            at = self.at.seen(found.size, found.limit)
            if at is not None:
                self._keep(at, found.first + at.live, found.rows)
            self._take(at)

    def _keep(self, at: Scrollback, first: int, rows: list[str]) -> None:
        lines = parse(rows)
        if len(self._rows) > KEPT:
            self._rows.clear()
        self._rows |= {first + index: line for index, line in enumerate(lines) if first + index < at.live}
