"""Pauses a harness or a spec whose attempts die, are refused or never start, one after the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from agentdeck.models.clock import now_ms
from agentdeck.services import rows
from agentdeck.services.status.evidence import PANE_GONE

LOOKED_AT = 400  # attempts, newest first, that a pause may follow from
_BROKEN = ("died", "refused")
_NEUTRAL = ("running", "cancelled", "limited", "lost")


def tripped(outcomes: Iterable[str], limit: int) -> int:
    """How many attempts in a row went wrong, newest first, when that is `limit` or more; else 0. Pure.

    Gate failures are no sign of a broken harness; cancelled and limited attempts are none of anything, nor are those
    that `lost` stands for: a tmux server that goes takes all agents along.
    """
    row = 0
    for outcome in outcomes:
        if outcome in _NEUTRAL:
            continue
        if outcome not in _BROKEN:
            break
        row += 1
    return row if row >= limit else 0


def paused(conn: sqlite3.Connection, limit: int) -> dict[str, str]:
    """What pauses, as `harness NAME` or `spec VERSION`, and why."""
    resets: Mapping[str, int] = dict(conn.execute("SELECT subject, at FROM breaker_resets").fetchall())
    query = "SELECT * FROM attempts ORDER BY started DESC, task DESC, n DESC LIMIT ?"
    by_subject: dict[str, list[sqlite3.Row]] = {}
    for row in conn.execute(query, (LOOKED_AT,)):
        for subject in (f"harness {row['harness']}", f"spec {row['spec_version']}"):
            if row["started"] > resets.get(subject, 0):
                by_subject.setdefault(subject, []).append(row)
    return {subject: told for subject, found in by_subject.items() if (told := _told(subject, found, limit))}


def _told(subject: str, found: Sequence[sqlite3.Row], limit: int) -> str:
    count = tripped(("lost" if PANE_GONE in row["reason"] else row["outcome"] for row in found), limit)
    if not count:
        return ""
    last = next(row for row in found if row["outcome"] in _BROKEN)
    kind, name = subject.split(" ", 1)
    called = f"the harness {name}" if kind == "harness" else "this spec"
    reason = f", the last one: {last['reason']}" if last["reason"] else ""
    return (
        f"{called} pauses: {count} attempts in a row died, were refused or never started{reason}; "
        "`agentdeck task resume` lets it go on"
    )


def resume(conn: sqlite3.Connection, limit: int) -> list[str]:
    """Let everything that pauses go on; returns what that was."""
    found = sorted(paused(conn, limit))
    for subject in found:
        conn.execute("INSERT OR REPLACE INTO breaker_resets (subject, at) VALUES (?, ?)", (subject, now_ms()))
        rows.event(conn, now_ms(), "queue", subject=subject, state="resumed")
    return found
