"""The queue's rows: leases, outcomes, and what survives a restart (everything)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck.adapters.database import store
from agentdeck.errors import AgentDeckError, TryAgain, UsageError
from agentdeck.models.agent import Agent
from agentdeck.models.task import Attempt
from agentdeck.services import rows
from agentdeck.services.delivery import deliveries
from agentdeck.services.queue import queue, specs


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deck.db"


@pytest.fixture
def conn(file: Path) -> Iterator[sqlite3.Connection]:
    found = store.write(file)
    yield found
    found.close()


def agent(conn: sqlite3.Connection, name: str, harness: str = "claude") -> Agent:
    made = Agent(
        f"id-{name}",
        name,
        harness,
        "/r",
        f"/w/{name}",
        f"deck/{name}/1",
        "",
        "base",
        "live",
        model="opus",
        session="s1",
    )
    rows.insert(conn, "agents", rows.agent_columns(made))
    return made


def add(conn: sqlite3.Connection, text: str = "# Do it\n", **words) -> int:
    return queue.add(conn, specs.parse(text, "specs/x.md"), "/r", **words)


def deliver(conn: sqlite3.Connection, attempt: Attempt, *, submitted: bool) -> None:
    key = deliveries.add(conn, attempt.agent, "text", kind="task", task=attempt.task)
    queue.set_delivery(conn, attempt, key)
    if submitted:
        rows.update(conn, "deliveries", "id", key, state="acknowledged", submitted=5)


def events(conn: sqlite3.Connection) -> list[str]:
    return [row["data"] for row in conn.execute("SELECT data FROM events WHERE kind = 'task' ORDER BY id")]


def test_a_task_holds_what_its_spec_says(conn: sqlite3.Connection) -> None:
    text = "---\ntitle: T\nbase: main\nharness: claude\nmodel: opus\nagent: al\nverify: make test\n---\nbody\n"
    first, second = add(conn, text), add(conn, text, priority=3, agent="bo")
    found = queue.task(conn, first)
    assert second == first + 1
    assert (found.title, found.base, found.harness, found.model, found.agent, found.verify) == (
        "T",
        "main",
        "claude",
        "opus",
        "al",
        "make test",
    )
    assert (found.state, found.repo, found.priority, found.attempts) == ("queued", "/r", 0, ())
    assert (queue.task(conn, second).agent, queue.task(conn, second).priority) == ("bo", 3)
    assert queue.text(conn, found.spec_version) == text
    assert specs.parse(queue.text(conn, found.spec_version)).body == "body"
    stored = conn.execute("SELECT approved_by, path FROM specs").fetchall()
    assert [tuple(row) for row in stored] == [("human", "specs/x.md")]


def test_an_unapproved_text_becomes_approved_by_the_human_who_adds_it(conn: sqlite3.Connection) -> None:
    add(conn, approved_by="")
    assert conn.execute("SELECT approved_by FROM specs").fetchone()[0] == ""
    add(conn)
    add(conn, approved_by="")
    assert conn.execute("SELECT approved_by FROM specs").fetchone()[0] == "human"


def test_unknown_tasks_specs_and_attempts(conn: sqlite3.Connection) -> None:
    with pytest.raises(UsageError, match="there is no task 7"):
        queue.task(conn, 7)
    with pytest.raises(AgentDeckError, match="not in the database"):
        queue.text(conn, "nope")
    with pytest.raises(UsageError, match="has no attempt 1"):
        queue.finish(conn, add(conn), 1, "ended")


def test_the_whole_way_of_a_task(conn: sqlite3.Connection, file: Path) -> None:
    key, al = add(conn), agent(conn, "al")
    attempt = queue.lease(conn, key, al)
    assert (attempt.n, attempt.harness, attempt.model, attempt.session, attempt.branch) == (
        1,
        "claude",
        "opus",
        "s1",
        "deck/al/1",
    )
    queue.set_branch(conn, attempt, "deck/al/2", "oid")
    deliver(conn, attempt, submitted=True)
    assert queue.task(conn, key).state == "running"
    assert queue.open_counts(conn) == {"queued": 0, "running": 1, "verifying": 0}
    again = store.read(file)  # another process, later
    assert again is not None
    assert [(a.task, a.branch, a.base_oid) for a in queue.running(again)] == [(key, "deck/al/2", "oid")]
    assert queue.finish(conn, key, 1, "ended", head_oid="tip") == "review"
    last = queue.task(again, key).attempts[0]
    assert (last.outcome, last.head_oid, last.ended >= last.started > 0) == ("ended", "tip", True)
    assert queue.running(again) == []
    again.close()
    queue.accept(conn, key, "well done")
    assert (queue.task(conn, key).state, queue.task(conn, key).reason) == ("accepted", "well done")
    assert len(events(conn)) == 4


def test_one_lease_an_agent_and_one_a_task(conn: sqlite3.Connection) -> None:
    one, two, al, bo = add(conn), add(conn), agent(conn, "al"), agent(conn, "bo")
    queue.lease(conn, one, al)
    with pytest.raises(TryAgain, match="agent al has another task"):
        queue.lease(conn, two, al)
    with pytest.raises(TryAgain, match=f"task {one} is running"):
        queue.lease(conn, one, bo)
    assert queue.task(conn, two).state == "queued"
    assert queue.task(conn, two).attempts == ()
    queue.finish(conn, one, 1, "ended")
    assert queue.lease(conn, two, al).n == 1


def test_two_processes_cannot_lease_one_task(conn: sqlite3.Connection, file: Path) -> None:
    key, al, bo = add(conn), agent(conn, "al"), agent(conn, "bo")
    other = store.write(file)
    with store.transaction(conn):
        queue.lease(conn, key, al)
    with pytest.raises(TryAgain), store.transaction(other):
        queue.lease(other, key, bo)
    other.close()
    assert [a.agent for a in queue.task(conn, key).attempts] == ["id-al"]


def test_a_finished_attempt_stays_as_it_ended(conn: sqlite3.Connection) -> None:
    key = add(conn)
    deliver(conn, queue.lease(conn, key, agent(conn, "al")), submitted=True)
    assert queue.finish(conn, key, 1, "ended") == "review"
    assert queue.finish(conn, key, 1, "died", "late news") == "review"
    assert queue.task(conn, key).attempts[0].outcome == "ended"


def test_what_never_reached_an_agent_goes_back_three_times(conn: sqlite3.Connection) -> None:
    key, al = add(conn), agent(conn, "al")
    states = []
    for n in (1, 2, 3):
        deliver(conn, queue.lease(conn, key, al), submitted=False)
        states.append(queue.finish(conn, key, n, "refused", "a draft is in its composer"))
    assert states == ["queued", "queued", "failed"]
    assert queue.task(conn, key).reason == "a draft is in its composer"
    queue.retry(conn, key)
    assert (queue.task(conn, key).state, queue.task(conn, key).reason) == ("queued", "")
    assert queue.lease(conn, key, al).n == 4


def test_what_reached_an_agent_is_never_given_out_again_by_itself(conn: sqlite3.Connection) -> None:
    key = add(conn)
    deliver(conn, queue.lease(conn, key, agent(conn, "al")), submitted=True)
    assert queue.finish(conn, key, 1, "died", "exit code 1") == "failed"
    assert queue.task(conn, key).reason == "exit code 1"


def test_cancel(conn: sqlite3.Connection) -> None:
    waiting, working, al = add(conn), add(conn), agent(conn, "al")
    attempt = queue.lease(conn, working, al)
    assert queue.cancel(conn, waiting) is None
    assert queue.cancel(conn, working) == attempt
    assert [queue.task(conn, key).state for key in (waiting, working)] == ["cancelled", "cancelled"]
    assert queue.running(conn) == []
    with pytest.raises(UsageError, match="is cancelled: there is nothing to cancel"):
        queue.cancel(conn, working)
    queue.retry(conn, working)
    assert queue.lease(conn, working, al).n == 2


def test_reject_and_try_again(conn: sqlite3.Connection) -> None:
    key, al = add(conn), agent(conn, "al")
    for verb in (queue.accept, queue.reject):
        with pytest.raises(UsageError, match="not in review"):
            verb(conn, key)
    with pytest.raises(UsageError, match=f"task {key} is queued"):
        queue.retry(conn, key)
    queue.lease(conn, key, al)
    queue.finish(conn, key, 1, "ended")
    queue.reject(conn, key, "tests are missing")
    found = queue.task(conn, key)
    assert (found.state, found.reason, found.attempts[0].outcome) == ("failed", "tests are missing", "rejected")
    queue.retry(conn, key)
    assert queue.lease(conn, key, al).n == 2


def test_lists_by_repository_and_state(conn: sqlite3.Connection) -> None:
    one, two = add(conn), queue.add(conn, specs.parse("other"), "/other")
    queue.cancel(conn, one)
    assert [t.id for t in queue.tasks(conn)] == [one, two]
    assert [t.id for t in queue.tasks(conn, repo="/other")] == [two]
    assert [t.id for t in queue.tasks(conn, states=("cancelled", "review"))] == [one]
    assert [t.id for t in queue.tasks(conn, repo="/other", states=("cancelled",))] == []
    assert queue.open_counts(conn, "/r") == {"queued": 0, "running": 0, "verifying": 0}
    assert queue.open_counts(conn)["queued"] == 1


def test_as_scripts_read_it(conn: sqlite3.Connection) -> None:
    key, al = add(conn), agent(conn, "al")
    assert queue.as_json(conn, queue.task(conn, key))["agent"] is None
    attempt = queue.lease(conn, key, al)
    rollup = "INSERT INTO usage_rollup VALUES (?, ?, ?, 'claude', '/r', ?, 'opus', 0, ?, ?, 2, 3, 4, 50, 5, ?, ?)"
    conn.execute(rollup, ("id-al", key, 1, "s1", 1, 10, 1_500_000_000, 0))
    conn.execute(rollup, ("id-al", key, 1, "s2", 2, 100, 0, 7))
    conn.execute(rollup, ("id-al", key + 1, 1, "s1", 9, 900, 9, 0))
    found = queue.as_json(conn, queue.task(conn, key))
    assert set(found) >= {"id", "title", "state", "priority", "depends_on", "agent", "spec_version", "attempts"}
    assert (found["id"], found["title"], found["state"], found["agent"], found["depends_on"]) == (
        key,
        "Do it",
        "running",
        "al",
        [],
    )
    attempts = found["attempts"]
    assert isinstance(attempts, list)
    assert set(attempts[0]) >= {
        "n",
        "agent",
        "harness",
        "model",
        "started",
        "ended",
        "outcome",
        "reason",
        "verify",
        "usage",
    }
    assert (attempts[0]["agent"], attempts[0]["ended"], attempts[0]["verify"]) == ("al", None, None)
    assert attempts[0]["started"].endswith("Z")
    assert attempts[0]["usage"] == {
        "input_tokens": 110, "cache_read_tokens": 4, "cache_write_5m_tokens": 6, "cache_write_1h_tokens": 8,
        "output_tokens": 100, "reasoning_tokens": 10, "messages": 3, "cost_usd": 1.5, "priced": False,
    }  # fmt: skip
    rows.update(conn, "agents", "id", al.id, name="renamed", life="removed")
    queue.finish(conn, key, attempt.n, "died", "gone")
    ended = queue.as_json(conn, queue.task(conn, key))
    assert ended["agent"] == "renamed"
