"""How fast the deck spends just now, and what it may spend today: two figures of the top line."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from agentdeck.services.budgets import budget_rows

MINUTES = 5  # the pace is the mean over so many
_USED = """SELECT SUM(input + cache_read + cache_write_5m + cache_write_1h + output), SUM(cost) FROM usage
    WHERE agent = ?1 AND newest > ?2 AND ts > ?2 AND ts <= ?3"""


@dataclass(frozen=True, slots=True)
class Pace:
    """Tokens a minute, nano-dollars an hour; the day's limit in nano-dollars, 0 without one, and what counts under it.

    Only agents count under a limit: sessions that were started outside do not.
    """

    tokens: int = 0
    cost: int = 0
    day_limit: int = 0
    day_used: int = 0


def read(conn: sqlite3.Connection | None, now: int) -> Pace:
    """Of agents that are here and of sessions outside, over the last MINUTES up to `now` (UTC ms)."""
    if conn is None:
        return Pace()
    tokens, cost = 0, 0
    present = [row[0] for row in conn.execute("SELECT id FROM agents WHERE life != 'removed'")]
    for agent in ("", *present):
        count, money = conn.execute(_USED, (agent, now - MINUTES * 60_000, now)).fetchone()
        tokens += count or 0
        cost += money or 0
    limit = _day_limit(conn)
    used = budget_rows.spent(conn, "day", "", now).used.usd if limit else 0
    return Pace(tokens // MINUTES, cost * 60 // MINUTES, limit, used)


def _day_limit(conn: sqlite3.Connection) -> int:
    from agentdeck import config  # not for `ls`

    set_ = conn.execute("SELECT usd FROM budgets WHERE scope = 'day'").fetchone()
    limits = [set_[0] if set_ else 0, round(config.load().budgets.day.usd * 1e9)]
    return min((limit for limit in limits if limit), default=0)
