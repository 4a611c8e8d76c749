"""Tasks as scripts read them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from agentdeck.models.clock import iso
from agentdeck.models.gate import GateStep
from agentdeck.models.task import Attempt, Task
from agentdeck.models.usage import Tokens
from agentdeck.services.fleet import UsageSum, usage_json
from agentdeck.services.gate import gate_rows

_SUM = (
    "SUM(input), SUM(cache_read), SUM(cache_write_5m), SUM(cache_write_1h), SUM(output), SUM(reasoning), "
    "SUM(messages) messages, SUM(cost) cost, SUM(unpriced_tokens) unpriced"
)


def as_json(conn: sqlite3.Connection, found: Task) -> dict[str, object]:
    """One task as `task show --json` prints it. `agent` is who has it, or had it last, or must take it; by name."""
    names: dict[str, str] = dict(conn.execute("SELECT id, name FROM agents").fetchall())
    query = f"SELECT attempt, {_SUM} FROM usage_rollup WHERE task = ? GROUP BY attempt"
    used = {row["attempt"]: UsageSum(Tokens(*row[1:7]), *row[7:]) for row in conn.execute(query, (found.id,))}
    last = found.attempts[-1].agent if found.attempts else found.agent
    checked = gate_rows.steps(conn, found.id)
    needs = conn.execute("SELECT needs FROM task_depends WHERE task = ? ORDER BY needs", (found.id,))
    return {
        "id": found.id, "title": found.title, "state": found.state, "reason": found.reason, "priority": found.priority,
        "depends_on": [row["needs"] for row in needs], "agent": names.get(last, last) or None,
        "spec_version": found.spec_version,
        "attempts": [_attempt_json(attempt, names, used, checked.get(attempt.n, ())) for attempt in found.attempts],
    }  # fmt: skip


def _attempt_json(
    attempt: Attempt, names: Mapping[str, str], used: Mapping[int, UsageSum], steps: Sequence[GateStep]
) -> dict[str, object]:
    return {
        "n": attempt.n, "agent": names.get(attempt.agent, attempt.agent), "harness": attempt.harness,
        "model": attempt.model, "started": iso(attempt.started), "ended": iso(attempt.ended) or None,
        "outcome": attempt.outcome, "reason": attempt.reason, "branch": attempt.branch,
        "verify": gate_rows.verify_json({step.step: step for step in steps}),
        "gate": [gate_rows.step_json(step) for step in steps],
        "usage": usage_json(used.get(attempt.n, UsageSum())),
    }  # fmt: skip
