"""What a client tells its statusline command: read, kept, and held against our own count."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.harnesses.claude.statusline import read
from agentdeck.models.agent import Agent
from agentdeck.models.usage import Limit
from agentdeck.models.vitals import Vitals, Warmth
from agentdeck.services.usage import usage_limits, vitals

AT = 1_795_612_400_000
TOLD = {
    "session_id": "s",
    "cost": {"total_cost_usd": 0.25},
    "context_window": {
        "context_window_size": 200_000,
        "current_usage": {"input_tokens": 4, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 6},
    },
    "prompt_cache": {
        "warm": True, "expires_at": 1_795_612_440, "hit_ratio": 0.9, "recache_tokens_if_cold": 5000,
    },
    "rate_limits": {
        "five_hour": {"used_percentage": 41.5, "resets_at": 1_795_620_000},
        "seven_day": {"used_percentage": 7, "resets_at": "2026-11-30T00:00:00Z"},
    },
}  # fmt: skip


def test_all_that_is_told() -> None:
    told = read(json.dumps(TOLD).encode(), AT)
    assert (told.session, told.used_tokens, told.window_tokens) == ("s", 100, 200_000)
    assert (told.warm, told.cold_at, told.hit_ratio, told.recache_tokens) == (True, AT + 40_000, 0.9, 5000)
    assert told.total is not None and (told.total.cost, told.total.source) == (250_000_000, "statusline")
    assert told.limits == (
        Limit("claude", "5h", 41.5, 1_795_620_000_000, AT), Limit("claude", "7d", 7.0, 1_795_996_800_000, AT),
    )  # fmt: skip


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(TOLD)), anything)
def test_no_value_breaks_it(name: str, value: object) -> None:
    read(json.dumps({**TOLD, name: value}).encode(), AT)
    inner = TOLD[name]
    for key in inner if isinstance(inner, dict) else ():
        read(json.dumps({**TOLD, name: {**inner, key: value}}).encode(), AT)


@pytest.mark.parametrize("data", [b"", b"[1]", b"{", b"\xff", b"null"])
def test_what_is_no_object_tells_nothing(data: bytes) -> None:
    assert read(data, AT) in (Vitals(), Vitals(at=AT))


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    opened = store.write(tmp_path / "deck.db")
    opened.execute(
        "INSERT INTO agents (id, name, harness, repo, worktree, life, created, config_home) "
        "VALUES ('a', 'ann', 'claude', '/r', '/w', 'live', 1, '/home/.claude')"
    )
    yield opened
    opened.close()


def test_what_is_kept(conn: Connection) -> None:
    told = read(json.dumps(TOLD).encode(), AT)
    vitals.store(conn, [("a", told), ("a", told)], {})
    assert vitals.warmth(conn) == {"a": Warmth(True, AT + 40_000, 0.9, 5000, AT)}
    assert usage_limits.newest(conn) == {("claude", "/home/.claude"): list(told.limits)}
    assert conn.execute("SELECT used_tokens, window_tokens FROM context").fetchall()[0][:] == (100, 200_000)
    row = conn.execute("SELECT source, our_cost, client_cost FROM reconciliation").fetchone()
    assert tuple(row) == ("statusline", 0, 250_000_000)


def test_a_limit_that_says_the_same_adds_no_sample(conn: Connection) -> None:
    def limit(used: float, at: int) -> tuple[str, Limit]:
        return "a", Limit("claude", "5h", used, 9, at)

    usage_limits.keep(conn, [limit(1.0, AT), limit(1.0, AT + 5), limit(2.0, AT + 9)])
    assert [row[0] for row in conn.execute("SELECT at FROM limits ORDER BY at")] == [AT, AT + 9]
    late = AT + 30 * 24 * 3600 * 1000
    usage_limits.keep(conn, [limit(3.0, late)])
    assert [row[0] for row in conn.execute("SELECT at FROM limits")] == [late]


async def test_only_what_changed_is_read(deck_home: Path) -> None:
    agent = Agent("a", "ann", "claude", "/r", "/w", "", "", "", "live")
    spool = paths.make_private(paths.spool_dir("a"))
    writer = store.Writer(paths.database_file())
    watch = vitals.VitalsWatch(writer)
    try:
        assert await watch.look([agent], {}) == set()
        (spool / vitals.FILE).write_text(json.dumps(TOLD))
        assert await watch.look([agent], {}) == {"a"}
        assert await watch.look([agent], {}) == set()
        (spool / vitals.FILE).write_bytes(b"{torn")
        assert await watch.look([agent], {}) == set()
    finally:
        writer.close()
