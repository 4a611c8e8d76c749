"""The rows of `gate_steps`; those that take a connection run inside the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, fields

from agentdeck.models.clock import iso, now_ms
from agentdeck.models.gate import STEPS, GateStep
from agentdeck.services import rows

_FIELDS = tuple(field.name for field in fields(GateStep))


def clear(conn: sqlite3.Connection, task: int, attempt: int) -> None:
    """Forget what an earlier look found: the gate begins anew."""
    conn.execute("DELETE FROM gate_steps WHERE task = ? AND attempt = ?", (task, attempt))


def put(conn: sqlite3.Connection, task: int, attempt: int, step: GateStep) -> None:
    """Write a step as it stands now; its end is an event."""
    columns: dict[str, object] = {"task": task, "attempt": attempt, "n": STEPS.index(step.step), **asdict(step)}
    rows.insert(conn, "gate_steps", columns, verb="INSERT OR REPLACE")
    if step.ended:
        told = {"step": step.step, "state": step.state, "reason": step.reason}
        rows.event(conn, now_ms(), "gate", task=task, attempt=attempt, **told)


def tell(conn: sqlite3.Connection, task: int, attempt: int, output: str) -> None:
    """What the running command printed last."""
    conn.execute(
        "UPDATE gate_steps SET output = ? WHERE task = ? AND attempt = ? AND state = 'running'", (output, task, attempt)
    )


def steps(conn: sqlite3.Connection, task: int) -> dict[int, tuple[GateStep, ...]]:
    """What the gate found, in order, by attempt."""
    found: dict[int, list[GateStep]] = {}
    for row in conn.execute("SELECT * FROM gate_steps WHERE task = ? ORDER BY attempt, n", (task,)):
        found.setdefault(row["attempt"], []).append(GateStep(**{name: row[name] for name in _FIELDS}))
    return {n: tuple(one) for n, one in found.items()}


def step_json(step: GateStep) -> dict[str, object]:
    seconds = round(((step.ended or now_ms()) - step.started) / 1000, 1)
    return {
        "step": step.step, "state": step.state, "reason": step.reason, "started": iso(step.started), "seconds": seconds
    }  # fmt: skip


def verify_json(found: Mapping[str, GateStep]) -> dict[str, object] | None:
    """The verify run of an attempt as `task show --json` prints it."""
    step = found.get("verify")
    if step is None or not step.command:
        return None
    told = step_json(step)
    return {
        "command": step.command, "state": step.state, "exit_code": step.exit_code, "seconds": told["seconds"],
        "output_tail": step.output,
    }  # fmt: skip
