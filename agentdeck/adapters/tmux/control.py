"""One long-lived control-mode client: every capture, key and query of a process goes through its pipe.

A process per call costs 8 to 14 times more and blocks the caller. The client is attached with `no-output`: its mere
presence keeps tmux from ever holding back an agent's output for a slow reader, and it never sizes a window.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters.tmux import captures
from agentdeck.adapters.tmux.process import environment, program
from agentdeck.adapters.tmux.protocol import Notice, Parser, Reply, TmuxError, TmuxSilent, command_line

_READ = 1 << 18
_NUMBERS = count()


class _Batch:
    """Commands written together and the replies that came so far. A late reply to nobody is counted all the same."""

    def __init__(self, commands: Sequence[Sequence[str]], sent: float) -> None:
        self.names = [argv[0] for argv in commands]
        self.replies: list[list[str] | TmuxError] = []
        self.sent = sent
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def add(self, reply: Reply) -> None:
        if reply.ok:
            self.replies.append(reply.lines)
        else:
            why = " ".join(reply.lines) or "no reason given"
            self.replies.append(TmuxError(f"tmux refused {self.names[len(self.replies)]}: {why}"))
        if len(self.replies) == len(self.names) and not self.done.done():
            self.done.set_result(None)

    def fail(self, error: TmuxError) -> None:
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # a caller that was cancelled asks no more; asyncio must not complain for it


class ControlClient:
    """A connection to one tmux server. Replies are matched to commands by their order.

    `closed` is set once the server or the client is gone; everything pending has then failed with TmuxError.
    `on_notice`, when set, gets each `%notification` line on the event loop.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.closed = asyncio.Event()
        self.on_notice: Callable[[str], None] | None = None
        self.reaped: set[str] = set()  # dead panes for which rows.REAP was tried
        self._process = process
        self._pending: deque[_Batch] = deque()
        self._last_words = ""
        self._buffer = captures.buffer_name(os.getpid(), next(_NUMBERS))
        self._reader = asyncio.create_task(self._read(), name="tmux-control")

    @classmethod
    async def open(cls, socket: Path, session: str = "deck-hub", *, timeout: float = 10.0) -> ControlClient:
        """Attach to `session` of the server at `socket`. Raises TmuxError when there is none; starts no server."""
        process = await asyncio.create_subprocess_exec(
            *(program(), "-u", "-N", "-S", str(socket), "-f", str(paths.tmux_conf())),
            *("-C", "attach-session", "-t", f"={session}", "-f", "ignore-size,no-output"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment(),
            start_new_session=True,  # Ctrl+C and Ctrl+Z of our terminal are not meant for it
        )
        client = cls(process)
        try:
            names = await client.command("list-buffers", "-F", "#{buffer_name}", timeout=timeout)
            await client.batch([("delete-buffer", "-b", name) for name in captures.left_over(names)])
        except BaseException:
            await client.close()
            raise
        return client

    async def command(self, *argv: str, timeout: float = 10.0) -> list[str]:
        """Run one tmux command; its output lines. Raises TmuxError when tmux refuses it or `timeout` seconds pass."""
        (reply,) = await self.batch([argv], timeout=timeout)
        if isinstance(reply, TmuxError):
            raise reply
        return reply

    async def batch(self, commands: Sequence[Sequence[str]], *, timeout: float = 10.0) -> list[list[str] | TmuxError]:
        """Run `commands` in order, written in one go: for each its output lines, or the TmuxError it met.

        Raises TmuxError when a command cannot be written (then none is), the server goes away, or no answer comes
        within `timeout` seconds. Commands that were written may still be carried out later.
        """
        if not commands:
            return []
        written = captures.expand(commands, self._buffer)
        lines = b"".join(map(command_line, written))
        self._check_writable(timeout)
        batch = _Batch(written, time.monotonic())
        self._pending.extend([batch] * len(written))
        try:
            async with asyncio.timeout(timeout):
                assert self._process.stdin is not None
                self._process.stdin.write(lines)
                await batch.done
        except TimeoutError:
            raise TmuxSilent(batch.names[0], timeout) from None
        return captures.collapse(commands, batch.replies)

    async def close(self) -> None:
        """Leave the server. Ends the client by the end of its input; a client that ignores that is terminated."""
        if self._process.stdin is not None:
            if not self.closed.is_set():
                self._process.stdin.write(command_line(("delete-buffer", "-b", self._buffer)))
            self._process.stdin.close()
        try:
            async with asyncio.timeout(2.0):
                await asyncio.shield(self._reader)
        except TimeoutError:
            if self._process.returncode is None:
                self._process.kill()
        await self._reader
        await self._process.wait()

    def _check_writable(self, timeout: float) -> None:
        if self.closed.is_set():
            raise self._gone()
        # Nothing more is queued for a server that stopped answering: it would all be carried out when it wakes.
        if self._pending and (waited := time.monotonic() - self._pending[0].sent) > max(timeout, 1.0):
            raise TmuxSilent(self._pending[0].names[0], waited)

    def _gone(self) -> TmuxError:
        reason = f": {self._last_words}" if self._last_words else ""
        return TmuxError(f"The connection to tmux is closed{reason}", "Any agentdeck command starts the server again.")

    async def _read(self) -> None:
        """Hand every reply to its command until the stream ends. Reads on after a caller gave up: an unread pipe
        would keep the client from ever ending."""
        assert self._process.stdout is not None
        parser = Parser()
        try:
            while data := await self._process.stdout.read(_READ):
                for item in parser.feed(data):
                    self._take(item)
        finally:
            self.closed.set()
            while self._pending:
                self._pending.popleft().fail(self._gone())

    def _take(self, item: Reply | Notice) -> None:
        if isinstance(item, Reply):
            if self._pending:
                self._pending.popleft().add(item)
        elif item.text.startswith("%"):
            if item.text.startswith("%exit "):
                self._last_words = item.text[6:]
            if self.on_notice is not None:
                self.on_notice(item.text)
        else:
            self._last_words = item.text
