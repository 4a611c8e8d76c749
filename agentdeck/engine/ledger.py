"""What the engine reads from and writes to the database on each beat."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentdeck.adapters.database import store
from agentdeck.harnesses.readers import Kept
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.delivery import Delivery
from agentdeck.models.status import Evidence
from agentdeck.services import rows
from agentdeck.services.asking import attention
from agentdeck.services.asking.attention import Noted
from agentdeck.services.delivery import deliveries
from agentdeck.services.reading import conversations
from agentdeck.services.status.monitor import Monitor, Report
from agentdeck.services.status.probes import SpoolEvent
from agentdeck.services.status.verdict import explain

TOLD_FIELDS = ("tool_name", "source", "reason", "error", "attempt", "seconds", "decision", "notification_type")


@dataclass(frozen=True, slots=True)
class Ordered:
    """A request that waits to be carried out."""

    id: str
    kind: str
    agent: str
    args: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Book:
    """The rows that the engine acts upon."""

    agents: tuple[Agent, ...] = ()
    requests: tuple[Ordered, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    open_tasks: int = 0
    open_attempts: int = 0
    views: int = field(default=0)
    leases: int = 0
    noted: Mapping[str, Noted] = field(default_factory=dict)  # waits that a human has seen or was told of


VIEW_STALE_MS = 15_000


class Reader:
    """One read connection, used by one thread at a time; re-reads only what another commit may have changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._conn: sqlite3.Connection | None = None
        self._version = -1
        self._book = Book()

    def book(self) -> Book:
        """Blocks: call it in a thread."""
        if self._conn is None:
            self._conn = sqlite3.connect(
                f"file:{self.path}?mode=ro", uri=True, check_same_thread=False, isolation_level=None
            )
            self._conn.row_factory = sqlite3.Row
        version = self._conn.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._conn.execute("BEGIN")  # one moment for all tables: a delivery is never seen before its agent
            try:
                self._book = _read(self._conn)
            finally:
                self._conn.execute("COMMIT")
            self._version = version
        return self._book

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None


def _read(conn: sqlite3.Connection) -> Book:
    waiting = conn.execute("SELECT * FROM requests WHERE state = 'queued' ORDER BY created, rowid")
    requests = tuple(Ordered(r["id"], r["kind"], r["agent"], json.loads(r["args"])) for r in waiting)
    tasks = conn.execute("SELECT COUNT(*) FROM tasks WHERE state IN ('queued', 'running', 'verifying')").fetchone()[0]
    attempts = conn.execute("SELECT COUNT(*) FROM attempts WHERE outcome = 'running'").fetchone()[0]
    views = conn.execute("SELECT COUNT(*) FROM dashboards WHERE heartbeat > ?", (now_ms() - VIEW_STALE_MS,)).fetchone()[
        0
    ]
    leases = conn.execute("SELECT COUNT(*) FROM size_leases").fetchone()[0]
    pending = tuple(deliveries.pending(conn))
    return Book(
        tuple(rows.agents(conn)), requests, pending, tasks, attempts, views, leases, attention.load(conn)
    )  # fmt: skip


def restore(conn: sqlite3.Connection, monitor: Monitor) -> None:
    """Give the monitor what an earlier engine stored."""
    evidence: dict[str, list[Evidence]] = {}
    for row in conn.execute("SELECT * FROM evidence"):
        evidence.setdefault(row["agent"], []).append(rows.evidence(row))
    statuses = {row["agent"]: rows.status(row) for row in conn.execute("SELECT * FROM status")}
    monitor.restore(rows.agents(conn), evidence, statuses)


def record(conn: sqlite3.Connection, monitor: Monitor, report: Report, epoch: int) -> None:
    """Store what one tick found: events, evidence, verdicts, and agents that ended."""
    for event in report.events:
        _hook_event(conn, event)
    for agent_id, watched in monitor.watched.items():
        for key in watched.dirty:
            if key in watched.evidence:
                columns = {"agent": agent_id, **rows.evidence_columns(watched.evidence[key])}
                rows.insert(conn, "evidence", columns, verb="INSERT OR REPLACE")
        watched.dirty.clear()
    for agent_id in report.changed:
        _verdict(conn, monitor, agent_id, epoch)


def _hook_event(conn: sqlite3.Connection, event: SpoolEvent) -> None:
    told = {key: event.payload[key] for key in TOLD_FIELDS if key in event.payload}
    rows.event(conn, event.at, "hook", event.agent, name=event.name, **told)
    session, transcript = event.payload.get("session_id"), event.payload.get("transcript_path")
    if not isinstance(session, str) or not session or event.payload.get("agent_id"):
        return
    kept = Kept(session, transcript if isinstance(transcript, str) else "")
    conversations.enter(conn, event.agent, kept, event.at, begins=event.name == "SessionStart")


def _verdict(conn: sqlite3.Connection, monitor: Monitor, agent_id: str, epoch: int) -> None:
    judged = monitor.agents[agent_id]
    now = conn.execute("SELECT life, pid FROM agents WHERE id = ?", (agent_id,)).fetchone()
    before = rows.status(conn.execute("SELECT * FROM status WHERE agent = ?", (agent_id,)).fetchone())
    if now is None or (now["life"], now["pid"]) != (judged.life, judged.pid):
        # stopped or resumed since this beat read it: a verdict on its last life says nothing of this one,
        # and the next beat judges anew, from what is stored
        monitor.watched[agent_id].status = before
        return
    status = monitor.status(agent_id)
    columns = {"agent": agent_id, **rows.status_columns(status), "epoch": epoch}
    rows.insert(conn, "status", columns, verb="INSERT OR REPLACE")
    changed = (before.state, before.reason, before.ask) != (status.state, status.reason, status.ask)
    if changed and not judged.beside:  # what a human does in a terminal of theirs is no news
        ask = status.ask.text if status.ask else ""
        rows.event(
            conn,
            now_ms(),
            "status",
            agent_id,
            state=status.state,
            before=before.state,
            source=status.source,
            why=status.why,
            ask=ask,
            chain=_chain(monitor, agent_id, status.checked),
        )
    if status.state == "exited":
        pane = monitor.watched[agent_id].pane
        code = pane.dead_status if pane is not None and pane.dead else None
        conn.execute(
            "UPDATE agents SET life = 'stopped', ended = ?, exit_code = COALESCE(exit_code, ?) "
            "WHERE id = ? AND life = 'live'",
            (now_ms(), code, agent_id),
        )


def _chain(monitor: Monitor, agent_id: str, now: int) -> list[dict[str, object]]:
    """Which source said what and when (UTC ms), and the part it played in this verdict, the decisive ones first."""
    held = list(monitor.watched[agent_id].evidence.values())
    return [
        {"source": e.source, "states": list(e.states), "part": part, "changed": e.changed, "why": e.why}
        for e, part in explain(held, now or now_ms())
    ]


def refresh(conn: sqlite3.Connection, monitor: Monitor) -> None:
    """Say when verdicts and the evidence for them were last confirmed, so that readers see their age."""
    lives = [agent.id for agent in list(monitor.agents.values()) if agent.life == "live"]
    conn.executemany(
        "UPDATE status SET checked = ? WHERE agent = ?", [(monitor.status(key).checked, key) for key in lives]
    )
    held = [
        (e.at, key, e.source) for key in lives if (w := monitor.watched.get(key)) for e in list(w.evidence.values())
    ]
    conn.executemany("UPDATE evidence SET at = ?1 WHERE agent = ?2 AND source = ?3 AND at < ?1 - 4000", held)


def claim(conn: sqlite3.Connection, key: str) -> bool:
    """Take a request; False when it is no longer queued."""
    return conn.execute("UPDATE requests SET state = 'running' WHERE id = ? AND state = 'queued'", (key,)).rowcount == 1


def settle(conn: sqlite3.Connection, key: str, state: str, result: Mapping[str, object]) -> None:
    conn.execute(
        "UPDATE requests SET state = ?, result = ?, settled = ? WHERE id = ?",
        (state, json.dumps(result), now_ms(), key),
    )


def orphaned(conn: sqlite3.Connection) -> list[Agent]:
    """After a crash: requests that were running are failed, and agents caught half-made are returned to be undone.

    A spec that was handed over is added in one step with the end of its request, so what is still running begins anew.
    """
    conn.execute("UPDATE requests SET state = 'queued' WHERE state = 'running' AND kind = 'dispatch'")
    failed = {
        "title": "the engine ended while it carried this out",
        "hint": "Look at `agentdeck ls` and ask again.",
        "exit_code": 3,
    }
    for row in conn.execute("SELECT id FROM requests WHERE state = 'running'").fetchall():
        settle(conn, row["id"], "failed", failed)
    found = conn.execute("SELECT * FROM agents WHERE life = 'creating'").fetchall()
    return [rows.agent(row) for row in found]


def open_store(path: Path) -> None:
    """Bring the schema up to date before anything reads."""
    store.write(path).close()
