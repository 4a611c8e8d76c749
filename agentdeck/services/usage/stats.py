"""What one agent used, by model, session and time: what a panel shows, read from the rollup."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from agentdeck.models.usage import Tokens
from agentdeck.services.fleet import UsageSum

QUARTER_MS = 15 * 60 * 1000  # the rollup's grain


@dataclass(frozen=True, slots=True)
class SessionUse:
    """One conversation with its client; `last` in UTC milliseconds, 0 when nothing was counted in it."""

    session: str
    usage: UsageSum
    last: int


@dataclass(frozen=True, slots=True)
class AgentStats:
    """`quarters` are tokens per quarter of an hour, oldest first, up to now."""

    by_model: tuple[tuple[str, UsageSum], ...] = ()
    sessions: tuple[SessionUse, ...] = ()
    quarters: tuple[int, ...] = ()


_SUMS = """SUM(input), SUM(cache_read), SUM(cache_write_5m), SUM(cache_write_1h), SUM(output), SUM(reasoning),
    SUM(messages), SUM(cost), SUM(unpriced_tokens)"""


def _sum(row: sqlite3.Row) -> UsageSum:
    return UsageSum(Tokens(*row[1:7]), row[7], row[8], row[9])


def agent_stats(conn: sqlite3.Connection, agent: str, now: int, span: int = 32) -> AgentStats:
    """The agent (id) over all time; `quarters` covers the last `span` quarters of an hour before `now` (ms)."""
    by_model = [
        (row[0], _sum(row))
        for row in conn.execute(
            f"SELECT model, {_SUMS} FROM usage_rollup WHERE agent = ? GROUP BY model ORDER BY SUM(cost) DESC, model",
            (agent,),
        )
    ]
    last = dict(
        conn.execute(
            "SELECT session, MAX((SELECT MAX(ts) FROM responses WHERE kind = k.id)) FROM usage_kinds k "
            "WHERE agent = ? GROUP BY session",
            (agent,),
        ).fetchall()
    )
    by_session = f"SELECT session, {_SUMS} FROM usage_rollup WHERE agent = ? GROUP BY session"
    counted = {row[0]: SessionUse(row[0], _sum(row), last.get(row[0], 0)) for row in conn.execute(by_session, (agent,))}
    known = [
        row[0]
        for row in conn.execute("SELECT vendor_session FROM agent_sessions WHERE agent = ? ORDER BY started", (agent,))
    ]
    silent = [SessionUse(session, UsageSum(), 0) for session in known if session not in counted]
    sessions = sorted([*counted.values(), *silent], key=lambda one: one.last, reverse=True)
    return AgentStats(tuple(by_model), tuple(sessions), _quarters(conn, agent, now, span))


def _quarters(conn: sqlite3.Connection, agent: str, now: int, span: int) -> tuple[int, ...]:
    newest = now // QUARTER_MS * QUARTER_MS
    oldest = newest - (span - 1) * QUARTER_MS
    found = dict(
        conn.execute(
            "SELECT quarter, SUM(input + cache_read + cache_write_5m + cache_write_1h + output) FROM usage_rollup "
            "WHERE agent = ? AND quarter >= ? GROUP BY quarter",
            (agent, oldest),
        ).fetchall()
    )
    return tuple(found.get(oldest + step * QUARTER_MS, 0) for step in range(span))
