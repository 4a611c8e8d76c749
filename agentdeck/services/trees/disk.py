"""Disk space: what each worktree takes, and the floor under which nothing new starts."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from agentdeck import config, paths
from agentdeck.adapters import space
from agentdeck.adapters.database.store import Writer
from agentdeck.adapters.space import Room
from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.tree import DiskUse
from agentdeck.services import rows
from agentdeck.services.rounds import forever

if TYPE_CHECKING:  # a dashboard that asks for the floor needs no harness files
    from agentdeck.services.status.monitor import Monitor, Report

log = logging.getLogger("agentdeck.disk")
GB = 1_000_000_000
STEP_SECONDS, PAUSE_SECONDS = 0.03, 0.4  # at most so long at a time, and a rest after it
CHANGED_MS, AT_LEAST_MS = 10 * 60_000, 6 * 3_600_000  # between two measures of a tree that changed, of any tree
ROUND_SECONDS = 2.0


# -- the floor


_floor = config.Disk().floor_gb


def floor() -> int:
    """The floor in bytes, 0 when it is off; a config file that cannot be read now changes nothing."""
    global _floor
    try:
        _floor = config.load().disk.floor_gb
    except UsageError:
        log.warning("the config file cannot be read: the disk floor stays at %g GB", _floor)
    return int(_floor * GB)


def shortage(*places: str | Path) -> Room | None:
    """The fullest of the file systems that hold our data and `places`, when it is below the floor. Blocks briefly."""
    least = floor()
    if not least:
        return None
    rooms = [room for place in {paths.data_dir(), *map(Path, places)} if (room := space.room(place)) is not None]
    return min((room for room in rooms if room.free < least), key=lambda room: room.free, default=None)


def require_room(*places: str | Path) -> None:
    """Raise when something new would start on a disk that is nearly full."""
    short = shortage(*places)
    if short is not None:
        raise AgentDeckError(f"the disk is nearly full: {told(short)}", NEXT.format(file=paths.config_file()))


NEXT = (
    "Running agents go on; nothing new starts. `agentdeck show NAME` says what each worktree takes; empty the trash "
    "(`agentdeck trash`), free some space, or lower floor_gb in [disk] of {file}."
)


def told(short: Room) -> str:
    """`/home has 1.2 GB left, and the floor is 2 GB`."""
    return f"{short.mount} has {size(short.free)} left, and the floor is {size(floor())}"


def size(count: int) -> str:
    """Bytes for one glance: 640 kB, 12 MB, 3.4 GB."""
    for unit, name in ((GB, "GB"), (1_000_000, "MB")):
        if count >= unit * 0.9995:
            value = count / unit
            return f"{value:.1f} {name}".replace(".0 ", " ") if value < 100 else f"{value:.0f} {name}"
    return f"{(count + 999) // 1000} kB"


# -- what worktrees take


def load(conn: sqlite3.Connection) -> dict[str, DiskUse]:
    """What is stored, by agent."""
    return {row["agent"]: rows.disk_use(row) for row in conn.execute("SELECT * FROM disk_use")}


def due(agents: Iterable[Agent], known: dict[str, DiskUse], heard: set[str], now: int) -> Agent | None:
    """Whose tree is measured next: never measured, or long ago. A checkout of the human's own is not ours to count."""
    waiting = []
    for agent in agents:
        use = known.get(agent.id)
        age = now - use.at if use is not None else AT_LEAST_MS
        if agent.worktree and not agent.here and age >= (CHANGED_MS if agent.id in heard else AT_LEAST_MS):
            waiting.append((use.at if use else 0, agent.created, agent))
    return min(waiting, key=lambda found: found[:2])[2] if waiting else None


class Gauge:
    """Measures one worktree at a time in short steps, rarely, and stores what it found."""

    def __init__(self, writer: Writer, monitor: Monitor) -> None:
        self.writer = writer
        self.monitor = monitor
        self.known: dict[str, DiskUse] | None = None
        self._heard: set[str] = set()

    def hear(self, report: Report) -> None:
        self._heard |= {*report.changed, *(event.agent for event in report.events)}

    async def run(self) -> None:
        """Rounds without end; a tree that cannot be measured now is measured later."""
        await forever(self.round, ROUND_SECONDS, "measuring a worktree", log)

    async def round(self) -> None:
        if self.known is None:
            self.known = await self.writer.run(load)
        agent = due(list(self.monitor.agents.values()), self.known, self._heard, now_ms())
        if agent is None:
            return
        self._heard.discard(agent.id)
        use = DiskUse(await self._measure(Path(agent.worktree)), now_ms())
        self.known[agent.id] = use
        await self.writer.run(lambda conn: _store(conn, agent.id, use))

    async def _measure(self, tree: Path) -> int:
        steps, total = space.walk(tree), 0
        while True:
            counted, ended = await asyncio.to_thread(_step, steps)
            total = max(total, counted)
            if ended:
                return total
            await asyncio.sleep(PAUSE_SECONDS)


def _step(steps: Iterator[int]) -> tuple[int, bool]:
    deadline, counted = time.monotonic() + STEP_SECONDS, 0
    for counted in steps:
        if time.monotonic() > deadline:
            return counted, False
    return counted, True


def _store(conn: sqlite3.Connection, agent: str, use: DiskUse) -> None:
    if conn.execute("SELECT 1 FROM agents WHERE id = ? AND life != 'removed'", (agent,)).fetchone():
        conn.execute("INSERT OR REPLACE INTO disk_use VALUES (?, ?, ?)", (agent, use.bytes, use.at))
