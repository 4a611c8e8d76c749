"""Notices when agents get in each other's way, while it happens. Costs a few looks at files while nothing changes.

Fed by the meter: whenever that has measured a working tree it says which paths differ there.
Files in common are told at once; merges are tried a few at a time, the longest untried first.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from agentdeck.adapters.database.store import Writer
from agentdeck.models.clock import now_ms
from agentdeck.models.collision import Collision
from agentdeck.services.radar import collisions
from agentdeck.services.radar.collisions import MOST
from agentdeck.services.radar.overlaps import Overlaps
from agentdeck.services.rounds import once
from agentdeck.services.status.monitor import Monitor

log = logging.getLogger("agentdeck.radar")
ROUND_SECONDS = 1.0
SHARE = 0.05  # of the time that passes is spent on looking, over any longer while
SAVED_SECONDS = 1.0  # looking that may be done at once when little was done before


class Budget:
    """How long to rest after looking, so that a burst is free and a lasting load is bounded."""

    def __init__(self) -> None:
        self._left = SAVED_SECONDS

    def rest(self, spent: float, passed: float) -> float:
        """Seconds to wait after `spent` seconds of looking, of the `passed` since the last rest began."""
        self._left = min(SAVED_SECONDS, self._left + passed * SHARE) - spent
        return max(ROUND_SECONDS, -self._left / SHARE)


class Radar:
    """`hear` takes what the meter saw, `run` judges it in rounds. `place` is a scratch directory of its own."""

    def __init__(self, writer: Writer, monitor: Monitor, place: Path) -> None:
        self.writer = writer
        self.monitor = monitor
        self.overlaps = Overlaps(place)
        self._heard: dict[str, tuple[str, ...] | None] = {}
        self._stale: set[str] = set()
        self._agents: frozenset[str] = frozenset()
        self._owed = False
        self._stored: tuple[Collision, ...] | None = None

    def hear(self, agent_id: str, found: Sequence[str] | None) -> None:
        """The paths in which the agent's tree differs from its start; None when that could not be seen."""
        self._heard[agent_id] = None if found is None else tuple(found[:MOST])
        self._stale.add(agent_id)

    async def run(self) -> None:
        """Rounds without end; what cannot be judged now is tried again when something changes."""
        budget, rested = Budget(), time.monotonic()
        while True:
            started = time.monotonic()
            await once(self.round, "looking for collisions", log)
            ended = time.monotonic()
            pause, rested = budget.rest(ended - started, ended - rested), ended
            await asyncio.sleep(pause)

    async def round(self) -> bool:
        """Judge what changed since the last round; whether anything had."""
        agents = {key: agent for key, agent in self.monitor.agents.items() if agent.worktree and not agent.beside}
        moved = await asyncio.to_thread(self.overlaps.moved, list(agents.values()))
        if not (moved or self._stale or self._owed or self._agents != agents.keys()):
            return False
        if self._stored is None:
            self._stored = await self.writer.run(collisions.load)
        stale, self._stale = self._stale | moved, set()
        self._agents = frozenset(agents)
        heard = {key: self._heard.get(key) for key in agents}
        seen = await asyncio.to_thread(self.overlaps.round, agents, heard, stale)
        self._owed = seen.owed
        blind = [key for key, paths in heard.items() if paths is None]
        found = collisions.collided(seen.shared, seen.conflicts, seen.bases, self._stored, blind, now_ms())
        if found != self._stored:
            await self.writer.run(lambda conn: collisions.store(conn, found, now_ms()))
            self._stored = found
        return True
