"""The size of an agent on loan while it is zoomed, and this dashboard's part in keeping all such leases true."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from typing import TYPE_CHECKING

from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.size_lease import Size

if TYPE_CHECKING:
    from agentdeck.ui.live import Live

log = logging.getLogger(__name__)
SOON = 3  # looks at a window within which it gets a new size
EVERY = 0.5  # seconds between looks at the leases, while there are any


async def settle(live: Live) -> None:
    """Make the leases of all zooms true, as far as tmux can be reached now; what fails is the next one's to mend."""
    from agentdeck.adapters.tmux.sizes import resize
    from agentdeck.services import sizes

    client = live.client
    if client is not None:
        try:
            await sizes.settle(lambda wanted: resize(client, wanted))
        except (AgentDeckError, sqlite3.Error, OSError) as error:
            log.info("sizes of zoomed agents: %s", error)


class SizeWatch:
    """Settles while any agent's size is on loan, so that a zoom that was killed is noticed with no engine alive."""

    def __init__(self) -> None:
        self._leases = 0
        self._task: asyncio.Task[None] | None = None

    def hear(self, live: Live | None, leases: int) -> None:
        """How many leases there are now."""
        self._leases = leases
        if leases and live is not None and self._task is None:
            self._task = asyncio.create_task(self._watch(live), name="sizes")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self, live: Live) -> None:
        try:
            while self._leases:
                await settle(live)
                await asyncio.sleep(EVERY)
        finally:
            self._task = None


class SizeLoan:
    """The lease of one zoom. `hold` and `end` may be called at any time and in any order; the last one counts."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._lock = asyncio.Lock()
        self._held: tuple[str, str, Size] | None = None
        self._closed = False
        self._misses = 0

    def short(self, size: Size) -> bool:
        """Whether the agent has less than what is held for it, at several looks in a row."""
        less = self._held is not None and (size[0] < self._held[2][0] or size[1] < self._held[2][1])
        self._misses = self._misses + 1 if less else 0
        return self._misses > SOON

    async def hold(self, agent: Agent, window: str, room: Size) -> None:
        """Have the agent in a window of `room`, as long as this zoom or another one does not end it."""
        from agentdeck.services import sizes

        wanted = (agent.id, window, room)
        async with self._lock:
            if not self._closed and wanted != self._held:
                await asyncio.to_thread(sizes.hold, agent, window, room)
                self._held = wanted
                await settle(self._live)

    async def end(self) -> None:
        """Give the size back, if it is on loan."""
        from agentdeck.services import sizes

        async with self._lock:
            if self._held is not None:
                await asyncio.to_thread(sizes.give_back, self._held[0])
                self._held = None
                await settle(self._live)

    async def close(self) -> None:
        """End for good: what was asked and has not begun is not done any more."""
        self._closed = True
        await self.end()
