"""What clients counted and recorded nowhere, summed for a report. Standard library only, for its 100 ms."""

from __future__ import annotations

import sqlite3

from agentdeck.models.usage import Tokens

_CLASSES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")


def _told(tokens: Tokens, cost: int, sessions: int) -> dict[str, object]:
    return {
        "tokens": tokens.total, "input_tokens": tokens.input, "cache_read_tokens": tokens.cache_read,
        "cache_write_5m_tokens": tokens.cache_write_5m, "cache_write_1h_tokens": tokens.cache_write_1h,
        "output_tokens": tokens.output, "cost_usd": round(cost / 1e9, 9), "sessions": sessions,
    }  # fmt: skip


NO_AUXILIARY = _told(Tokens(), 0, 0)


def auxiliary(conn: sqlite3.Connection, first: int | None = None, last: int | None = None) -> dict[str, object]:
    """Of the totals that clients told between `first` and `last` (UTC ms)."""
    sums = ", ".join(f"SUM(MAX({name}, 0))" for name in _CLASSES)
    row = conn.execute(
        f"SELECT {sums}, SUM(MAX(cost, 0)), COUNT(DISTINCT session) FROM reconciliation "
        "WHERE at >= ? AND at < ? AND our_tokens < client_tokens",
        (first or 0, last or 1 << 62),
    ).fetchone()
    return _told(Tokens(*(value or 0 for value in row[:6])), row[6] or 0, row[7])
