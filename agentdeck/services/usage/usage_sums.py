"""The sums that stand beside the responses: per quarter of an hour, per UTC day, over all time; by owner or by model.

Each is changed by differences, in the transaction that changes the responses: they agree at every moment. A panel
reads the coarsest that will do, so that its time does not grow with the history.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

QUARTER_MS = 15 * 60 * 1000
DAY_MS = 24 * 3600 * 1000

Bucket = tuple[str, int, int, str, str, str, str, int]
"""(agent, task, attempt, harness, repo, session, model, start of the quarter of an hour in ms)"""
SUMS = (
    "messages", "input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "cost",
    "unpriced_tokens",
)  # fmt: skip


def _add(table: str, keys: str) -> str:
    columns = f"{keys}, {', '.join(SUMS)}"
    marks = ", ".join("?" * len(columns.split(", ")))
    grown = ", ".join(f"{name} = {name} + excluded.{name}" for name in SUMS)
    return f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT ({keys}) DO UPDATE SET {grown}"


def _by_day(key: Bucket) -> tuple[object, ...]:
    return (*key[:5], key[6], key[7] // DAY_MS * DAY_MS)


_OWNER = "agent, task, attempt, harness, repo"
_TABLES = (
    (_add("usage_rollup", f"{_OWNER}, session, model, quarter"), "usage_rollup", lambda key: key),
    (_add("usage_days", f"{_OWNER}, model, day"), "usage_days", _by_day),
    (_add("usage_ever", f"{_OWNER}, model"), "usage_ever", lambda key: (*key[:5], key[6])),
    (_add("usage_quarters", "quarter, model"), "usage_quarters", lambda key: (key[7], key[6])),
)  # fmt: skip


_COLUMNS = f"{_OWNER}, model, {', '.join(SUMS)}"
_QUARTERS = f"SELECT {_COLUMNS} FROM usage_rollup WHERE quarter >= ? AND quarter < ?"
_WHOLE_DAYS = f"SELECT {_COLUMNS} FROM usage_days WHERE day >= ? AND day < ?"
LAST = 1 << 62


def within(first: int | None, last: int | None = None) -> tuple[str, list[int]]:
    """What to select from for sums by owner and model between two times (UTC ms, whole quarters of an hour).

    A table, or a query in brackets with its parameters: whole UTC days out of their sums, the rest by quarters.
    """
    if not first and last is None:
        return "usage_ever", []
    start, end = first or 0, LAST if last is None else last
    whole, rest = -(-start // DAY_MS) * DAY_MS, end // DAY_MS * DAY_MS
    if whole >= rest:
        return f"({_QUARTERS})", [start, end]
    return f"({_QUARTERS} UNION ALL {_WHOLE_DAYS} UNION ALL {_QUARTERS})", [start, whole, whole, rest, rest, end]


def add(conn: sqlite3.Connection, changes: Mapping[Bucket, list[int]]) -> None:
    """Add to each bucket its amounts, in the order of SUMS; they may be negative. An empty bucket is removed."""
    for statement, table, key_of in _TABLES:
        sums: dict[tuple[object, ...], list[int]] = {}
        for bucket, amounts in changes.items():
            key = key_of(bucket)
            held = sums.get(key)
            sums[key] = amounts if held is None else [one + other for one, other in zip(held, amounts, strict=True)]
        conn.executemany(statement, [(*key, *amounts) for key, amounts in sums.items() if any(amounts)])
        if any(amounts[0] < 0 for amounts in sums.values()):
            conn.execute(f"DELETE FROM {table} WHERE messages <= 0")
