"""Database rows to nouns and back: the only place that knows column names of agents, status and evidence."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, fields
from typing import Any, cast

from agentdeck.errors import UsageError
from agentdeck.models.agent import Agent
from agentdeck.models.delivery import Delivery
from agentdeck.models.status import Ask, Evidence, Reason, State, Status
from agentdeck.models.tree import DiskUse, TreeState

_AGENT_FIELDS = tuple(field.name for field in fields(Agent))


def agent(row: sqlite3.Row) -> Agent:
    values = {name: row[name] for name in _AGENT_FIELDS}
    values["argv"] = tuple(json.loads(values["argv"]))
    values["here"] = bool(values["here"])
    return Agent(**values)


def agent_columns(noun: Agent) -> dict[str, object]:
    return {**asdict(noun), "argv": json.dumps(noun.argv), "here": int(noun.here)}


def agents(conn: sqlite3.Connection) -> list[Agent]:
    """All agents not removed, in the order they were made."""
    return [agent(row) for row in conn.execute("SELECT * FROM agents WHERE life != 'removed' ORDER BY created, rowid")]


def find(conn: sqlite3.Connection | None, name: str) -> Agent:
    """The agent called `name`, or with that id."""
    row = None
    if conn is not None:
        query = "SELECT * FROM agents WHERE life != 'removed' AND (name = ? OR id = ?) ORDER BY name = ? DESC"
        row = conn.execute(query, (name, name, name)).fetchone()
    if row is None:
        raise UsageError(f"no agent is called '{name}'", "`agentdeck ls` lists them.")
    return agent(row)


def insert(conn: sqlite3.Connection, table: str, values: dict[str, object], verb: str = "INSERT") -> None:
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    conn.execute(f"{verb} INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))


def update(conn: sqlite3.Connection, table: str, key: str, value: object, **changes: object) -> None:
    sets = ", ".join(f"{name} = ?" for name in changes)
    conn.execute(f"UPDATE {table} SET {sets} WHERE {key} = ?", (*changes.values(), value))


def ask_json(ask: Ask | None) -> str | None:
    return None if ask is None else json.dumps(asdict(ask), ensure_ascii=False)


def ask(text: str | None) -> Ask | None:
    if not text:
        return None
    data: dict[str, Any] = json.loads(text)
    data["options"] = tuple(data.get("options", ()))
    return Ask(**data)


def status(row: sqlite3.Row | None) -> Status:
    if row is None or row["state"] is None:
        return Status()
    return Status(
        state=cast(State, row["state"]),
        source=row["source"],
        since=row["since"],
        why=row["why"],
        reason=cast(Reason, row["reason"]),
        ask=ask(row["ask"]),
        until=row["until"],
        checked=row["checked"],
        last_known=row["last_known"],
    )


def status_columns(noun: Status) -> dict[str, object]:
    return {
        "state": noun.state, "reason": noun.reason, "ask": ask_json(noun.ask), "source": noun.source,
        "since": noun.since, "why": noun.why, "until": noun.until, "checked": noun.checked,
        "last_known": noun.last_known,
    }  # fmt: skip


def evidence_columns(noun: Evidence) -> dict[str, object]:
    extra = {"reason": noun.reason, "ask": ask_json(noun.ask), "until": noun.until, "background": noun.background}
    return {
        "source": noun.source, "states": json.dumps(noun.states), "changed": noun.changed, "at": noun.at,
        "why": noun.why, "extra": json.dumps(extra, ensure_ascii=False),
    }  # fmt: skip


def evidence(row: sqlite3.Row) -> Evidence:
    extra = json.loads(row["extra"])
    return Evidence(
        source=row["source"],
        states=tuple(json.loads(row["states"])),
        changed=row["changed"],
        at=row["at"],
        why=row["why"],
        reason=extra.get("reason", ""),
        ask=ask(extra.get("ask")),
        until=extra.get("until", 0),
        background=extra.get("background", False),
    )


def tree(row: sqlite3.Row) -> TreeState:
    return TreeState(row["branch"], row["head"], row["trouble"], row["note"], row["hint"])


def disk_use(row: sqlite3.Row) -> DiskUse:
    return DiskUse(row["bytes"], row["at"])


def delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(**{field.name: row[field.name] for field in fields(Delivery)} | {"command": bool(row["command"])})


def event(conn: sqlite3.Connection, ts: int, kind: str, agent_id: str = "", /, **data: object) -> None:
    """Append one event."""
    text = json.dumps(data, ensure_ascii=False)
    conn.execute("INSERT INTO events (ts, agent, kind, data) VALUES (?, ?, ?, ?)", (ts, agent_id, kind, text))
