"""What wakes a beat early: a byte on the wake socket, or a hook file in the spool."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

from agentdeck.adapters import files


class Waker:
    """`wait` returns when something happened or the time is up; a lost wake costs one beat, never an event."""

    def __init__(self, path: Path, spool: Path) -> None:
        self.path = path
        self.spool = spool
        self._event = asyncio.Event()
        self._stop = asyncio.Event()
        self._socket: socket.socket | None = None
        self._watch: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self.path.unlink(missing_ok=True)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind(str(self.path))
        self._socket = sock
        asyncio.get_running_loop().add_reader(sock, self._read)
        self._watch = asyncio.create_task(self._watch_spool())

    def _read(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(BlockingIOError):
                while self._socket.recv(64):
                    self._event.set()

    async def _watch_spool(self) -> None:
        async for paths in files.changes(self.spool, self._stop):
            if any(path.rsplit("/", 1)[-1].startswith("e.") for path in paths):
                self._event.set()

    def set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> None:
        # not wait_for: before Python 3.12 it loses a cancellation that comes together with the event
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()

    async def close(self) -> None:
        self._stop.set()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self.path.unlink(missing_ok=True)
