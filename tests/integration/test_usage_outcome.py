"""What an accepted task and a merged line have cost, from real commits, summed by hand."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.price import Quote, Rates
from agentdeck.models.usage import Tokens, UsageRecord
from agentdeck.services.queue import merged
from agentdeck.services.usage import usage_store, usage_view
from agentdeck.services.usage.usage_owner import Owners
from agentdeck.ui.widgets import usage_text
from tests import repos

NOW = 1_790_000_000_000
MINUTE = 60_000
RATES = Rates(dict.fromkeys(("input", "cache_read", "cache_write_5m", "cache_write_1h", "output"), ((0, 1_000_000),)))
# task, its state, and its attempts in order: (agent, outcome, tokens at a micro-dollar each)
TASKS = (
    (1, "landed", (("ann", "failed", 1_000_000), ("bob", "passed", 500_000))),
    (2, "failed", (("ann", "failed", 2_000_000), ("ann", "died", 250_000))),
    (3, "accepted", (("bob", "passed", 250_000),)),
    (4, "running", (("bob", "running", 1_000_000),)),
)


def enter(conn: sqlite3.Connection, repo: Path, base: str, head: str) -> None:
    for agent in ("ann", "bob"):
        conn.execute(
            "INSERT INTO agents (id, name, harness, repo, worktree, life, created) "
            "VALUES (?, ?, 'h', ?, '/t', 'live', 1)",
            (agent, agent, str(repo)),
        )
        conn.execute(
            "INSERT INTO agent_sessions (agent, vendor_session, started) VALUES (?, ?, 1)", (agent, f"s-{agent}")
        )
    at = NOW
    for task, state, attempts in TASKS:
        conn.execute("INSERT INTO specs (version, text, created) VALUES (?, 't', 1)", (f"v{task}",))
        row = ("t", state, f"v{task}", str(repo))
        conn.execute("INSERT INTO tasks (title, state, spec_version, repo, created) VALUES (?, ?, ?, ?, 1)", row)
        for n, (agent, outcome, tokens) in enumerate(attempts, 1):
            conn.execute(
                "INSERT INTO attempts (task, n, agent, harness, model, spec_version, outcome, base_oid, head_oid, "
                "started, ended) VALUES (?, ?, ?, 'h', '', ?, ?, ?, ?, ?, ?)",
                (task, n, agent, f"v{task}", outcome, base, head, at, at + MINUTE),
            )
            record = UsageRecord(
                f"h:{task}.{n}/r", "h", f"s-{agent}", at + 1, "m", Tokens(output=tokens), message=f"h:{task}.{n}"
            )
            quotes = {usage_store.price_key(record): Quote("t", RATES, "m", 1)}
            usage_store.store(conn, [(record, str(repo))], Owners(conn), quotes)
            at += 2 * MINUTE
    idle = UsageRecord("h:idle/r", "h", "s-ann", at, "m", Tokens(output=9_000_000), message="h:idle")  # of no task
    usage_store.store(conn, [(idle, str(repo))], Owners(conn), {usage_store.price_key(idle): Quote("t", RATES, "m", 1)})


def test_failures_are_in_the_price_of_what_was_accepted_and_of_what_was_merged(
    git_repo: Path, deck_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = repos.commit(git_repo, "base", {"a.txt": "one\ntwo\nthree\n", "b.bin": "\0\1"})
    head = repos.commit(git_repo, "work", {"a.txt": "one\n2\nthree\nfour\n", "c.txt": "five\n", "b.bin": "\0\2"})
    conn = store.write(paths.database_file())
    try:
        enter(conn, git_repo, base, head)
        view = usage_view.load(conn, "task", "all", NOW + 60 * MINUTE)
    finally:
        conn.close()
    # 1 + 0.5 + 2 + 0.25 + 0.25 + 1 = $5 of four tasks, two of them accepted (one has landed)
    found = view.outcome
    assert (found.cost, found.accepted, found.tried) == (5_000_000_000, 2, 4)
    # a.txt: two added and one removed; c.txt: one added; the binary has no lines
    lines = merged.lines(found.landed)
    assert lines == 4
    words = usage_text.outcome(view, lines, 80).plain
    assert "$2.50 per accepted task" in words and "$1.25 per merged line" in words
    assert "2 of 4 accepted, 4 lines merged; $5.00 in all, failures included" in words
    monkeypatch.setattr(merged, "AT_MOST", 0)
    assert merged.lines(found.landed) == 0
