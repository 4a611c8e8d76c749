"""Sessions started outside the deck, as rows: read for every view, written by the engine, never counted as agents."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path

from agentdeck.errors import UsageError
from agentdeck.models.clock import iso
from agentdeck.models.foreign import Foreign
from agentdeck.models.status import Status
from agentdeck.services import rows
from agentdeck.services.fleet import USAGE_SUM, ForeignRow, UsageSum, status_json, usage_json, usage_sum

_FIELDS = tuple(one.name for one in fields(Foreign))
SPENT = f"""SELECT session, {USAGE_SUM} FROM usage_rollup
    WHERE agent = '' AND task = 0 AND attempt = 0 AND harness IN (SELECT harness FROM foreign_sessions)
    AND repo IN (SELECT repo FROM usage_kinds WHERE session IN (SELECT session FROM foreign_sessions))
    AND session IN (SELECT session FROM foreign_sessions) GROUP BY session"""

Key = tuple[str, str]
"""(harness, session)"""


def read(conn: sqlite3.Connection) -> dict[Key, Foreign]:
    names = ", ".join(_FIELDS)
    found = [Foreign(*row) for row in conn.execute(f"SELECT {names} FROM foreign_sessions ORDER BY started, session")]
    return {(row.harness, row.session): row for row in found}


def store(conn: sqlite3.Connection, before: Mapping[Key, Foreign], after: Mapping[Key, Foreign]) -> None:
    """Write what changed from `before` to `after`."""
    for key, row in after.items():
        if before.get(key) != row:
            columns: dict[str, object] = {**asdict(row)}
            rows.insert(conn, "foreign_sessions", columns, verb="INSERT OR REPLACE")
    gone = [key for key in before if key not in after]
    conn.executemany("DELETE FROM foreign_sessions WHERE harness = ? AND session = ?", gone)


def forget(conn: sqlite3.Connection, row: Foreign) -> None:
    """It goes on in the deck from now on."""
    conn.execute("DELETE FROM foreign_sessions WHERE harness = ? AND session = ?", (row.harness, row.session))


def find(rows: Iterable[Foreign], session: str) -> Foreign:
    """The session with this id, or whose id begins so; an error when there is none or more than one."""
    found = [row for row in rows if session and row.session.startswith(session)]
    if len(found) == 1:
        return found[0]
    many = "more than one session begins" if found else "no session that runs or ran elsewhere begins"
    raise UsageError(f"{many} with '{session}'", "`agentdeck ls --foreign` lists them.")


def running(conn: sqlite3.Connection, harness: str, session: str) -> Foreign | None:
    """The row of a session that a process outside the deck had when somebody last looked."""
    found = read(conn).get((harness, session))
    return found if found and not found.ended else None


def suggest_name(row: Foreign, taken: Collection[str]) -> str:
    """A name for the agent that goes on with a session: its own when that can be one and nobody has it."""
    base = re.sub(r"[^a-z0-9]+", "-", (row.name or Path(row.cwd).name).lower()).strip("-")[:28].strip("-")
    base = base or row.harness
    names = (base, *(f"{base}-{number}" for number in range(2, 1000)))
    return next(name for name in names if name not in taken)


def load(conn: sqlite3.Connection | None) -> tuple[ForeignRow, ...]:
    """What views show of them: the living ones first, each with what it has used."""
    if conn is None:
        return ()
    return shown(read(conn).values(), spent(conn))


def spent(conn: sqlite3.Connection | None) -> dict[str, UsageSum]:
    """What each session has used while it was nobody's of ours."""
    return {} if conn is None else {row["session"]: usage_sum(row) for row in conn.execute(SPENT)}


def shown(found: Iterable[Foreign], used: Mapping[str, UsageSum]) -> tuple[ForeignRow, ...]:
    ordered = sorted(found, key=lambda row: (bool(row.ended), row.started, row.session))
    return tuple(
        ForeignRow(
            row, Status(row.state, row.source, row.since, row.why, row.reason), used.get(row.session, UsageSum())
        )
        for row in ordered
    )


def as_json(row: ForeignRow) -> dict[str, object]:
    """One row of `ls --foreign --json`."""
    told = row.session
    return {
        "id": told.session, "name": told.name, "harness": told.harness, "cwd": told.cwd, "pid": told.pid or None,
        "started": iso(told.started), "ended": iso(told.ended) if told.ended else None,
        "status": status_json(row.status), "usage": usage_json(row.usage),
    }  # fmt: skip
