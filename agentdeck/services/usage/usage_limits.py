"""How much of their accounts' allowances is used, as the providers say: kept as samples, so that one can look ahead."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from agentdeck.models.usage import Limit

_NEWEST = """SELECT harness, account, window, used_percent, resets_at, MAX(at) FROM limits GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3"""
KEPT_MS = 8 * 24 * 3600 * 1000  # longer than the longest window

_ADD = """INSERT OR REPLACE INTO limits (harness, account, window, used_percent, resets_at, at, agent)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
_LAST = """SELECT used_percent, resets_at FROM limits WHERE harness = ? AND account = ? AND window = ? AND at <= ?
    ORDER BY at DESC LIMIT 1"""
_ACCOUNT = "SELECT config_home FROM agents WHERE id = ?"


def keep(conn: sqlite3.Connection, told: Sequence[tuple[str, Limit]]) -> None:
    """Store limits, each with the agent (id) that was told; one that says what the last one said adds nothing.

    An account is a client's configuration directory: its agents share what is left.
    """
    for agent, limit in told:
        row = conn.execute(_ACCOUNT, (agent,)).fetchone()
        account = row[0] if row else ""
        last = conn.execute(_LAST, (limit.harness, account, limit.window, limit.at)).fetchone()
        if last is None or tuple(last) != (limit.used_percent, limit.resets_at):
            values = (limit.harness, account, limit.window, limit.used_percent, limit.resets_at, limit.at, agent)
            conn.execute(_ADD, values)
            conn.execute("DELETE FROM limits WHERE at < ? AND harness = ?", (limit.at - KEPT_MS, limit.harness))


def newest(conn: sqlite3.Connection) -> dict[tuple[str, str], list[Limit]]:
    """The newest of each window, by (harness, account)."""
    found: dict[tuple[str, str], list[Limit]] = {}
    for row in conn.execute(_NEWEST):
        found.setdefault((row[0], row[1]), []).append(Limit(row[0], row[2], row[3], row[4], row[5]))
    return found
