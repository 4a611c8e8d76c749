"""The task queue: rows, transitions and the choice of who works on what.

Functions over a connection run inside the caller's transaction; `choose` and `why` are pure.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, fields

from agentdeck.errors import AgentDeckError, TryAgain, UsageError
from agentdeck.models.agent import Agent
from agentdeck.models.clock import iso, now_ms
from agentdeck.models.spec import Spec
from agentdeck.models.task import Attempt, Outcome, Task, TaskState
from agentdeck.services import rows
from agentdeck.services.fleet import USAGE_SUM, usage_json, usage_sum

OPEN: tuple[TaskState, ...] = ("queued", "blocked", "running", "verifying")

# What an attempt's end makes of its task. A text that was refused never reached the agent: the task waits again.
AFTER: dict[Outcome, TaskState] = {
    "ended": "review", "passed": "review", "flagged": "review", "failed": "failed", "refused": "queued",
    "limited": "queued", "died": "failed", "rejected": "failed", "cancelled": "cancelled",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Worker:
    """An agent as the chooser sees it. `free`: fresh idle, no lease, no open delivery, composer not in use."""

    agent: Agent
    free: bool
    takes_tasks: bool
    state: str


@dataclass(frozen=True, slots=True)
class Choice:
    task: int
    agent: str


def add(conn: sqlite3.Connection, spec: Spec, repo: str, *, priority: int = 0, agent: str = "", text: str = "") -> int:
    """Queue a spec that a human dispatched, which approves that very content; returns the task's id."""
    conn.execute(
        "INSERT INTO specs (version, path, text, approved_by, created) VALUES (?, ?, ?, 'human', ?) "
        "ON CONFLICT (version) DO UPDATE SET approved_by = 'human'",
        (spec.version, spec.path, text or spec.body, now_ms()),
    )
    done = conn.execute(
        "INSERT INTO tasks (title, state, spec_version, repo, priority, base, harness, model, agent, verify, created) "
        "VALUES (?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (spec.title, spec.version, repo, priority, spec.base, spec.harness, spec.model, agent or spec.agent, spec.verify, now_ms()),
    )
    task = int(done.lastrowid or 0)
    rows.event(conn, now_ms(), "task", action="queued", task=task, title=spec.title)
    return task


def _attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(**{field.name: row[field.name] for field in fields(Attempt)})


def _task(conn: sqlite3.Connection, row: sqlite3.Row) -> Task:
    tries = conn.execute("SELECT * FROM attempts WHERE task = ? ORDER BY n", (row["id"],))
    values = {field.name: row[field.name] for field in fields(Task) if field.name != "attempts"}
    return Task(**values, attempts=tuple(_attempt(one) for one in tries))


def tasks(conn: sqlite3.Connection, states: Sequence[str] = ()) -> list[Task]:
    """Tasks in the order they were queued; only those in `states` when given."""
    marks = ", ".join("?" * len(states))
    where = f"WHERE state IN ({marks})" if states else ""
    return [_task(conn, row) for row in conn.execute(f"SELECT * FROM tasks {where} ORDER BY id", tuple(states)).fetchall()]


def find(conn: sqlite3.Connection | None, task: int) -> Task:
    row = None if conn is None else conn.execute("SELECT * FROM tasks WHERE id = ?", (task,)).fetchone()
    if row is None or conn is None:
        raise UsageError(f"there is no task {task}", "`agentdeck task ls` lists them.")
    return _task(conn, row)


def body(conn: sqlite3.Connection, version: str) -> str:
    """The text that is delivered for a spec version."""
    return str(conn.execute("SELECT text FROM specs WHERE version = ?", (version,)).fetchone()[0])


def _fits(task: Task, worker: Worker) -> bool:
    agent = worker.agent
    if task.agent:
        return task.agent in (agent.name, agent.id) and agent.repo == task.repo
    if not worker.takes_tasks or agent.repo != task.repo or agent.here:
        return False
    if task.harness and task.harness != agent.harness:
        return False
    return not task.model or task.model == agent.model


def choose(waiting: Sequence[Task], workers: Sequence[Worker]) -> list[Choice]:
    """Which queued task goes to which free agent: by priority, then age; a named agent waits for nobody else."""
    free = [worker for worker in workers if worker.free]
    chosen: list[Choice] = []
    for task in sorted(waiting, key=lambda task: (-task.priority, task.id)):
        if task.state != "queued":
            continue
        worker = next((worker for worker in free if _fits(task, worker)), None)
        if worker is not None:
            free.remove(worker)
            chosen.append(Choice(task.id, worker.agent.id))
    return chosen


def why(task: Task, workers: Sequence[Worker]) -> str:
    """One line: why this task does not run now."""
    if task.state != "queued":
        return f"it is {task.state}" + (f": {task.reason}" if task.reason else "")
    fitting = [worker for worker in workers if _fits(task, worker)]
    if not fitting:
        wanted = [f"agent {task.agent}"] if task.agent else [f"{k} {v}" for k, v in (("harness", task.harness), ("model", task.model)) if v]
        return f"no agent fits: it needs {' and '.join(wanted) or 'an agent that takes tasks'} in {task.repo}"
    if any(worker.free for worker in fitting):
        return "it goes to the next free agent at once"
    return "waits for " + ", ".join(f"{w.agent.name} ({w.state})" for w in fitting)


def lease(conn: sqlite3.Connection, task: Task, agent: Agent) -> Attempt:
    """Bind a queued task to an agent; TryAgain when either is taken already."""
    changed = conn.execute("UPDATE tasks SET state = 'running', reason = '' WHERE id = ? AND state = 'queued'", (task.id,))
    if changed.rowcount != 1:
        raise TryAgain(f"task {task.id} is no longer queued", "")
    n = 1 + max((attempt.n for attempt in task.attempts), default=0)
    try:
        conn.execute(
            "INSERT INTO attempts (task, n, agent, harness, model, session, spec_version, started) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (task.id, n, agent.id, agent.harness, agent.model, agent.session, task.spec_version, now_ms()),
        )
    except sqlite3.IntegrityError as error:
        raise TryAgain(f"'{agent.name}' has a task already", "") from error
    rows.event(conn, now_ms(), "task", agent.id, action="leased", task=task.id, attempt=n)
    return _attempt(conn.execute("SELECT * FROM attempts WHERE task = ? AND n = ?", (task.id, n)).fetchone())


def running(conn: sqlite3.Connection) -> list[Attempt]:
    return [_attempt(row) for row in conn.execute("SELECT * FROM attempts WHERE outcome = 'running' ORDER BY started")]


def note(conn: sqlite3.Connection, task: int, n: int, **facts: object) -> None:
    """Record facts about a running attempt: branch, base_oid, delivery."""
    sets = ", ".join(f"{name} = ?" for name in facts)
    conn.execute(f"UPDATE attempts SET {sets} WHERE task = ? AND n = ?", (*facts.values(), task, n))


def finish(conn: sqlite3.Connection, attempt: Attempt, outcome: Outcome, reason: str = "", head_oid: str = "") -> TaskState:
    """End an attempt and move its task on; what it was stays on record."""
    now = now_ms()
    changed = conn.execute(
        "UPDATE attempts SET outcome = ?, reason = ?, head_oid = ?, ended = ? WHERE task = ? AND n = ? AND outcome = 'running'",
        (outcome, reason, head_oid, now, attempt.task, attempt.n),
    )
    state = AFTER.get(outcome, "failed")
    if changed.rowcount != 1:
        return state
    if outcome == "refused" and attempt.n >= MOST_REFUSALS:
        state = "failed"
    conn.execute("UPDATE tasks SET state = ?, reason = ? WHERE id = ?", (state, reason, attempt.task))
    rows.event(conn, now, "task", attempt.agent, action=outcome, task=attempt.task, attempt=attempt.n, reason=reason, state=state)
    return state


MOST_REFUSALS = 5  # a text that is refused this often is not tried again without a human


def cancel(conn: sqlite3.Connection, task: Task) -> None:
    """Take a task out of the queue; a running attempt is only let go, its agent is not touched."""
    if task.state not in OPEN:
        raise AgentDeckError(f"task {task.id} is {task.state} already", "Only an open task can be cancelled.")
    for attempt in task.attempts:
        if attempt.outcome == "running":
            finish(conn, attempt, "cancelled", "cancelled by a human")
    conn.execute("UPDATE tasks SET state = 'cancelled', reason = 'cancelled by a human' WHERE id = ?", (task.id,))


def retry(conn: sqlite3.Connection, task: Task) -> None:
    """Queue a finished task again: a new attempt, the old ones stay on record."""
    if task.state in OPEN or task.state in ("accepted", "landed"):
        raise AgentDeckError(f"task {task.id} is {task.state}", "Only a failed, cancelled or reviewed task can be tried again.")
    conn.execute("UPDATE tasks SET state = 'queued', reason = '' WHERE id = ?", (task.id,))
    rows.event(conn, now_ms(), "task", action="retry", task=task.id)


def as_json(conn: sqlite3.Connection, task: Task) -> dict[str, object]:
    """One row of `task ls --json`, the whole of `task show --json`."""
    needs = [row[0] for row in conn.execute("SELECT needs FROM task_depends WHERE task = ?", (task.id,))]
    return {
        "id": task.id, "title": task.title, "state": task.state, "priority": task.priority, "depends_on": needs,
        "agent": _agent_name(conn, task), "spec_version": task.spec_version, "reason": task.reason,
        "attempts": [_attempt_json(conn, attempt) for attempt in task.attempts],
    }  # fmt: skip


def _agent_name(conn: sqlite3.Connection, task: Task) -> str | None:
    if not task.attempts:
        return task.agent or None
    row = conn.execute("SELECT name FROM agents WHERE id = ?", (task.attempts[-1].agent,)).fetchone()
    return row[0] if row else task.attempts[-1].agent


def _attempt_json(conn: sqlite3.Connection, attempt: Attempt) -> dict[str, object]:
    spent = conn.execute(
        f"SELECT {USAGE_SUM} FROM usage_rollup WHERE task = ? AND attempt = ?", (attempt.task, attempt.n)
    ).fetchone()
    name = conn.execute("SELECT name FROM agents WHERE id = ?", (attempt.agent,)).fetchone()
    return {
        "n": attempt.n, "agent": name[0] if name else attempt.agent, "harness": attempt.harness, "model": attempt.model,
        "started": iso(attempt.started), "ended": iso(attempt.ended), "outcome": attempt.outcome, "reason": attempt.reason,
        "branch": attempt.branch, "head": attempt.head_oid, "verify": None, "usage": usage_json(usage_sum(spent)),
    }  # fmt: skip
