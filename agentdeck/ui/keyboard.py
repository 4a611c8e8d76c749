"""What a human types to one agent: kept in order, sent one after the other, never waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from agentdeck.errors import AgentDeckError
from agentdeck.ui.live import Live


@dataclass(frozen=True, slots=True)
class _Paste:
    text: str


class Keyboard:
    """`trouble` gets one line when keys could not be sent, '' when they can be again.

    Keys that could not be sent are dropped: typed late, they would answer another question.
    """

    def __init__(self, live: Live, pane: str, deck_id: str, trouble: Callable[[str], None]) -> None:
        self._live = live
        self.pane = pane
        self._deck_id = deck_id
        self._trouble = trouble
        self._queue: asyncio.Queue[bytes | str | _Paste] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="keyboard")

    async def stop(self) -> None:
        """Send what was typed already (for a second at most), then end."""
        task, self._task = self._task, None
        if task is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._queue.join()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def press(self, key: str, character: str | None) -> None:
        """One key, as Textual names it."""
        from agentdeck.adapters.tmux import encode

        code = encode(key, character)
        if code:
            self._queue.put_nowait(code)

    def send(self, code: bytes) -> None:
        """Bytes as they are, in their turn."""
        self._queue.put_nowait(code)

    def paste(self, text: str) -> None:
        if text:
            self._queue.put_nowait(_Paste(text))

    async def _run(self) -> None:
        while True:
            item = await self._queue.get()
            taken = 1
            while isinstance(item, bytes) and not self._queue.empty():
                # Bytes typed meanwhile go along; a named key or a paste waits for its turn.
                following = self._queue.get_nowait()
                taken += 1
                if isinstance(following, bytes):
                    item += following
                else:
                    await self._send(item)
                    item = following
            await self._send(item)
            for _ in range(taken):
                self._queue.task_done()

    async def _send(self, item: bytes | str | _Paste) -> None:
        try:
            await self._write(item)
        except (AgentDeckError, OSError) as error:
            self._drop()
            self._trouble(error.title if isinstance(error, AgentDeckError) else str(error))
        else:
            self._trouble("")
            self._live.poke(self.pane)

    async def _write(self, item: bytes | str | _Paste) -> None:
        from agentdeck.adapters import tmux

        client = self._live.client
        if client is None:
            raise AgentDeckError("no connection to tmux: what you type is not sent")
        await tmux.check_writable(client, self.pane, self._deck_id, typing=True)
        if isinstance(item, bytes):
            await tmux.send_bytes(client, self.pane, item)
        elif isinstance(item, str):
            await tmux.send_key(client, self.pane, item)
        else:
            await tmux.paste(client, self._live.socket, self.pane, item.text)

    def _drop(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()
