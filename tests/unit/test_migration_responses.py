"""Responses that an older agentdeck has counted are there after its database was brought up to date."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from agentdeck.adapters.database.migrations import migrations
from agentdeck.services.usage import usage_entries

COLUMNS = (
    "key, message, harness, agent, session, sidechain, task, attempt, repo, ts, model, variant, input, cache_read, "
    "cache_write_5m, cache_write_1h, output, reasoning, searches, cost, cost_source, client_cost"
)
TAIL = ("/r", 100, "m", "", 1, 2, 3, 4, 5, 6, 0)
ROWS = [
    ("claude:m1/r1", "claude:m1", "claude", "a", "s", "", 1, 1, *TAIL, 70, "list", None),
    ("claude:m1/r2", "claude:m1", "claude", "a", "s", "", 1, 1, *TAIL, None, "", None),
    ("gemini:m2", "gemini:m2", "gemini", "", "t", "side", 0, 0, *TAIL, 80, "client", 80),
    ("odd", "not its beginning", "gemini", "", "t", "side", 0, 0, *TAIL, 80, "client", 80),
]


def test_every_response_keeps_all_that_was_known_of_it(tmp_path: Path) -> None:
    conn = sqlite3.connect(tmp_path / "old.db", isolation_level=None)
    conn.row_factory = sqlite3.Row
    db = Database(conn)
    migrations.apply(db, stop_before="m020_responses")
    conn.executemany(f"INSERT INTO usage ({COLUMNS}) VALUES ({', '.join('?' * 22)})", ROWS)
    migrations.apply(db)
    found = [tuple(row) for row in conn.execute(f"SELECT {COLUMNS} FROM usage ORDER BY key")]
    assert found == [*ROWS[:3], ("odd", "odd", *ROWS[3][2:])]
    entries, numbers = usage_entries.of_messages(conn, ["claude:m1", "gemini:m2", "nobody's"])
    assert sorted(entries) == sorted(numbers) == ["claude:m1/r1", "claude:m1/r2", "gemini:m2"]
    assert (entries["gemini:m2"].owner.repo, entries["gemini:m2"].record.client_cost) == ("/r", 80)
    conn.close()
