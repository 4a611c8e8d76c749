"""The usage screen's numbers, from rows as the ingest writes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.budget import Amounts, Budget
from agentdeck.models.clock import midnight
from agentdeck.models.price import Quote, Rates
from agentdeck.models.usage import Tokens, UsageRecord
from agentdeck.services.budgets import budget_rows
from agentdeck.services.usage import pace, usage_store
from agentdeck.services.usage.usage_owner import Owners
from agentdeck.services.usage.usage_view import DAY_MS, HOUR_MS, MINUTE_MS, Line, forecast, hit_ratio, load, rate

NOON = midnight(1_790_000_000_000) + 12 * HOUR_MS
FLAT = Rates(dict.fromkeys(("input", "cache_read", "cache_write_5m", "cache_write_1h", "output"), ((0, 1000000),)))


@pytest.fixture
def conn(deck_home: object) -> Iterator[sqlite3.Connection]:
    conn = store.write(paths.database_file())
    for key, name, team in (("a", "ann", "red"), ("b", "bob", "")):
        conn.execute(
            "INSERT INTO agents (id, name, harness, team, repo, worktree, life, created) "
            "VALUES (?, ?, 'builtin', ?, '/r', '/t', 'live', 1)",
            (key, name, team),
        )
        conn.execute("INSERT INTO agent_sessions (agent, vendor_session, started) VALUES (?, ?, 1)", (key, f"s-{key}"))
    yield conn
    conn.close()


def used(conn: sqlite3.Connection, session: str, ts: int, tokens: int, model: str = "m", priced: bool = True) -> None:
    """One response: 40 % of its input from the cache, a micro-dollar a token."""
    key = f"builtin:{session}-{ts}-{model}"
    counts = Tokens(input=tokens // 2, cache_read=tokens // 3, output=tokens - tokens // 2 - tokens // 3)
    record = UsageRecord(f"{key}/r", "builtin", session, ts, model, counts, message=key)
    quotes = {usage_store.price_key(record): Quote("t", FLAT if priced else None, model, 1)}
    usage_store.store(conn, [(record, "/elsewhere")], Owners(conn), quotes)


def test_groups_spans_and_what_is_outside(conn: sqlite3.Connection) -> None:
    used(conn, "s-a", NOON - MINUTE_MS, 600)
    used(conn, "s-a", NOON - 2 * DAY_MS, 60, "n")
    used(conn, "s-b", NOON - HOUR_MS, 6000, "n", priced=False)
    used(conn, "stranger", NOON - HOUR_MS, 300)

    today = load(conn, "agent", "today", NOON)
    assert [(line.name, line.used.tokens.total, line.outside) for line in today.lines] == [
        ("ann", 600, False), ("outside the deck", 300, True), ("bob", 6000, False),
    ]  # fmt: skip
    assert (today.total.tokens.total, today.total.cost, today.total.unpriced_tokens) == (6900, 900_000, 6000)
    assert {line.name: line.models for line in today.models} == {"m": (("m", 900),), "n": (("n", 6000),)}

    week = load(conn, "agent", "7 days", NOON)
    assert next(line for line in week.lines if line.name == "ann").models == (("m", 600), ("n", 60))
    assert [line.used.tokens.total for line in load(conn, "day", "all", NOON).lines] == [6900, 60]
    assert {line.name: line.used.tokens.total for line in load(conn, "team", "all", NOON).lines} == {
        "red": 660, "no team": 6300,
    }  # fmt: skip
    assert {line.name for line in load(conn, "repo", "all", NOON).lines} == {"/r", "/elsewhere"}


def test_pace_heat_and_course(conn: sqlite3.Connection) -> None:
    used(conn, "s-a", NOON - MINUTE_MS // 2, 600)
    used(conn, "s-b", NOON - MINUTE_MS * 3, 1200)
    used(conn, "s-b", NOON - 26 * HOUR_MS, 60)
    view = load(conn, "agent", "today", NOON)
    assert [rate(view.burn, minutes) for minutes in (1, 5, 15)] == [600, 360, 120]
    assert rate(view.spend, 1) == 600_000
    assert view.heat == {(0, 11): 1800, (1, 10): 60}
    assert (view.course[0], view.course[11], len(view.course)) == (("00", 0), ("11", 1_800_000), 13)
    assert [cost for _, cost in load(conn, "agent", "7 days", NOON).course] == [0, 0, 0, 0, 0, 60_000, 1_800_000]


def test_what_accepted_tasks_cost_failures_included(conn: sqlite3.Connection) -> None:
    for task, state in ((1, "landed"), (2, "failed")):
        conn.execute("INSERT INTO specs (version, text, created) VALUES (?, 't', 1)", (f"v{task}",))
        conn.execute(
            "INSERT INTO tasks (title, state, spec_version, repo, created) VALUES ('t', ?, ?, '/r', 1)",
            (state, f"v{task}"),
        )
        conn.execute(
            "INSERT INTO attempts (task, n, agent, harness, model, spec_version, outcome, base_oid, head_oid, started, "
            "ended) VALUES (?, 1, 'a', 'builtin', '', ?, 'passed', 'b', 'h', ?, ?)",
            (task, f"v{task}", NOON - task * HOUR_MS, NOON - task * HOUR_MS + MINUTE_MS),
        )
        used(conn, "s-a", NOON - task * HOUR_MS + 1000, 600)
    used(conn, "s-a", NOON - 10_000, 6_000)
    found = load(conn, "task", "today", NOON).outcome
    assert (found.cost, found.accepted, found.tried, found.landed) == (1_200_000, 1, 2, (("/r", "b", "h"),))


def test_limits_with_a_forecast(conn: sqlite3.Connection) -> None:
    reset = NOON + 3 * HOUR_MS
    for ago, percent, until in ((60, 20.0, reset), (30, 40.0, reset), (0, 60.0, reset), (90, 90.0, NOON - 1)):
        window = "5h" if until == reset else "7d"
        row = ("claude", "me", window, percent, until, NOON - ago * MINUTE_MS)
        conn.execute("INSERT INTO limits VALUES (?, ?, ?, ?, ?, ?, '')", row)
    (limit,) = load(conn, "agent", "today", NOON).limits
    assert (limit.window, limit.used_percent, limit.forecast) == ("5h", 60.0, NOON + HOUR_MS)
    assert forecast([(0, 10.0), (HOUR_MS, 20.0)], 4 * HOUR_MS) == 0
    assert forecast([(0, 10.0)], 0) == forecast([(0, 10.0), (HOUR_MS, 10.0)], 0) == 0


def test_without_anything() -> None:
    assert load(None, "agent", "today", NOON).lines == ()
    assert hit_ratio(Tokens()) is None
    assert Line("", "", load(None, "agent", "all", 0).total).models == ()


def test_the_top_line_has_the_pace_of_five_minutes_and_the_lower_limit(conn: sqlite3.Connection) -> None:
    used(conn, "s-a", NOON - MINUTE_MS, 600)
    used(conn, "stranger", NOON - 4 * MINUTE_MS, 400)
    used(conn, "s-b", NOON - 6 * MINUTE_MS, 9_000)
    assert pace.read(conn, NOON) == pace.Pace(200, 12_000_000)
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text("[budgets.day]\nusd = 20\n")
    found = pace.read(conn, NOON)
    assert (found.day_limit, found.day_used) == (20_000_000_000, 9_600_000)  # the stranger's does not count under it
    budget_rows.put(conn, Budget("day", "", Amounts(usd=5_000_000_000)))
    assert pace.read(conn, NOON).day_limit == 5_000_000_000
    assert pace.read(None, NOON) == pace.Pace()
