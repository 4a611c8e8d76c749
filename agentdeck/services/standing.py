"""How agents stand towards the queue, read from the rows: for `task why` and the dashboard."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from agentdeck.harnesses import loader
from agentdeck.services.fleet import AgentRow
from agentdeck.services.queue import Worker

BUSY = """SELECT agent FROM attempts WHERE outcome = 'running'
    UNION SELECT agent FROM deliveries WHERE state IN ('queued', 'pasted', 'submitted')"""


def workers(conn: sqlite3.Connection, fleet: Iterable[AgentRow]) -> list[Worker]:
    """Every agent as the chooser sees it."""
    taken = {row[0] for row in conn.execute(BUSY)}
    return [
        Worker(
            row.agent,
            row.agent.life == "live" and row.status.state == "idle" and row.agent.id not in taken,
            loader.get(row.agent.harness).takes_tasks,
            row.status.state,
        )
        for row in fleet
    ]
