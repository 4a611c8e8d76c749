"""Which wait is another one, who has seen it, and whose bell tells of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.agent import Agent
from agentdeck.models.status import Ask, State, Status
from agentdeck.services import fleet
from agentdeck.services.asking import attention
from agentdeck.services.fleet import AgentRow

PUSH = Ask("Bash: git push", "permission", "Bash", "command: git push")


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    made = store.write(paths.database_file())
    yield made
    made.close()


def asks(ask: Ask | None = None, since: int = 10) -> Status:
    return Status("needs_input", "hook", since, "a hook", "permission", ask)


def row(name: str, state: State, since: int, beside: str = "") -> AgentRow:
    agent = Agent(id=name, name=name, harness="builtin", repo="/r", worktree="/t", branch="b", base="main",
                  base_oid="0" * 40, life="live", beside=beside)  # fmt: skip
    return AgentRow(agent, Status(state, "hook", since, "why"))


def test_the_most_urgent_kind_comes_first_and_of_a_kind_who_waits_longest() -> None:
    rows = [row("a", "failed", 1), row("b", "needs_input", 9), row("c", "idle", 2), row("d", "needs_input", 3),
            row("e", "limited", 1), row("f", "hung", 5), row("g", "needs_input", 1, beside="a")]  # fmt: skip
    assert [one.agent.name for one in attention.needing(rows)] == ["d", "b", "a", "f", "e"]


def test_what_was_seen_stays_seen_until_another_wait(conn: sqlite3.Connection) -> None:
    assert attention.see(conn, "a", asks(PUSH), 20)
    assert not attention.see(conn, "a", asks(PUSH), 30)
    noted = attention.load(conn)["a"]
    assert attention.seen_at(noted, asks(PUSH)) == 20
    other = Ask("Bash: rm x", "permission", "Bash", "command: rm x")
    for status in (asks(PUSH, since=11), asks(other), Status("failed", since=10)):
        assert attention.seen_at(noted, status) == 0
    assert attention.see(conn, "a", asks(other), 40)
    assert attention.seen_at(attention.load(conn)["a"], asks(other)) == 40


def test_words_that_come_to_be_known_later_make_no_other_wait(conn: sqlite3.Connection) -> None:
    """A client paints its question before it tells of the tool, or the other way round."""
    assert attention.ring(conn, [("a", asks(Ask("Do you want to proceed?")))], 20)
    assert not attention.ring(conn, [("a", asks(PUSH))], 21)
    other = Ask("Bash: rm x", "permission", "Bash", "command: rm x")
    assert attention.ring(conn, [("a", asks(other))], 22)  # the exact request was kept meanwhile


def test_one_of_two_dashboards_rings_and_none_for_what_was_seen(conn: sqlite3.Connection) -> None:
    told = [("a", asks(PUSH)), ("b", Status("failed", since=4))]
    assert attention.claim_bell(told, 20)
    assert not attention.claim_bell(told, 20)
    attention.note_seen([("c", asks(since=5))], 21)
    assert not attention.claim_bell([("c", asks(since=5))], 22)
    assert attention.claim_bell([("c", asks(since=6)), ("b", Status("failed", since=4))], 23)


def test_nobody_is_rung_for_who_needs_nobody(conn: sqlite3.Connection) -> None:
    assert not attention.ring(conn, [("a", Status("idle", since=4))], 20)
    assert attention.load(conn) == {}


def test_every_view_reads_that_it_was_seen(conn: sqlite3.Connection) -> None:
    from agentdeck.services import rows

    agent = row("a", "needs_input", 10).agent
    rows.insert(conn, "agents", rows.agent_columns(agent))
    rows.insert(conn, "status", {"agent": "a", **rows.status_columns(asks(PUSH)), "epoch": 1})
    assert [one.seen for one in fleet.load(conn).rows] == [0]
    attention.see(conn, "a", asks(PUSH), 20)
    assert [one.seen for one in fleet.load(conn, "another").rows] == [20]


def test_the_reason_is_the_tool_with_its_input() -> None:
    waiting = row("a", "failed", 1)
    assert attention.reason(waiting) == "why"
    asking = AgentRow(waiting.agent, asks(Ask("Run this command?", "permission", "bash", "git push\n--force")))
    assert attention.reason(asking) == "bash: git push --force"
