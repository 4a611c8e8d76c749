"""What a task waits for: all that its spec names must be done first; what failed blocks it, by name."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentdeck.errors import UsageError
from agentdeck.models.spec import Spec
from agentdeck.models.task import TaskState

UNAPPROVED = "unapproved: nobody has read it yet"


@dataclass(frozen=True, slots=True)
class Need:
    """One task that another depends on; `outcome` is that of its last attempt."""

    id: int
    title: str
    state: str
    reason: str = ""
    outcome: str = ""


def standing(needs: Sequence[Need]) -> tuple[TaskState, str]:
    """`queued` or `blocked` for a task that depends on `needs`, and what it waits for ('' when it may start). Pure.

    Work in review counts as done when it passed, or when nothing was asked to verify it; flagged work must be judged.
    """
    for need in needs:
        called = f"task {need.id} ({need.title})"
        if need.state in ("failed", "cancelled"):
            what = "failed" if need.state == "failed" else "was cancelled"
            return "blocked", f"{called} {what}" + (f": {need.reason}" if need.reason else "")
        if need.state == "blocked":
            return "blocked", f"{called} is blocked: {need.reason}"
        if need.state == "review" and need.outcome == "flagged":
            return "blocked", f"{called} waits for your judgement: {need.reason}"
    open_ones = [need for need in needs if need.state in ("queued", "running", "verifying")]
    if not open_ones:
        return "queued", ""
    first = open_ones[0]
    more = f" and {len(open_ones) - 1} more" if len(open_ones) > 1 else ""
    return "queued", f"waits for task {first.id} ({first.title}), which is {first.state}{more}"


_NEEDS = """SELECT d.task, n.id, n.title, n.state, n.reason,
    COALESCE((SELECT outcome FROM attempts a WHERE a.task = n.id ORDER BY a.n DESC LIMIT 1), '') outcome
    FROM task_depends d JOIN tasks n ON n.id = d.needs"""


def needs(conn: sqlite3.Connection, task: int) -> list[Need]:
    """What one task depends on."""
    found = conn.execute(f"{_NEEDS} WHERE d.task = ? ORDER BY d.needs", (task,))
    return [Need(*tuple(row)[1:]) for row in found]


def waits(conn: sqlite3.Connection) -> dict[int, str]:
    """Queued tasks that cannot start yet, and what each waits for."""
    query = f"{_NEEDS} JOIN tasks t ON t.id = d.task WHERE t.state = 'queued' ORDER BY d.task, d.needs"
    by_task: dict[int, list[Need]] = {}
    for row in conn.execute(query):
        by_task.setdefault(row["task"], []).append(Need(*tuple(row)[1:]))
    return {task: reason for task, found in by_task.items() if (reason := standing(found)[1])}


def dependants(conn: sqlite3.Connection, task: int) -> list[int]:
    """Tasks that depend on this one and have not started."""
    query = """SELECT t.id FROM task_depends d JOIN tasks t ON t.id = d.task
        WHERE d.needs = ? AND t.state IN ('queued', 'blocked') AND t.reason != ? ORDER BY t.id"""
    return [row[0] for row in conn.execute(query, (task, UNAPPROVED))]


def link(conn: sqlite3.Connection, task: int, on: Sequence[int]) -> None:
    """Make `task` depend on just these; raises UsageError, naming the ring, when that would close one."""
    conn.execute("DELETE FROM task_depends WHERE task = ?", (task,))
    for need in dict.fromkeys(on):
        ring = _path(conn, need, task)
        if ring:
            raise UsageError(f"tasks would wait for each other: {_ring(conn, ring)}", "Leave one of them out.")
        conn.execute("INSERT INTO task_depends (task, needs) VALUES (?, ?)", (task, need))


def _path(conn: sqlite3.Connection, start: int, goal: int) -> list[int]:
    """The way from `start` over its needs to `goal`, both included; empty when there is none."""
    came: dict[int, int] = {start: 0}
    left = [start]
    while left:
        here = left.pop()
        if here == goal:
            way = [here]
            while came[way[-1]]:
                way.append(came[way[-1]])
            return way
        for row in conn.execute("SELECT needs FROM task_depends WHERE task = ?", (here,)):
            if row[0] not in came:
                came[row[0]] = here
                left.append(row[0])
    return []


def _ring(conn: sqlite3.Connection, ring: Sequence[int]) -> str:
    titles = {row["id"]: row["title"] for row in conn.execute("SELECT id, title FROM tasks")}
    return " → ".join(f"{key} ({titles.get(key, '?')})" for key in [*ring, ring[0]])


# -- by name, before there are numbers


def order(specs: Sequence[Spec], repo: str) -> list[int]:
    """The places of specs that are added together, each after those it depends on; a ring is refused by name."""
    places = {_full(spec.path): n for n, spec in enumerate(specs) if spec.path}
    after = [[places[p] for p in _places(spec, repo) if p in places] for spec in specs]
    done: list[int] = []
    doing: list[int] = []

    def visit(n: int) -> None:
        if n in doing:
            ring = [*doing[doing.index(n) :], n]
            names = " → ".join(Path(specs[one].path).name for one in ring)
            raise UsageError(f"specs would wait for each other: {names}", "Take one depends_on out.")
        if n in done:
            return
        doing.append(n)
        for before in after[n]:
            visit(before)
        doing.pop()
        done.append(n)

    for n in range(len(specs)):
        visit(n)
    return done


def resolve(conn: sqlite3.Connection, spec: Spec, repo: str, added: Mapping[str, int]) -> list[int]:
    """The task numbers that a spec depends on. `added`: specs of the same addition, full path -> task number."""
    return [_number(conn, spec, repo, one, added) for one in spec.depends_on]


def _number(conn: sqlite3.Connection, spec: Spec, repo: str, one: str, added: Mapping[str, int]) -> int:
    name = spec.path or "the spec"
    if one.isdigit():
        if conn.execute("SELECT 1 FROM tasks WHERE id = ?", (int(one),)).fetchone() is None:
            raise UsageError(f"{name} depends on task {one}, which does not exist", "`agentdeck task ls` lists them.")
        return int(one)
    for place in _candidates(spec, repo, one):
        if place in added:
            return added[place]
        row = conn.execute("SELECT MAX(id) FROM tasks WHERE path = ? AND repo = ?", (place, repo)).fetchone()
        if row[0] is not None:
            return int(row[0])
    raise UsageError(f"{name} depends on {one}, which is not in the queue", f"Add it too: agentdeck task add {one}")


def _places(spec: Spec, repo: str) -> list[str]:
    return [place for one in spec.depends_on for place in _candidates(spec, repo, one)]


def _candidates(spec: Spec, repo: str, one: str) -> list[str]:
    """Where a spec that is named so may be: beside the one that names it, in the repository, in its `specs/`."""
    beside = [str(Path(spec.path).parent)] if spec.path else []
    return [_full(os.path.join(where, one)) for where in (*beside, repo, os.path.join(repo, "specs"))]


def _full(path: str) -> str:
    return os.path.abspath(path)
