"""Watches attempts that run: an agent that hangs is interrupted, and stopped when that is no help.

What it has done by then is judged by the gate like any other work. Budgets act by themselves.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterable

from agentdeck.adapters.database.store import Writer
from agentdeck.models.clock import now_ms
from agentdeck.models.task import Attempt
from agentdeck.services import rows, settings
from agentdeck.services.queue import task_limits
from agentdeck.services.status.monitor import Monitor


class Overseer:
    """`look` is called on a beat with the attempts that run."""

    def __init__(self, writer: Writer, monitor: Monitor) -> None:
        self.writer = writer
        self.monitor = monitor
        self._asked: dict[tuple[int, int], int] = {}
        self._stopped: set[tuple[int, int]] = set()

    async def look(self, running: Iterable[Attempt]) -> None:
        now, hung_ms = now_ms(), int(settings.current().queue.hung_minutes * 60_000)
        for attempt in list(running):
            key = (attempt.task, attempt.n)
            status = self.monitor.status(attempt.agent)
            verb, why = task_limits.intervene(status, self._asked.get(key, 0), now, hung_ms)
            if not verb or key in self._stopped:
                continue
            if verb == "interrupt":
                self._asked[key] = now
            else:
                self._stopped.add(key)
            change = _asking(attempt, verb, why)
            await self.writer.run(change)


def _asking(attempt: Attempt, verb: str, why: str) -> Callable[[sqlite3.Connection], None]:
    """A request like a human's own, and a line on why."""

    def change(conn: sqlite3.Connection) -> None:
        conn.execute(
            "INSERT INTO requests (id, kind, agent, args, created) VALUES (?, ?, ?, ?, ?)",
            (secrets.token_hex(6), verb, attempt.agent, json.dumps({}), now_ms()),
        )
        rows.event(conn, now_ms(), "queue", attempt.agent, task=attempt.task, state=verb, reason=why)

    return change
