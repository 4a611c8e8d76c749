"""Takes in what clients tell their statusline command: limits, context, cache and their own cost, as it changes."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters.database.store import Writer
from agentdeck.harnesses import loader
from agentdeck.harnesses.readers import statusline
from agentdeck.models.agent import Agent
from agentdeck.models.vitals import Vitals, Warmth
from agentdeck.services.usage import usage_limits, usage_totals
from agentdeck.services.usage.usage_owner import Owners
from agentdeck.services.usage.usage_store import Quotes

FILE = "statusline.json"
LARGEST = 1 << 20

_CONTEXT = """INSERT INTO context (agent, used_tokens, window_tokens, at) VALUES (?, ?, ?, ?)
    ON CONFLICT (agent) DO UPDATE
    SET used_tokens = excluded.used_tokens, window_tokens = excluded.window_tokens, at = excluded.at
    WHERE excluded.at >= context.at"""
_WARMTH = """INSERT OR REPLACE INTO cache_warmth (agent, warm, expires_at, hit_ratio, recache_tokens, at)
    VALUES (?, ?, ?, ?, ?, ?)"""


@dataclass
class VitalsWatch:
    """A look costs a stat for each living agent whose client has a statusline."""

    writer: Writer
    _stamps: dict[str, int] = field(default_factory=dict)

    async def look(self, agents: Sequence[Agent], quotes: Quotes) -> set[str]:
        """Take in what is new. Returns the ids of the agents concerned."""
        told = await asyncio.to_thread(self._new, agents)
        if told:
            await self.writer.run(lambda conn: store(conn, told, quotes))
        return {agent for agent, _ in told}

    def _new(self, agents: Sequence[Agent]) -> list[tuple[str, Vitals]]:
        found = []
        for agent in agents:
            harness = loader.get(agent.harness)
            read = statusline(harness.transcript.reader) if harness.start.statusline_from else None
            file = paths.spool_dir(agent.id) / FILE
            if read is not None and agent.life == "live" and (data := self._data(file)) is not None:
                found.append((agent.id, read(data, self._stamps[str(file)] // 1_000_000)))
        return [(agent, vitals) for agent, vitals in found if vitals.at]

    def _data(self, file: Path) -> bytes | None:
        """The file when it has changed since the last look; None otherwise, and while it cannot be read."""
        try:
            stamp = os.stat(file).st_mtime_ns
            if self._stamps.get(str(file)) == stamp:
                return None
            with open(file, "rb") as opened:
                data = opened.read(LARGEST)
        except OSError:
            return None
        self._stamps[str(file)] = stamp
        return data


def store(conn: sqlite3.Connection, told: Sequence[tuple[str, Vitals]], quotes: Quotes) -> None:
    """Keep what clients told, each with its agent (id)."""
    owners = Owners(conn)
    for agent, vitals in told:
        usage_limits.keep(conn, [(agent, limit) for limit in vitals.limits])
        if vitals.used_tokens and vitals.window_tokens:
            conn.execute(_CONTEXT, (agent, vitals.used_tokens, vitals.window_tokens, vitals.at))
        if vitals.warm is not None:
            ratio, again = vitals.hit_ratio, vitals.recache_tokens
            conn.execute(_WARMTH, (agent, vitals.warm, vitals.cold_at, ratio, again, vitals.at))
        if vitals.total is not None:
            usage_totals.keep(conn, [vitals.total])
            usage_totals.reconcile(conn, [(vitals.total.harness, vitals.total.session)], owners, quotes)


def warmth(conn: sqlite3.Connection) -> dict[str, Warmth]:
    """The prompt cache of each agent that told of it, by id."""
    query = "SELECT agent, warm, expires_at, hit_ratio, recache_tokens, at FROM cache_warmth"
    return {row[0]: Warmth(bool(row[1]), row[2], row[3], row[4], row[5]) for row in conn.execute(query)}
