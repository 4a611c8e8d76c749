"""All tasks at a glance, by state, and what each agent that is free would take next; however many tasks there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from agentdeck.models.task import TaskState
from agentdeck.services import fleet, settings
from agentdeck.services.queue import dependencies, queue, queue_rules
from agentdeck.services.status.standing import candidates

# What a human must act on comes first
ORDER: tuple[TaskState, ...] = (
    "review", "failed", "blocked", "verifying", "running", "queued", "accepted", "landed", "cancelled"
)  # fmt: skip
SHOWN = 60  # tasks of one state; the rest is counted
SHOWN_DONE = 20
_DONE = ("accepted", "landed", "cancelled")


@dataclass(frozen=True, slots=True)
class Card:
    """One task. `agent` is who has or had it, by name; `step` where the gate is; times UTC ms, money nano-dollars."""

    id: int
    title: str
    state: TaskState
    reason: str
    priority: int
    agent: str
    tries: int
    since: int
    step: str
    cost: int


@dataclass(frozen=True, slots=True)
class Idle:
    """An agent that is free, and the task it takes next (0: none is ready for it)."""

    agent: str
    task: int
    title: str


@dataclass(frozen=True, slots=True)
class Board:
    """`counts` are of all tasks, `cards` of those that are shown, in order; `paused`: what pauses or cannot be read."""

    counts: dict[str, int]
    cards: tuple[Card, ...]
    idle: tuple[Idle, ...]
    paused: tuple[str, ...] = ()


def load(conn: sqlite3.Connection | None) -> Board:
    """The board as it is now."""
    if conn is None:
        return Board({}, (), ())
    counts: dict[str, int] = dict(conn.execute("SELECT state, COUNT(*) FROM tasks GROUP BY state").fetchall())
    found = [row for state in ORDER if counts.get(state) for row in _rows(conn, state)]
    costs: dict[int, int] = dict(
        conn.execute("SELECT task, SUM(cost) FROM usage_ever WHERE task > 0 GROUP BY task").fetchall()
    )
    waits = dependencies.waits(conn) if counts.get("queued") else {}
    cards = tuple(_card(row, costs, waits) for row in found)
    idle, paused = _idle(conn)
    wrong = tuple(row["reason"] for row in conn.execute("SELECT reason FROM spec_problems ORDER BY at DESC LIMIT 3"))
    return Board(counts, cards, idle, (*paused, *wrong))


def _rows(conn: sqlite3.Connection, state: str) -> list[sqlite3.Row]:
    order = "t.priority DESC, t.id" if state in ("queued", "blocked", "running", "verifying") else "t.id DESC"
    query = f"""SELECT t.id, t.title, t.state, t.reason, t.priority, t.agent wanted, t.created, a.n, a.started, a.ended,
        (SELECT name FROM agents WHERE id = a.agent) name,
        (SELECT step FROM gate_steps g WHERE g.task = t.id AND g.attempt = a.n ORDER BY g.n DESC LIMIT 1) step
        FROM (SELECT * FROM tasks t WHERE state = ? ORDER BY {order} LIMIT ?) t
        LEFT JOIN attempts a ON a.task = t.id AND a.n = (SELECT MAX(n) FROM attempts b WHERE b.task = t.id)
        ORDER BY {order}"""
    return conn.execute(query, (state, SHOWN_DONE if state in _DONE else SHOWN)).fetchall()


def _card(row: sqlite3.Row, costs: dict[int, int], waits: dict[int, str]) -> Card:
    since = (row["ended"] or row["started"] or row["created"]) if row["n"] else row["created"]
    return Card(
        row["id"], row["title"], row["state"], row["reason"] or waits.get(row["id"], ""), row["priority"],
        row["name"] or row["wanted"], row["n"] or 0, since, row["step"] or "", costs.get(row["id"], 0),
    )  # fmt: skip


def _idle(conn: sqlite3.Connection) -> tuple[tuple[Idle, ...], tuple[str, ...]]:
    """Who is free, and the next ready task for each, as the queue itself would choose."""
    rules, load = queue_rules.read(conn, settings.current())
    known = candidates(conn, fleet.load(conn).rows)
    free = [agent for agent in known if agent.free and not agent.by_name]
    ready = queue.waiting(conn, {agent.repo for agent in free}) if free else []
    titles = {task.id: task.title for task in ready}
    chosen = {choice.agent: choice.task for choice in queue.choose(ready, known, rules, load)}
    idle = tuple(Idle(one.name, chosen.get(one.id, 0), titles.get(chosen.get(one.id, 0), "")) for one in free)
    return idle, tuple(rules.paused.values())


def able(state: str, approved: bool = True) -> Sequence[str]:
    """What a human can do with a task in this state, by verb."""
    verbs = {
        "review": ("accept", "reject"), "failed": ("retry", "edit"), "cancelled": ("retry", "edit"),
        "blocked": ("edit", "cancel", "priority") if approved else ("approve", "edit", "cancel", "priority"),
        "queued": ("priority", "edit", "cancel"), "running": ("cancel", "edit"), "verifying": ("cancel", "edit"),
        "accepted": ("land",),
    }  # fmt: skip
    return verbs.get(state, ())
