"""Leases on agents' sizes: taken and given back by zooms, and made true in tmux by whoever of us lives.

Each zoom of an agent that may be resized holds one. The size of a window follows from the leases alone, so
the zoom itself, the engine and every dashboard do the same, and nobody fights. A lease ends when its zoom says so or
its process is gone; it is forgotten only after the size is right.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import fields

from agentdeck import paths
from agentdeck.adapters import processes, tmux
from agentdeck.adapters.database import store
from agentdeck.adapters.database.store import Writer
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.size_lease import Size, SizeLease, WindowSize, sizes
from agentdeck.services import rows

LEASE_FIELDS = tuple(field.name for field in fields(SizeLease))
ROUNDS = 8  # of leases that change under us, until the next settling takes over

Resize = Callable[[Sequence[WindowSize]], Awaitable[None]]
Drop = Callable[[Sequence[SizeLease]], Awaitable[None]]


def hold(agent: Agent, window: str, room: Size) -> None:
    """Take a lease of `room` for this process, or change the one it has. Blocks, like all but `settle`."""
    me = processes.identify(os.getpid())
    columns: dict[str, object] = {
        "agent": agent.id, "pid": os.getpid(), "pid_start": me.start if me else 0.0, "window": window,
        "cols": room[0], "rows": room[1], "own_cols": agent.cols, "own_rows": agent.rows, "taken": now_ms(),
    }  # fmt: skip
    with _writing() as conn:
        rows.insert(conn, "size_leases", columns, verb="INSERT OR REPLACE")


def give_back(agent_id: str) -> None:
    """End the lease that this process has on an agent."""
    with _writing() as conn:
        conn.execute("UPDATE size_leases SET ended = 1 WHERE agent = ? AND pid = ?", (agent_id, os.getpid()))


def read() -> list[SizeLease]:
    """All leases, those that are over and not forgotten yet among them."""
    conn = store.read(paths.database_file())
    if conn is None:
        return []
    with contextlib.closing(conn):
        found = conn.execute("SELECT * FROM size_leases ORDER BY taken, pid").fetchall()
    return [_lease(row) for row in found]


def _lease(row: sqlite3.Row) -> SizeLease:
    return SizeLease(**{name: row[name] for name in LEASE_FIELDS})


def forget(conn: sqlite3.Connection, over: Sequence[SizeLease]) -> None:
    """Drop leases that are over; one that the same process has taken anew stays."""
    conn.executemany(
        "DELETE FROM size_leases WHERE agent = ? AND pid = ? AND taken = ?",
        [(lease.agent, lease.pid, lease.taken) for lease in over],
    )


@contextlib.contextmanager
def _writing() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(store.write(paths.database_file())) as conn, store.transaction(conn):
        yield conn


async def drop_here(over: Sequence[SizeLease]) -> None:
    """Forget leases from a process that is not the engine."""

    def drop() -> None:
        with _writing() as conn:
            forget(conn, over)

    await asyncio.to_thread(drop)


class SizeKeeper:
    """The engine's part: a zoom that was killed is noticed at the next beat."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    async def round(self, client: tmux.ControlClient) -> None:
        """Make all leases true; what tmux cannot do now is for the next beat."""
        from agentdeck.adapters.tmux.sizes import resize

        with contextlib.suppress(tmux.TmuxError):
            await settle(lambda wanted: resize(client, wanted), self._drop)

    async def _drop(self, over: Sequence[SizeLease]) -> None:
        await self.writer.run(lambda conn: forget(conn, over))


async def settle(resize: Resize, drop: Drop = drop_here) -> None:
    """Have every window with a lease its size, then `drop` the leases that are over. What these raise goes on.

    After resizing the leases are looked at again: when they have changed meanwhile, our resize may have come after
    that of whoever changed them. Whoever resizes last has looked last, so the size ends right in any order.
    """
    leases, live = await asyncio.to_thread(_look)
    known = list(leases)
    for _ in range(ROUNDS):
        await resize(sizes(known, live))
        seen, (leases, live) = (leases, live), await asyncio.to_thread(_look)
        if (leases, live) == seen:
            break
        known += leases
    else:
        return
    over = [lease for lease in leases if lease not in live]
    if over:
        await drop(over)


def _look() -> tuple[list[SizeLease], list[SizeLease]]:
    """All leases, and those of them whose zoom still lives."""
    leases = read()
    return leases, [lease for lease in leases if not lease.ended and processes.alive(_holder(lease))]


def _holder(lease: SizeLease) -> processes.Process:
    return processes.Process(lease.pid, lease.pid_start)
