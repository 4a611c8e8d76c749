"""The engine's control client, opened again whenever it is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agentdeck.adapters import tmux

PAUSE_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0)


class Link:
    """`client` gives the live control client or None; `server_gone` is set only when the server is known to be dead."""

    def __init__(self, socket: Path, conf: Path) -> None:
        self.socket = socket
        self.conf = conf
        self.server_gone = False
        self._client: tmux.ControlClient | None = None
        self._failures = 0
        self._next_try = 0.0

    async def client(self) -> tmux.ControlClient | None:
        if self._client is not None and not self._client.closed.is_set():
            return self._client
        now = asyncio.get_running_loop().time()
        if now < self._next_try:
            return None
        self._client = None
        try:
            if not await asyncio.to_thread(tmux.server_alive, self.socket):
                self.server_gone = True
                self._later(now)
                return None
            self._client = await tmux.ControlClient.open(self.socket)
        except tmux.TmuxError:
            self._later(now)
            return None
        self.server_gone = False
        self._failures = 0
        return self._client

    def _later(self, now: float) -> None:
        self._next_try = now + PAUSE_SECONDS[min(self._failures, len(PAUSE_SECONDS) - 1)]
        self._failures += 1

    async def ensure(self) -> None:
        """Start our tmux server when it is not alive (a foreground engine may outlive it)."""
        await asyncio.to_thread(tmux.ensure_server, self.socket, self.conf)
        self.server_gone = False
        self._next_try = 0.0

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
