"""What one agent used, from rows as the ingest writes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.usage import Tokens, UsageRecord
from agentdeck.services.usage import usage_entries
from agentdeck.services.usage.stats import QUARTER_MS, agent_stats
from agentdeck.services.usage.usage_owner import Owner

NOW = 1_790_000_000_000
QUARTER = NOW // QUARTER_MS * QUARTER_MS


@pytest.fixture
def conn(deck_home: object) -> Iterator[sqlite3.Connection]:
    conn = store.write(paths.database_file())
    yield conn
    conn.close()


def used(conn: sqlite3.Connection, agent: str, session: str, model: str, quarter: int, output: int, cost: int) -> None:
    conn.execute(
        "INSERT INTO usage_rollup VALUES (?, 0, 0, 'builtin', '/r', ?, ?, ?, 1, 10, 200, 30, 0, ?, 0, ?, 0)",
        (agent, session, model, quarter, output, cost),
    )
    key = f"{session}-{model}-{quarter}"
    record = UsageRecord(key, "builtin", session, quarter + 60_000, model, Tokens(10, 200, 30, 0, output))
    usage_entries.put(conn, usage_entries.by_kind([usage_entries.Entry(record, Owner(agent), None, "")]), {})


def test_models_by_cost_sessions_by_time_and_quarters_up_to_now(conn: sqlite3.Connection) -> None:
    used(conn, "a", "s1", "small", QUARTER - 2 * QUARTER_MS, 5, 100)
    used(conn, "a", "s2", "large", QUARTER, 7, 900)
    used(conn, "a", "s2", "large", QUARTER - QUARTER_MS * 99, 1, 1)
    used(conn, "b", "s3", "large", QUARTER, 1000, 9999)
    conn.execute("INSERT INTO agent_sessions (agent, vendor_session, started) VALUES ('a', 's4', 1)")
    stats = agent_stats(conn, "a", NOW, span=4)
    assert [(model, one.cost, one.messages) for model, one in stats.by_model] == [("large", 901, 2), ("small", 100, 1)]
    assert [(one.session, one.usage.tokens.output, one.last) for one in stats.sessions] == [
        ("s2", 8, QUARTER + 60_000), ("s1", 5, QUARTER - 2 * QUARTER_MS + 60_000), ("s4", 0, 0),
    ]  # fmt: skip
    assert stats.quarters == (0, 245, 0, 247)


def test_an_agent_without_usage_has_nothing(conn: sqlite3.Connection) -> None:
    stats = agent_stats(conn, "nobody", NOW, span=3)
    assert (stats.by_model, stats.sessions, stats.quarters) == ((), (), (0, 0, 0))
