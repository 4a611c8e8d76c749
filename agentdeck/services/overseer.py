"""Watches attempts that run: one that is over its budget, or hangs, is interrupted, then stopped if that is no help.

What the agent has done by then is judged by the gate like any other work.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable

from agentdeck.adapters.database.store import Writer
from agentdeck.models.clock import now_ms
from agentdeck.models.spec import Spec
from agentdeck.models.task import Attempt
from agentdeck.services import queue, rows, settings, specs, task_limits
from agentdeck.services.monitor import Monitor

LOOK_MS = 1_000


class Overseer:
    """`look` is called on a beat with the attempts that run."""

    def __init__(self, writer: Writer, monitor: Monitor) -> None:
        self.writer = writer
        self.monitor = monitor
        self._asked: dict[tuple[int, int], int] = {}
        self._stopped: set[tuple[int, int]] = set()
        self._specs: dict[str, Spec] = {}
        self._looked = 0

    async def look(self, running: Iterable[Attempt]) -> None:
        now = now_ms()
        if now - self._looked < LOOK_MS:
            return
        self._looked = now
        for attempt in list(running):
            if attempt.agent in self.monitor.agents:
                await self._look_at(attempt, now)

    async def _look_at(self, attempt: Attempt, now: int) -> None:
        key = (attempt.task, attempt.n)
        budget = (await self._spec(attempt.spec_version)).budget
        used = await self.writer.run(lambda conn: task_limits.spent(conn, attempt.task, now))
        over = task_limits.exhausted(budget, used, turns=False)
        hung_ms = int(settings.current().queue.hung_minutes * 60_000)
        status = self.monitor.status(attempt.agent)
        verb, why = task_limits.intervene(status, over, self._asked.get(key, 0), now, hung_ms)
        if not verb or key in self._stopped:
            return
        if verb == "interrupt":
            self._asked[key] = now
        else:
            self._stopped.add(key)
        await self.writer.run(lambda conn: _ask(conn, attempt, verb, why))

    async def _spec(self, version: str) -> Spec:
        if version not in self._specs:
            text = await self.writer.run(lambda conn: queue.text(conn, version))
            self._specs[version] = specs.stored(text)
        return self._specs[version]


def _ask(conn: sqlite3.Connection, attempt: Attempt, verb: str, why: str) -> None:
    """A request like a human's own, and a line on why."""
    conn.execute(
        "INSERT INTO requests (id, kind, agent, args, created) VALUES (?, ?, ?, ?, ?)",
        (secrets.token_hex(6), verb, attempt.agent, json.dumps({}), now_ms()),
    )
    rows.event(conn, now_ms(), "queue", attempt.agent, task=attempt.task, state=verb, reason=why)
