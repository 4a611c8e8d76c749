"""Who is the engine: a file lock, a heartbeat and an epoch.

The lock alone is not enough: a process stopped by SIGSTOP keeps it. So the holder also
beats once a second, and one that has not for STALE_MS is replaced by raising the epoch:
every write of an engine is conditional on its epoch, so the old one, when it wakes, can
change nothing and ends.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from agentdeck import __version__, paths
from agentdeck.adapters import processes
from agentdeck.adapters.database import store
from agentdeck.adapters.database.store import Writer
from agentdeck.models.clock import now_ms
from agentdeck.services import rows
from agentdeck.services.fleet import STALE_MS


@dataclass(frozen=True, slots=True)
class Holder:
    """The engine row: who beat last, and how long ago in ms."""

    epoch: int
    pid: int
    pid_start: float
    age_ms: int

    @property
    def stale(self) -> bool:
        return self.age_ms >= STALE_MS


class EngineLock:
    """Held by one engine at a time. `take` says whether we are it."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self._file: IO[str] | None = None

    async def take(self) -> bool:
        """Become the engine: True when the lock was free, or its holder stale and now replaced."""
        locked = self._flock()
        holder = await self.writer.run(_holder)
        lives = processes.alive(processes.Process(holder.pid, holder.pid_start))
        if not holder.stale and (lives or not locked):
            # Without the lock: the holder starts up or ends, its own beat will tell. With it: the holder
            # replaced a stale one, which has just let go of the file.
            self.release()
            return False
        epoch = await self.writer.run(lambda conn: _raise_epoch(conn, holder, replaced=not locked))
        if epoch is None:
            self.release()
            return False
        self.writer.epoch = epoch
        return True

    def _flock(self) -> bool:
        paths.make_private(paths.state_dir())
        self._file = open(paths.engine_lock(), "a+")  # noqa: SIM115 - held for the life of the process
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    async def beat(self, also: Callable[[sqlite3.Connection], object] = lambda conn: None) -> None:
        """Say that we live, and do `also` in the same commit; raises EpochLost when another has taken over."""

        def change(conn: sqlite3.Connection) -> None:
            conn.execute("UPDATE engine SET heartbeat = ?", (now_ms(),))
            also(conn)

        await self.writer.run(change)
        if self._file is not None:
            try:  # a replacer takes the file lock once the stale holder is gone
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return

    async def leave(self) -> None:
        """An orderly end: nobody needs to wait for our heartbeat to grow old."""
        try:
            await self.writer.run(lambda conn: conn.execute("UPDATE engine SET heartbeat = 0, pid = 0"))
        except store.EpochLost:
            pass
        self.release()

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _holder(conn: sqlite3.Connection) -> Holder:
    row = conn.execute("SELECT * FROM engine").fetchone()
    return Holder(row["epoch"], row["pid"], row["pid_start"], now_ms() - row["heartbeat"])


def _raise_epoch(conn: sqlite3.Connection, seen: Holder, *, replaced: bool) -> int | None:
    """The new epoch, or None when somebody else was quicker."""
    now = now_ms()
    me = processes.identify(os.getpid())
    done = conn.execute(
        "UPDATE engine SET epoch = epoch + 1, pid = ?, pid_start = ?, heartbeat = ?, started = ?, version = ? "
        "WHERE epoch = ?",
        (os.getpid(), me.start if me else 0.0, now, now, __version__, seen.epoch),
    )
    if done.rowcount != 1:
        return None
    if replaced:
        rows.event(conn, now, "engine", action="replaced", pid=seen.pid, silent_ms=seen.age_ms)
    rows.event(conn, now, "engine", action="start", pid=os.getpid(), epoch=seen.epoch + 1)
    return seen.epoch + 1
