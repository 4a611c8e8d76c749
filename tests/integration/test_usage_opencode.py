"""Agents that share one database of their client: each is counted by its sessions, while the client writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.models.document import Needle
from agentdeck.services.reading import history, search
from agentdeck.services.usage import usage_report
from agentdeck.services.usage.usage import Ingest, Source, sources_for
from tests.opencode_rows import Database, answer

AT = 1_795_612_143_000


@pytest.fixture
def agents(own_machine: Path) -> list[Agent]:
    home = str(own_machine / "share")
    return [
        Agent(name, name, "opencode", "/r", "/w", "", "", "", "live", session=f"s-{name}", config_home=home, created=1)
        for name in ("ann", "bob")
    ]


@pytest.fixture
def db(own_machine: Path) -> Iterator[Database]:
    made = Database(own_machine / "share/opencode/opencode.db")
    for name in ("s-ann", "s-bob", "human"):
        made.session(name)
    yield made
    made.close()


@pytest.fixture
def writer(agents: list[Agent]) -> Iterator[store.Writer]:
    def enter(conn: sqlite3.Connection) -> None:
        columns, fixed = "id, name, harness, repo, worktree, life, created", "'/r', '/w', 'live', 1"
        conn.executemany(
            f"INSERT INTO agents ({columns}) VALUES (?, ?, ?, {fixed})",
            [(one.id, one.name, one.harness) for one in agents],
        )

    made = store.Writer(paths.database_file())
    made.run_sync(enter)
    yield made
    made.close()


def sources(agents: list[Agent]) -> list[Source]:
    return [source for one in agents for source in sources_for(one, loader.get("opencode"))]


def counted() -> dict[str, tuple[int, int]]:
    conn = store.read(paths.database_file())
    assert conn is not None
    rows = usage_report.report(conn, "agent")["rows"]
    conn.close()
    return {row["key"]: (row["messages"], row["input_tokens"]) for row in rows}


async def test_each_agent_pays_for_its_sessions_once_and_the_human_for_none(
    db: Database, agents: list[Agent], writer: store.Writer
) -> None:
    ingest = Ingest(writer)
    assert await ingest.scan(sources(agents)) == set()
    db.message("m1", "s-ann", AT, answer(AT))
    db.message("m2", "human", AT, answer(AT + 1))
    assert await ingest.scan(sources(agents)) == {"ann"}
    db.message("m3", "s-bob", AT, answer(AT + 2))
    db.message("m4", "s-ann", AT + 3, answer(AT + 3))
    assert await ingest.scan(sources(agents)) == {"ann", "bob"}
    assert await ingest.scan(sources(agents)) == set()
    assert await Ingest(writer).scan(sources(agents)) == set()  # like a new process
    assert counted() == {"ann": (2, 200), "bob": (1, 100)}


async def test_what_cannot_be_read_now_is_counted_later(
    db: Database, agents: list[Agent], writer: store.Writer
) -> None:
    db.message("m1", "s-ann", AT, answer(AT))
    db.conn.execute("PRAGMA locking_mode=EXCLUSIVE")
    db.conn.execute("PRAGMA journal_mode=DELETE")
    db.conn.execute("BEGIN EXCLUSIVE")
    ingest = Ingest(writer)
    db.file.with_name("opencode.db-wal").touch()  # as if its client were at it
    assert await ingest.scan(sources(agents)) == set()
    assert "locked" in " ".join(ingest.unreadable.values())
    db.conn.execute("COMMIT")
    db.close()
    assert await ingest.scan(sources(agents)) == {"ann"}
    assert counted()["ann"] == (1, 100) and not ingest.unreadable


async def test_its_conversation_is_read_and_searched_like_any_other(
    db: Database, agents: list[Agent], writer: store.Writer
) -> None:
    db.message("m1", "s-ann", AT, {"role": "user"}, {"type": "text", "text": "mend the gate"})
    db.message("m2", "s-ann", AT + 1, answer(AT), {"type": "text", "text": "It is mended."})
    assert history.last_message(agents[0]) == "It is mended."
    found: list[search.Found] = []
    finder = search.Searcher(lambda: None)
    await finder.search("mended", [*agents], found.append)
    assert [(one.agent.name, one.texts[one.matches[0].line]) for one in found] == [("ann", "● It is mended.")]
    db.message("m3", "s-ann", AT + 2, answer(AT), {"type": "text", "text": "Now really mended."})
    found.clear()
    await finder.search("really mended", [*agents], found.append)
    assert len(found) == 1 and Needle("really mended").matches(found[0].texts)
