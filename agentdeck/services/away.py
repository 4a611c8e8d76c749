"""While you were away: what needs a human, what failed, what finished, and what it cost. Pure but for `load`.

An item is there only while it is true: a question somebody else has answered, a task somebody
has accepted and an agent that works again are not listed.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agentdeck.models.clock import iso
from agentdeck.models.event import Event
from agentdeck.services.asking.attention import reason
from agentdeck.services.fleet import CLASSES, AgentRow, UsageSum, usage_json, usage_sum

Kind = Literal["needs", "failed", "collides", "finished"]
KINDS: tuple[Kind, ...] = ("needs", "failed", "collides", "finished")
WORK = ("working", "retrying")
ASKS = "needs_input"
FAILED = ("failed", "hung", "limited")
ABSENCE_MS = 5 * 60_000  # who was gone for so long is also shown what waited before already
NEVER_MS = 24 * 3_600_000  # how far back somebody looks who has not been here before


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at. `what` is one line, `detail` more of it; `at` when it came about, in UTC milliseconds.

    `task` is 0 when it is about the agent itself; `ended`: the agent's process is over. `usage` is the agent's since.
    """

    kind: Kind
    agent: str
    name: str
    what: str
    at: int
    detail: str = ""
    task: int = 0
    ended: bool = False
    usage: UsageSum = UsageSum()

    @property
    def key(self) -> tuple[str, str, int, int]:
        return self.kind, self.agent, self.task, self.at


@dataclass(frozen=True, slots=True)
class Absence:
    """What came about from `since` to `until` (UTC ms); `usage` is that of all agents, removed ones too."""

    since: int = 0
    until: int = 0
    items: tuple[Item, ...] = ()
    usage: UsageSum = UsageSum()

    @property
    def pressing(self) -> bool:
        """Whether it should be shown unasked: something is new, or was there before a real absence."""
        long = self.until - self.since >= ABSENCE_MS
        return any(long or item.at >= self.since for item in self.items)


def away(
    events: Iterable[Event],
    rows: Sequence[AgentRow],
    since: int,
    *,
    titles: Mapping[int, str] | None = None,
    spent: Mapping[str, UsageSum] | None = None,
) -> tuple[Item, ...]:
    """What a human should see who left at `since` (UTC ms): the most urgent kind first, the oldest of a kind first.

    `events` are those since then, oldest first; `rows` is how things stand now. `titles` are
    those of tasks, `spent` what each agent used since then.
    """
    used = spent or {}
    told = _Told(events)
    found: list[Item] = []
    for row in (row for row in rows if not row.agent.beside):  # a terminal of the human's own tells them nothing
        found += _asks(row) + _failed(row, told, since) + _collides(row, since) + _turn(row, told)
    found += _tasks(rows, told, titles or {})
    placed = [_with_usage(item, used) for item in found]
    return tuple(sorted(placed, key=lambda item: (KINDS.index(item.kind), item.at, item.name)))


class _Told:
    """Events sorted by what they are about."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.status: dict[str, list[Event]] = defaultdict(list)
        self.stopped: set[str] = set()
        self.tasks: dict[int, Event] = {}  # the last move of each
        for event in events:
            if event.kind == "status":
                self.status[event.agent].append(event)
            elif event.kind == "task":
                self.tasks[int(str(event.data.get("task", 0)))] = event
            elif event.kind == "agent" and event.data.get("action") in ("stop", "resume"):
                (self.stopped.add if event.data["action"] == "stop" else self.stopped.discard)(event.agent)

    def became(self, agent: str, state: str) -> bool:
        return any(event.data.get("state") == state for event in self.status[agent])

    def turn_ended(self, agent: str) -> int:
        """When the agent came to rest after it had worked; 0 when it did not."""
        moves = self.status[agent]
        worked = bool(moves) and moves[0].data.get("before") in (*WORK, ASKS)
        ended = 0
        for event in moves:
            worked = worked or event.data.get("state") in WORK
            if event.data.get("state") == "idle" and worked:
                worked, ended = False, event.ts
        return ended


def _item(row: AgentRow, kind: Kind, what: str, at: int, detail: str = "", ended: bool = False) -> Item:
    return Item(kind, row.agent.id, row.agent.name, what, at, detail, ended=ended)


def _asks(row: AgentRow) -> list[Item]:
    status = row.status
    if status.state != ASKS:
        return []
    ask = status.ask
    if ask is None:
        return [_item(row, "needs", f"{status.reason or 'waits for you'}: see its screen", status.since, status.why)]
    detail = "\n".join(part for part in (ask.text, ask.detail) if part)
    return [_item(row, "needs", f"{ask.kind or status.reason}: {reason(row)}", status.since, detail)]


def _failed(row: AgentRow, told: _Told, since: int) -> list[Item]:
    status, agent = row.status, row.agent
    if status.since < since and not told.became(agent.id, status.state):
        return []
    if status.state in FAILED:
        until = f" until {iso(status.until)[11:16]} UTC" if status.state == "limited" and status.until else ""
        return [_item(row, "failed", f"{status.state}{until}", status.since, status.why)]
    if status.state != "exited" or agent.id in told.stopped:
        return []
    if agent.exit_code == 0:
        return [_item(row, "finished", "ended by itself", status.since, status.why, ended=True)]
    how = "its process is gone" if agent.exit_code is None else f"exited with {agent.exit_code}"
    return [_item(row, "failed", how, status.since, status.why, ended=True)]


def _collides(row: AgentRow, since: int) -> list[Item]:
    """Each merge that fails once, told of the agent whose id comes first."""
    return [
        _item(row, "collides", f"does not merge with {one.name}: {', '.join(one.paths[:3])}", one.since,
              "\n".join(one.paths))
        for one in row.clashes
        if one.kind == "merge" and one.since >= since and (not one.agent or row.agent.id < one.agent)
    ]  # fmt: skip


def _turn(row: AgentRow, told: _Told) -> list[Item]:
    """The end of a turn, unless its task says the same."""
    ended = told.turn_ended(row.agent.id)
    if not ended or row.status.state != "idle":
        return []
    task = row.task
    if task is not None and task.state == "review" and task.id in told.tasks:
        return []
    return [_item(row, "finished", "its turn ended" + _diff(row), ended, row.status.why)]


def _tasks(rows: Sequence[AgentRow], told: _Told, titles: Mapping[int, str]) -> list[Item]:
    agents = {row.agent.id: row for row in rows}
    found = []
    for number, event in told.tasks.items():
        data, row = event.data, agents.get(event.agent)
        state, before = data.get("state"), data.get("before")
        title = f"#{number} {titles.get(number, data.get('title', ''))}".strip()
        reason = str(data.get("reason") or "")
        name = row.agent.name if row else ""
        if state == "review" and before != "review":
            what = f"{title}: in review" + (_diff(row) if row else "")
            found.append(Item("finished", event.agent, name, what, event.ts, reason, number))
        elif state == "failed" and before != "review":  # after a review a human said so
            found.append(Item("failed", event.agent, name, f"{title}: failed", event.ts, reason, number))
    return found


def _diff(row: AgentRow) -> str:
    if row.diff is None or not row.diff.files:
        return ""
    files = "1 file" if row.diff.files == 1 else f"{row.diff.files} files"
    return f", {files} +{row.diff.added} −{row.diff.removed}"


def _with_usage(item: Item, used: Mapping[str, UsageSum]) -> Item:
    return replace(item, usage=used[item.agent]) if item.agent in used else item


def over(item: Item, row: AgentRow | None) -> str:
    """Why an item needs nobody any more, in a word or two; '' while it does. For a list that is being looked at."""
    if row is None:
        return "" if item.task else "removed"
    state = row.status.state
    if item.kind == "needs" and (state != ASKS or row.status.since != item.at):
        return "asks something else" if state == ASKS else "answered"
    if item.ended and state != "exited":
        return "runs again"
    if item.kind == "failed" and not item.task and not item.ended and state not in FAILED:
        return f"is {state} now"
    return ""


# From the database


def load(conn: sqlite3.Connection | None, rows: Sequence[AgentRow], since: int, until: int) -> Absence:
    """The absence from `since` to `until` (UTC ms), with `rows` as they stand now."""
    if conn is None:
        return Absence(since, until)
    titles = dict(conn.execute("SELECT id, title FROM tasks").fetchall())
    spent = {row["agent"]: usage_sum(row) for row in conn.execute(_SPENT, (since,))}
    items = away(_events(conn, since), rows, since, titles=titles, spent=spent)
    return Absence(since, until, items, sum(spent.values(), UsageSum()))


def last_seen(conn: sqlite3.Connection, view: str) -> int:
    """When a dashboard of this view last beat or left, in UTC milliseconds; 0 for a view nobody has opened."""
    row = conn.execute("SELECT last_seen FROM views WHERE name = ?", (view,)).fetchone()
    return int(row[0]) if row else 0


def see(conn: sqlite3.Connection, view: str, now: int) -> None:
    """Note that somebody looks at this view, or has looked at it until now."""
    conn.execute(
        "INSERT INTO views (name, last_seen) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET last_seen = excluded.last_seen",
        (view, now),
    )


_SUMS = ", ".join(f"SUM({name}) {name}" for name in CLASSES)
# Message by message, since the rollup knows quarters of an hour only; by agent, since that is the index.
_SPENT = f"""SELECT agent, {_SUMS}, COUNT(*) messages, COALESCE(SUM(cost), 0) cost,
    SUM(CASE WHEN cost IS NULL THEN input + cache_read + cache_write_5m + cache_write_1h + output ELSE 0 END)
    unpriced_tokens FROM usage WHERE agent IN (SELECT id FROM agents) AND newest >= ?1 AND ts >= ?1 GROUP BY agent"""
_TOLD = """SELECT id, ts, agent, kind, data FROM events
    WHERE kind IN ('status', 'task', 'agent') AND ts >= ? ORDER BY ts, id"""


def _events(conn: sqlite3.Connection, since: int) -> list[Event]:
    return [
        Event(r["id"], r["ts"], r["agent"], r["kind"], json.loads(r["data"])) for r in conn.execute(_TOLD, (since,))
    ]


def as_json(found: Absence) -> dict[str, object]:
    """What `agentdeck away --json` prints."""
    return {
        "since": iso(found.since),
        "until": iso(found.until),
        "usage": usage_json(found.usage),
        "items": [
            {
                "kind": item.kind, "agent": item.name or None, "agent_id": item.agent or None, "what": item.what,
                "detail": item.detail, "at": iso(item.at), "task": item.task or None, "usage": usage_json(item.usage),
            }
            for item in found.items
        ],
    }  # fmt: skip
