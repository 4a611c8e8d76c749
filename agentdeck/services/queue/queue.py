"""The task queue: rows of `specs`, `tasks` and `attempts`. `assignment` holds what is pure of it.

Functions that take a connection change rows inside the caller's transaction (`Writer.run`);
nothing is kept in memory, so any engine can go on where another ended.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from typing import cast

from agentdeck.errors import AgentDeckError, TryAgain, UsageError
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.spec import Spec
from agentdeck.models.task import Attempt, Outcome, Task, TaskState
from agentdeck.services import rows
from agentdeck.services.budgets import budget_rows
from agentdeck.services.delivery import deliveries
from agentdeck.services.queue import dependencies
from agentdeck.services.queue.assignment import Candidate, Choice, Rules, candidate, choose, fits, state_after, why
from agentdeck.services.queue.queue_json import as_json

__all__ = [
    "OPEN", "Candidate", "Choice", "accept", "add", "add_all", "approve", "approved", "as_json", "cancel", "candidate",
    "carry_on", "check", "choose", "prioritise", "ready", "revise",
    "finish", "fits", "give_up", "landed",
    "lease", "open_counts", "reject", "retry", "running", "set_branch", "set_delivery",
    "state_after", "task", "tasks", "text", "waiting", "why",
]  # fmt: skip

OPEN: tuple[TaskState, ...] = ("queued", "running", "verifying")  # `run --until-empty` waits for these
_TASK_FIELDS = tuple(f.name for f in fields(Task) if f.name != "attempts")
_ATTEMPT_FIELDS = tuple(f.name for f in fields(Attempt))


# Reading


def tasks(conn: sqlite3.Connection, *, repo: str = "", states: Collection[str] = ()) -> list[Task]:
    """The queue with its attempts, oldest task first; of one repository, in some states, or all."""
    query, words = "SELECT * FROM tasks WHERE 1", []
    if repo:
        query, words = f"{query} AND repo = ?", [repo]
    if states:
        query, words = f"{query} AND state IN ({', '.join('?' * len(states))})", [*words, *states]
    found = conn.execute(f"{query} ORDER BY id", words).fetchall()
    tried: dict[int, list[Attempt]] = {}
    for row in conn.execute("SELECT * FROM attempts ORDER BY task, n"):
        tried.setdefault(row["task"], []).append(_attempt(row))
    return [_task(row, tried.get(row["id"], [])) for row in found]


def waiting(conn: sqlite3.Connection, repos: Collection[str]) -> list[Task]:
    """Queued tasks of these repositories, without their attempts."""
    marks = ", ".join("?" * len(repos))
    found = conn.execute(f"SELECT * FROM tasks WHERE state = 'queued' AND repo IN ({marks})", tuple(repos))
    return [_task(row, ()) for row in found]


def ready(conn: sqlite3.Connection, rules: Rules, held: Collection[int], most: int = 100) -> list[Task]:
    """Queued tasks that nothing but an agent is missing for, and that no agent is named for, in their order."""
    query = "SELECT * FROM tasks WHERE state = 'queued' AND agent = '' ORDER BY priority DESC, id LIMIT ?"
    found = [_task(row, ()) for row in conn.execute(query, (most,))]
    bound = rules.waits.keys() | set(held)
    return [one for one in found if one.id not in bound and f"spec {one.spec_version}" not in rules.paused]


def task(conn: sqlite3.Connection, task_id: int) -> Task:
    """One task; raises UsageError when there is none."""
    row = conn.execute("SELECT * FROM tasks WHERE id = ?", (task_id,)).fetchone()
    if row is None:
        raise UsageError(f"there is no task {task_id}", "`agentdeck task ls` lists them.")
    tried = conn.execute("SELECT * FROM attempts WHERE task = ? ORDER BY n", (task_id,))
    return _task(row, [_attempt(found) for found in tried])


def _task(row: sqlite3.Row, attempts: Sequence[Attempt]) -> Task:
    return Task(**{name: row[name] for name in _TASK_FIELDS}, attempts=tuple(attempts))


def _attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(**{name: row[name] for name in _ATTEMPT_FIELDS})


def open_counts(conn: sqlite3.Connection, repo: str = "") -> dict[str, int]:
    """How many tasks are in each of the states in OPEN (0 included)."""
    query = "SELECT state, COUNT(*) FROM tasks WHERE (repo = ? OR ? = '') GROUP BY state"
    found: dict[str, int] = dict(conn.execute(query, (repo, repo)).fetchall())
    return {state: found.get(state, 0) for state in OPEN}


def running(conn: sqlite3.Connection) -> list[Attempt]:
    """Attempts that hold an agent, oldest first: what a new engine has to go on with."""
    return [_attempt(row) for row in conn.execute("SELECT * FROM attempts WHERE outcome = 'running' ORDER BY started")]


def text(conn: sqlite3.Connection, version: str) -> str:
    """The whole text of a spec as it was when it was added; `specs.parse` finds the body in it."""
    row = conn.execute("SELECT text FROM specs WHERE version = ?", (version,)).fetchone()
    if row is None:
        raise AgentDeckError(f"the text of spec {version[:12]} is not in the database", "Add the spec again.")
    return row["text"]


# Changing


def add(
    conn: sqlite3.Connection,
    spec: Spec,
    repo: str,
    *,
    priority: int = 0,
    agent: str = "",
    approved_by: str = "human",
    added: Mapping[str, int] | None = None,
) -> int:
    """Put a spec in the queue of `repo`; returns the task's id.

    `agent` (a name or id) binds it to one agent, whatever the spec says. With `approved_by` '' nobody has read it: it
    is blocked until a human approves that text, unless one did before. `added`: specs added with it, path -> task.
    """
    now, taker = now_ms(), agent or spec.agent
    _keep(conn, spec, approved_by, now)
    needs = dependencies.resolve(conn, spec, repo, added or {})
    made = conn.execute(
        "INSERT INTO tasks (title, state, spec_version, repo, priority, base, harness, model, agent, verify, niche, "
        "team, path, max_attempts, keep_going, created) VALUES (?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            spec.title, spec.version, repo, priority or spec.priority, spec.base, spec.harness, spec.model, taker,
            spec.verify, spec.niche, spec.team, spec.path, spec.max_attempts, int(spec.keep_going), now,
        ),
    )  # fmt: skip
    key = made.lastrowid or 0
    budget_rows.of_spec(conn, key, spec)
    dependencies.link(conn, key, needs)
    rows.event(conn, now, "task", task=key, state="queued", title=spec.title, path=spec.path)
    _stand(conn, key)
    return key


def add_all(
    conn: sqlite3.Connection, specs: Sequence[Spec], repo: str, *, priority: int = 0, agent: str = ""
) -> list[int]:
    """Put several specs in the queue, which may depend on each other; the ids in the order of `specs`."""
    added: dict[str, int] = {}
    ids: dict[int, int] = {}
    for place in dependencies.order(specs, repo):
        spec = specs[place]
        ids[place] = add(conn, spec, repo, priority=priority, agent=agent, added=added)
        if spec.path:
            added[spec.path] = ids[place]
    return [ids[place] for place in range(len(specs))]


def revise(conn: sqlite3.Connection, task_id: int, spec: Spec, *, approved_by: str = "human") -> None:
    """A new version of a task's spec. An attempt that runs keeps its own; what has ended badly is queued again."""
    found = task(conn, task_id)
    if found.state in ("accepted", "landed"):
        raise UsageError(f"task {task_id} is {found.state}", "Add the new text as a task of its own.")
    _keep(conn, spec, approved_by, now_ms())
    dependencies.link(conn, task_id, dependencies.resolve(conn, spec, found.repo, {}))
    rows.update(
        conn, "tasks", "id", task_id, title=spec.title, spec_version=spec.version, base=spec.base,
        harness=spec.harness, model=spec.model, agent=spec.agent or found.agent, verify=spec.verify, niche=spec.niche,
        team=spec.team, max_attempts=spec.max_attempts, keep_going=int(spec.keep_going),
        priority=spec.priority or found.priority,
    )  # fmt: skip
    rows.event(conn, now_ms(), "task", task=task_id, state=found.state, version=spec.version)
    if found.state in ("failed", "cancelled"):
        retry(conn, task_id)
    elif found.state in ("queued", "blocked"):
        _stand(conn, task_id)


def _keep(conn: sqlite3.Connection, spec: Spec, approved_by: str, now: int) -> None:
    conn.execute(
        "INSERT INTO specs (version, path, text, approved_by, created) VALUES (?, ?, ?, ?, ?) ON CONFLICT (version) "
        "DO UPDATE SET approved_by = excluded.approved_by WHERE approved_by = ''",
        (spec.version, spec.path, spec.text, approved_by, now),
    )


def approved(conn: sqlite3.Connection, version: str) -> bool:
    """Whether a human stands for this very text."""
    row = conn.execute("SELECT approved_by FROM specs WHERE version = ?", (version,)).fetchone()
    return bool(row and row["approved_by"])


def approve(conn: sqlite3.Connection, task_id: int) -> None:
    """A human has read a task's text: it may run, and so may every task with just this text."""
    version = task(conn, task_id).spec_version
    if approved(conn, version):
        raise UsageError(f"task {task_id} is approved already", "`agentdeck task why` says what it waits for.")
    conn.execute("UPDATE specs SET approved_by = 'human' WHERE version = ?", (version,))
    for row in conn.execute("SELECT id FROM tasks WHERE spec_version = ? AND state = 'blocked'", (version,)).fetchall():
        _stand(conn, row["id"])


def prioritise(conn: sqlite3.Connection, task_id: int, priority: int) -> None:
    """Higher ones start first."""
    found = task(conn, task_id)
    rows.update(conn, "tasks", "id", task_id, priority=priority)
    rows.event(conn, now_ms(), "task", task=task_id, state=found.state, priority=priority)


def _stand(conn: sqlite3.Connection, task_id: int) -> None:
    """Whether a task that has not started may: its text is approved, and what it needs has not failed."""
    found = task(conn, task_id)
    if not approved(conn, found.spec_version):
        state, reason = "blocked", dependencies.UNAPPROVED
    else:
        state, reason = dependencies.standing(dependencies.needs(conn, task_id))
    keeps = state == "queued" == found.state  # why it was tried before is worth more than what it waits for
    _move(conn, found, cast(TaskState, state), found.reason if keeps else reason if state == "blocked" else "")


def lease(conn: sqlite3.Connection, task_id: int, agent: Agent, *, branch: str = "", base_oid: str = "") -> Attempt:
    """Give a queued task to an agent: a new attempt. Raises TryAgain when either is taken."""
    found = task(conn, task_id)
    if found.state != "queued":
        raise TryAgain(f"task {task_id} is {found.state}", "Only a queued task can be given out.")
    attempt = Attempt(
        task_id, len(found.attempts) + 1, agent.id, agent.harness, agent.model, now_ms(), branch=branch or agent.branch,
        base_oid=base_oid or agent.base_oid, session=agent.session, spec_version=found.spec_version,
        config_home=agent.config_home,
    )  # fmt: skip
    try:
        rows.insert(conn, "attempts", {name: getattr(attempt, name) for name in _ATTEMPT_FIELDS})
    except sqlite3.IntegrityError as error:
        raise TryAgain(f"agent {agent.name} has another task", "It is free once that one ends.") from error
    _move(conn, found, "running", "", agent.id)
    return attempt


def carry_on(conn: sqlite3.Connection, last: Attempt, agent: Agent, told: str) -> Attempt:
    """Try again at once in the same tree, on the same branch, with the same agent, which is told why."""
    attempt = lease(conn, last.task, agent, branch=last.branch, base_oid=last.base_oid)
    delivery = deliveries.add(conn, agent.id, told, kind="task", task=last.task)
    set_delivery(conn, attempt, delivery)
    return replace(attempt, delivery=delivery)


def check(conn: sqlite3.Connection, task_id: int) -> None:
    """Its agent calls a running task done: the gate looks now."""
    found = task(conn, task_id)
    if found.state == "running":
        _move(conn, found, "verifying", "", found.attempts[-1].agent)


def set_branch(conn: sqlite3.Connection, attempt: Attempt, branch: str, base_oid: str) -> None:
    """Where the attempt works, once its fresh branch is made."""
    _set(conn, attempt, branch=branch, base_oid=base_oid)


def set_delivery(conn: sqlite3.Connection, attempt: Attempt, delivery: str) -> None:
    """Which delivery carries the task's text."""
    _set(conn, attempt, delivery=delivery)


def finish(
    conn: sqlite3.Connection,
    task_id: int,
    n: int,
    outcome: Outcome,
    reason: str = "",
    head_oid: str = "",
    limit: int = 1,
) -> TaskState:
    """End a running attempt and move its task on; one that has ended already stays as it is.

    `limit` is how many attempts may fail before the task does. Returns the task's state.
    """
    found = task(conn, task_id)
    attempt = next((a for a in found.attempts if a.n == n), None)
    if attempt is None:
        raise UsageError(f"task {task_id} has no attempt {n}", "`agentdeck task show` lists them.")
    if attempt.outcome != "running":
        return found.state
    _set(conn, attempt, outcome=outcome, reason=reason, head_oid=head_oid, ended=now_ms())
    return _follow(conn, task_id, attempt.agent, limit)


def cancel(conn: sqlite3.Connection, task_id: int) -> Attempt | None:
    """Take a task out of the queue. Returns the attempt that was running: its agent still works on it."""
    found = task(conn, task_id)
    if found.state not in (*OPEN, "blocked"):
        raise UsageError(
            f"task {task_id} is {found.state}: there is nothing to cancel", "`agentdeck task ls` shows states."
        )
    last = found.attempts[-1] if found.attempts else None
    if last is not None and last.outcome == "running":
        finish(conn, task_id, last.n, "cancelled", "cancelled by a human")
        return last
    _move(conn, found, "cancelled", "cancelled by a human")
    return None


def give_up(conn: sqlite3.Connection, task_id: int, reason: str) -> None:
    """A queued task that can never go on by itself has failed; a human may retry it."""
    found = task(conn, task_id)
    if found.state == "queued":
        _move(conn, found, "failed", reason)


def retry(conn: sqlite3.Connection, task_id: int) -> None:
    """Put a failed or cancelled task back into the queue; its next attempt starts afresh."""
    found = task(conn, task_id)
    if found.state not in ("failed", "cancelled"):
        raise UsageError(f"task {task_id} is {found.state}", "Only a failed or cancelled task can be tried again.")
    rows.update(conn, "tasks", "id", task_id, tried_before=len(found.attempts))
    _move(conn, found, "queued", "")
    _stand(conn, task_id)


def accept(conn: sqlite3.Connection, task_id: int, note: str = "") -> None:
    """A human is content with what is in review."""
    _move(conn, _in_review(conn, task_id), "accepted", note)


def reject(conn: sqlite3.Connection, task_id: int, note: str = "") -> None:
    """A human is not: the attempt counts as rejected, and the task as failed until it is retried."""
    found = _in_review(conn, task_id)
    _set(conn, found.attempts[-1], outcome="rejected", reason=note)
    _move(conn, found, "failed", note or "rejected by a human")


def landed(conn: sqlite3.Connection, task_id: int, note: str) -> None:
    """Accepted work is on its base now."""
    found = task(conn, task_id)
    if found.state == "accepted":
        _move(conn, found, "landed", note)


def _in_review(conn: sqlite3.Connection, task_id: int) -> Task:
    found = task(conn, task_id)
    if found.state != "review":
        raise UsageError(f"task {task_id} is {found.state}, not in review", "`agentdeck task ls` shows states.")
    return found


def _set(conn: sqlite3.Connection, attempt: Attempt, **changes: object) -> None:
    sets = ", ".join(f"{name} = ?" for name in changes)
    conn.execute(f"UPDATE attempts SET {sets} WHERE task = ? AND n = ?", (*changes.values(), attempt.task, attempt.n))


def _follow(conn: sqlite3.Connection, task_id: int, agent: str, limit: int) -> TaskState:
    found = task(conn, task_id)
    query = "SELECT a.n FROM attempts a JOIN deliveries d ON d.id = a.delivery WHERE a.task = ? AND d.submitted > 0"
    delivered = {row["n"] for row in conn.execute(query, (task_id,))}
    state, reason = state_after(found.attempts, delivered, limit, found.tried_before)
    _move(conn, found, state, reason, agent)
    if state == "queued" and not approved(conn, found.spec_version):  # a new version came while it ran
        _stand(conn, task_id)
        return "blocked"
    return state


def _move(conn: sqlite3.Connection, found: Task, state: TaskState, reason: str, agent: str = "") -> None:
    conn.execute("UPDATE tasks SET state = ?, reason = ? WHERE id = ?", (state, reason, found.id))
    if (found.state, found.reason) != (state, reason):
        rows.event(conn, now_ms(), "task", agent, task=found.id, state=state, before=found.state, reason=reason)
        for waiting in dependencies.dependants(conn, found.id):
            _stand(conn, waiting)
