"""The rows of the outbox, and every step that one of them may take; all inside the caller's transaction.

A step is taken only from the state before it, so that a stale copy of a row can never send a text twice.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace

from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.models.clock import iso, now_ms
from agentdeck.models.delivery import Delivery
from agentdeck.services import rows
from agentdeck.services.delivery import wording

UNSURE_MS = 3_600_000  # so long an uncertain one is looked for in the transcript
LATELY_MS = 86_400_000


def add(
    conn: sqlite3.Connection,
    agent: str,
    text: str,
    *,
    kind: str = "message",
    mode: str = "idle",
    task: int = 0,
    command: bool = False,
    batch: str = "",
) -> str:
    """Queue one text for one agent, without what cannot be pasted; returns the delivery's id."""
    key, cleaned = secrets.token_hex(5), wording.clean(text)
    columns: dict[str, object] = {
        "id": key, "agent": agent, "text": cleaned.text, "note": cleaned.note, "mode": mode, "kind": kind,
        "task": task, "command": int(command), "batch": batch, "created": now_ms(),
    }  # fmt: skip
    rows.insert(conn, "deliveries", columns)
    told = {"note": cleaned.note} if cleaned.note else {}
    rows.event(conn, now_ms(), "delivery", agent, id=key, state="queued", kind=kind, mode=mode, **told)
    return key


def get(conn: sqlite3.Connection, key: str) -> Delivery | None:
    row = conn.execute("SELECT * FROM deliveries WHERE id = ?", (key,)).fetchone()
    return rows.delivery(row) if row else None


def pending(conn: sqlite3.Connection) -> list[Delivery]:
    """Open deliveries that nobody has begun on, oldest first."""
    found = conn.execute("SELECT * FROM deliveries WHERE state = 'queued' ORDER BY created, rowid")
    return [rows.delivery(row) for row in found]


def halfway(conn: sqlite3.Connection) -> list[Delivery]:
    """What an engine that ended left in the middle."""
    found = conn.execute("SELECT * FROM deliveries WHERE state IN ('pasted', 'submitted') ORDER BY created, rowid")
    return [rows.delivery(row) for row in found]


def unsure(conn: sqlite3.Connection, now: int) -> list[Delivery]:
    """Uncertain ones that a transcript or a late report may still settle."""
    query = "SELECT * FROM deliveries WHERE state = 'uncertain' AND settled > ?"
    return [rows.delivery(row) for row in conn.execute(query, (now - UNSURE_MS,))]


def listed(conn: sqlite3.Connection, agent: str = "", *, everything: bool = False) -> list[Delivery]:
    """Open and uncertain ones and those of the last day, oldest first; `everything`: all there ever were."""
    where, values = "1", list[object]()
    if not everything:
        where = "(state IN ('queued', 'pasted', 'submitted', 'uncertain') OR created > ?)"
        values.append(now_ms() - LATELY_MS)
    if agent:
        where += " AND agent = ?"
        values.append(agent)
    found = conn.execute(f"SELECT * FROM deliveries WHERE {where} ORDER BY created, rowid", values)
    return [rows.delivery(row) for row in found]


def choose(waiting: Iterable[Delivery], busy: frozenset[str]) -> list[Delivery]:
    """The one to be tried next for each agent: the oldest; for a `busy` one the first that does not wait for rest."""
    chosen: dict[str, Delivery] = {}
    for one in waiting:
        held = chosen.setdefault(one.agent, one)
        if one.agent in busy and _rank(one) < _rank(held):
            chosen[one.agent] = one
    return list(chosen.values())


def _rank(delivery: Delivery) -> int:
    return {"interrupt": 0, "queue": 1}.get(delivery.mode, 2)


def reported(conn: sqlite3.Connection, delivery: Delivery, names: Sequence[str]) -> str:
    """The report of a prompt that is on record since Enter was sent for this one, '' without any.

    An engine that ended may have taken the report in, and not come to settle what it was about.
    """
    query = "SELECT json_extract(data, '$.name') FROM events WHERE agent = ? AND kind = 'hook' AND ts >= ?"
    found = (str(row[0]) for row in conn.execute(query, (delivery.agent, delivery.submitted)))
    return next((name for name in found if name in names), "")


# -- steps

# Which time a step enters; one that goes back takes away those of the steps that were not done after all.
_TIMES = {
    "queued": "pasted = 0, submitted = 0",
    "pasted": "pasted = CASE pasted WHEN 0 THEN :now ELSE pasted END, submitted = 0",
    "submitted": "submitted = :now",
    **dict.fromkeys(
        ("acknowledged", "uncertain"),  # by somebody else's Enter it went out after it was pasted, nobody knows when
        "settled = :now, submitted = CASE submitted WHEN 0 THEN pasted ELSE submitted END",
    ),
}


def step(
    conn: sqlite3.Connection, delivery: Delivery, was: Sequence[str], state: str, reason: str = "", evidence: str = ""
) -> bool:
    """From one of the states `was` to `state`; False, and nothing done, when it stands elsewhere by now."""
    now = now_ms()
    marks = ", ".join("?" * len(was))
    done = conn.execute(
        f"UPDATE deliveries SET state = ?, reason = ?, evidence = ?, {_TIMES.get(state, 'settled = :now')} "
        f"WHERE id = ? AND state IN ({marks})".replace(":now", str(now)),
        (state, reason, evidence, delivery.id, *was),
    )
    if done.rowcount:
        told = {key: value for key, value in (("reason", reason), ("evidence", evidence)) if value}
        rows.event(conn, now, "delivery", delivery.agent, id=delivery.id, state=state, **told)
    return bool(done.rowcount)


def claim(conn: sqlite3.Connection, delivery: Delivery) -> Delivery | None:
    """Take a queued one to be pasted; None when it is not queued any more (cancelled, or taken already)."""
    if not step(conn, delivery, ["queued"], "pasted"):
        return None
    conn.execute("UPDATE deliveries SET tries = tries + 1 WHERE id = ?", (delivery.id,))
    return get(conn, delivery.id)


def wait(conn: sqlite3.Connection, delivery: Delivery, reason: str) -> None:
    """Say why it does not go on; an event only when that is new."""
    query = "UPDATE deliveries SET reason = ? WHERE id = ? AND reason != ? AND state IN ('queued', 'pasted')"
    if conn.execute(query, (reason, delivery.id, reason)).rowcount and reason:
        rows.event(conn, now_ms(), "delivery", delivery.agent, id=delivery.id, state=delivery.state, reason=reason)


def cancel(conn: sqlite3.Connection, key: str) -> Delivery:
    """Take back one that is still queued. Raises for one that has gone out, has ended or carries a task."""
    found = get(conn, key)
    if found is None:
        raise UsageError(f"there is no delivery {key}", "`agentdeck outbox` lists them.")
    if found.kind == "task":
        raise UsageError(f"{key} carries task {found.task}", f"Cancel that: `agentdeck task cancel {found.task}`.")
    if not step(conn, found, ["queued"], "refused", "cancelled"):
        raise AgentDeckError(f"{key} cannot be cancelled any more: it is {found.state}", "Only a queued text can.")
    return replace(found, state="refused", reason="cancelled")


def receipt(delivery: Delivery, name: str = "") -> dict[str, object]:
    """A delivery as `send` and `outbox` print it in JSON."""
    return {
        "id": delivery.id, "agent": delivery.agent, "name": name, "kind": delivery.kind, "mode": delivery.mode,
        "state": delivery.state, "reason": delivery.reason, "evidence": delivery.evidence, "note": delivery.note,
        "created": iso(delivery.created), "pasted": iso(delivery.pasted), "submitted": iso(delivery.submitted),
        "settled": iso(delivery.settled),
    }  # fmt: skip
