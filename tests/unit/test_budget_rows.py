"""What counts under the limits of an agent, a task, a team, a repository and a day, summed by hand."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.agent import Agent
from agentdeck.models.budget import Amounts, Budget, Scope
from agentdeck.models.clock import midnight
from agentdeck.services.budgets import budget_rows
from agentdeck.services.budgets.budget_keeper import Book, Rules
from agentdeck.services.usage import usage_sums

HOUR = 3_600_000
NOON = midnight(1_790_000_000_000) + 12 * HOUR
YESTERDAY = NOON - 24 * HOUR
DOLLAR = 1_000_000_000
AGENTS = (("a", "red", "/r", "live"), ("b", "red", "/q", "removed"), ("c", "", "/r", "live"))
# agent, task, quarter, turns, tokens, dollars, tokens without a price; '' is a session outside the deck
USED = (
    ("a", 1, NOON, 1, 10, 1, 0),
    ("a", 0, YESTERDAY, 2, 20, 2, 0),
    ("b", 1, NOON, 4, 40, 4, 7),
    ("c", 2, NOON, 8, 80, 8, 0),
    ("", 0, NOON, 16, 160, 16, 0),
)
WORKED = ((("a", 1, NOON), 60_000), (("a", 0, YESTERDAY), 120_000), (("b", 1, NOON), 240_000))


@pytest.fixture
def conn(deck_home: object) -> Iterator[sqlite3.Connection]:
    conn = store.write(paths.database_file())
    for key, team, repo, life in AGENTS:
        conn.execute(
            "INSERT INTO agents (id, name, harness, team, repo, worktree, life, created) "
            "VALUES (?, ?, 'h', ?, ?, '/t', ?, 1)",
            (key, f"name-{key}", team, repo, life),
        )
    conn.execute("INSERT INTO specs (version, text, created) VALUES ('v', 't', 1)")
    for task in (1, 2):
        conn.execute(
            "INSERT INTO tasks (id, title, state, spec_version, repo, created) VALUES (?, 't', 'queued', 'v', '/r', 1)",
            (task,),
        )
    for n, (agent, task) in enumerate((("a", 1), ("b", 1), ("c", 2)), 1):
        conn.execute(
            "INSERT INTO attempts (task, n, agent, harness, model, spec_version, outcome, started) "
            "VALUES (?, ?, ?, 'h', '', 'v', 'failed', 1)",
            (task, n, agent),
        )
    for agent, task, quarter, turns, tokens, dollars, unpriced in USED:
        bucket = (agent, task, 1, "h", "/r", "s", "m", quarter)
        usage_sums.add(conn, {bucket: [turns, tokens, 0, 0, 0, 0, 0, dollars * DOLLAR, unpriced]})
    budget_rows.add_work(conn, dict(WORKED))
    yield conn
    conn.close()


@pytest.mark.parametrize(
    ("scope", "key", "dollars", "tokens", "minutes", "turns", "unpriced"),
    [
        ("agent", "a", 3, 30, 3, 3, 0),
        ("task", "1", 5, 50, 5, 5, 7),  # by two agents, one of them gone since
        ("task", "2", 8, 80, 0, 8, 0),
        ("team", "red", 7, 70, 7, 7, 7),
        ("repo", "/r", 11, 110, 3, 11, 0),  # where the agents were made, whatever directory they wrote from
        ("day", "", 13, 130, 5, 13, 7),  # today alone, and nothing from outside the deck
    ],
)
def test_what_counts(
    conn: sqlite3.Connection, scope: Scope, key: str, dollars: int, tokens: int, minutes: int, turns: int, unpriced: int
) -> None:
    spent = budget_rows.spent(conn, scope, key, NOON + 60_000)
    assert spent.used == Amounts(dollars * DOLLAR, tokens, minutes * 60_000, turns)
    assert spent.unpriced_tokens == unpriced


def test_of_all_limits_an_agent_is_under_the_nearest_acts(conn: sqlite3.Connection) -> None:
    agent = Agent("a", "name-a", "h", "/r", "/t", "", "", "", "live", team="red")
    budget_rows.put(conn, Budget("team", "red", Amounts(turns=10)))  # 7 of 10
    budget_rows.put(conn, Budget("repo", "/r", Amounts(usd=22 * DOLLAR)))  # 11 of 22
    rules = Rules(limits={("agent", ""): Amounts(tokens=100), ("day", ""): Amounts(usd=20 * DOLLAR)})  # 30 %, 65 %
    book = Book(conn, budget_rows.load(conn), rules, NOON + 60_000)
    assert {(one.budget.scope, round(one.share, 2)) for one in book.standings(agent, 0)} == {
        ("agent", 0.3), ("team", 0.7), ("repo", 0.5), ("day", 0.65),
    }  # fmt: skip
    worst = book.worst(agent, 0)
    # seven tokens of the day have no price: its dollars are as near as a warning
    assert worst is not None and (worst.budget.scope, worst.unit, worst.blind) == ("day", "usd", 7)
    budget_rows.put(conn, Budget("team", "red", Amounts(turns=8)))
    worst = Book(conn, budget_rows.load(conn), rules, NOON + 60_000).worst(agent, 0)
    assert worst is not None and (worst.budget.scope, worst.unit) == ("team", "turns")


def test_a_limit_that_is_set_is_told_in_a_persons_units(conn: sqlite3.Connection) -> None:
    budget_rows.put(conn, Budget("team", "red", Amounts(usd=1_900_000_000, minutes=90_000)))
    told = json.loads(conn.execute("SELECT data FROM events WHERE kind = 'budget'").fetchone()[0])
    assert told == {"action": "set", "scope": "team", "key": "red", "usd": 1.9, "minutes": 1.5}
