"""How agents stand towards the queue, read from the rows: for `task why`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from agentdeck.harnesses import loader
from agentdeck.services.budgets.budgets import holds
from agentdeck.services.fleet import AgentRow
from agentdeck.services.queue.assignment import Candidate, candidate
from agentdeck.services.queue.dispatcher import TAKEN


def candidates(conn: sqlite3.Connection, fleet: Iterable[AgentRow]) -> list[Candidate]:
    """Every agent as the chooser sees it."""
    taken = {row[0] for row in conn.execute(TAKEN)}
    return [
        candidate(
            row.agent,
            "held" if row.status.state == "idle" and (row.parked or holds(row.budget)) else row.status.state,
            takes_tasks=loader.get(row.agent.harness).takes_tasks,
            leased=row.agent.id in taken,
        )
        for row in fleet
        if not row.agent.beside
    ]
