"""Whatever the order, the pieces and the repetitions in which transcripts are read: the sums are the true ones."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import genai_prices  # noqa: F401 - the list is in memory, so no process is started to ask it
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentdeck.adapters.database import store
from agentdeck.services.usage import usage_report
from agentdeck.services.usage.usage import Ingest, Source
from tests import usage_corpus
from tests.usage_corpus import Corpus, Truth

COLUMNS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "messages")
AGENTS = {"ann": ("one", "two"), "bob": ("fork",), "cat": ("odd",)}


class Deck:
    """A database with three agents, and a project folder of transcripts."""

    def __init__(self, root: Path) -> None:
        shutil.rmtree(root, ignore_errors=True)
        self.folder = root / "project"
        self.folder.mkdir(parents=True)
        self.file = root / "deck.db"
        self.writer = store.Writer(self.file)
        self.writer.run_sync(self._agents)
        self.ingest = Ingest(self.writer)

    @staticmethod
    def _agents(conn: sqlite3.Connection) -> None:
        for agent, sessions in AGENTS.items():
            conn.execute(
                "INSERT INTO agents (id, name, harness, team, repo, worktree, life, created) "
                "VALUES (?, ?, 'claude', 'blue', '/repo', '/w', 'live', 1)",
                (agent, agent.title()),
            )
            for number, session in enumerate(sessions):
                row = (agent, session, usage_corpus.START + number)
                conn.execute("INSERT INTO agent_sessions (agent, vendor_session, started) VALUES (?, ?, ?)", row)

    def sources(self) -> list[Source]:
        return [
            Source(agent, "claude", "/repo", session, "claude", self._patterns(session))
            for agent, sessions in AGENTS.items()
            for session in sessions
        ]

    def _patterns(self, session: str) -> tuple[str, ...]:
        return (f"{self.folder}/{session}.jsonl", f"{self.folder}/{session}/subagents/agent-*.jsonl")

    async def scan(self, *, again: bool = False, settle: float = 0) -> set[str]:
        """`again`: like a new process."""
        if again:
            self.ingest = Ingest(self.writer)
        return await self.ingest.scan(self.sources(), settle)

    def put(self, path: str, data: bytes, mode: str = "wb") -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open(mode) as file:
            file.write(data)

    def query(self, sql: str) -> list[tuple]:
        conn = store.read(self.file)
        assert conn is not None
        try:
            return [tuple(row) for row in conn.execute(sql)]
        finally:
            conn.close()

    def check(self, corpus: Corpus) -> None:
        sums = ", ".join(f"SUM({name})" for name in COLUMNS)
        found = {row[0]: Truth(*row[1:]) for row in self.query(f"SELECT session, {sums} FROM usage_rollup GROUP BY 1")}
        assert {session: asdict(sums) for session, sums in found.items()} == {
            session: asdict(sums) for session, sums in corpus.truth.items()
        }
        self.check_rollup()

    def check_rollup(self) -> None:
        keys, order = "agent, task, attempt, harness, repo, session, model", "1, 2, 3, 4, 5, 6, 7, 8"
        rows = "SUM(input), SUM(cache_read), SUM(cache_write_5m), SUM(cache_write_1h), SUM(output), SUM(reasoning)"
        rolled = f"SELECT {keys}, quarter, {rows}, SUM(messages), SUM(cost) FROM usage_rollup"
        plain = f"SELECT {keys}, ts / 900000 * 900000, {rows}, COUNT(*), SUM(cost) FROM usage"
        groups = f"GROUP BY {order} ORDER BY {order}"
        assert self.query(f"{rolled} {groups}") == self.query(f"{plain} {groups}")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[type[Deck]]:
    made: list[Deck] = []

    class Made(Deck):
        def __init__(self) -> None:
            for old in made:
                old.writer.close()
            made.clear()
            super().__init__(tmp_path / "usage")
            made.append(self)

    yield Made
    for old in made:
        old.writer.close()


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6))
async def test_any_order_of_files(make: type[Deck], seed: int) -> None:
    corpus = usage_corpus.corpus(seed)
    deck = make()
    paths = list(corpus.files)
    random.Random(seed).shuffle(paths)
    for path in paths:
        deck.put(path, corpus.files[path])
        await deck.scan()
    deck.check(corpus)
    assert await deck.scan() == set()
    assert await deck.scan(again=True) == set()
    deck.check(corpus)


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), cuts=st.integers(1, 12))
async def test_appends_cut_at_any_byte(make: type[Deck], seed: int, cuts: int) -> None:
    """Interleaved over all files, with a new process in between; a cut row is not counted half."""
    corpus = usage_corpus.corpus(seed)
    deck = make()
    pick = random.Random(seed)
    left = {path: [data[a:b] for a, b in _cut(pick, len(data), cuts)] for path, data in corpus.files.items()}
    while left:
        path = pick.choice(sorted(left))
        deck.put(path, left[path].pop(0), "ab")
        if not left[path]:
            del left[path]
        await deck.scan(again=pick.random() < 0.2, settle=2.0)
    await deck.scan()
    deck.check(corpus)


def _cut(pick: random.Random, size: int, cuts: int) -> list[tuple[int, int]]:
    edges = [0, *sorted(pick.randrange(size + 1) for _ in range(cuts)), size]
    return list(zip(edges, edges[1:], strict=False))


@settings(max_examples=8)
@given(seed=st.integers(0, 10**6))
async def test_truncated_rewritten_replaced(make: type[Deck], seed: int) -> None:
    corpus = usage_corpus.corpus(seed)
    deck = make()
    pick = random.Random(seed)
    for path, data in corpus.files.items():
        deck.put(path, data)
    await deck.scan()
    for path, data in corpus.files.items():
        lines = data.splitlines(keepends=True)
        deck.put(path, b"".join(lines[: pick.randrange(len(lines))]))
    await deck.scan()
    deck.check(corpus)
    for path, data in corpus.files.items():
        lines = data.splitlines(keepends=True)
        pick.shuffle(lines)
        deck.put(path + ".new", b"".join(lines))
        os.replace(deck.folder / (path + ".new"), deck.folder / path)
    await deck.scan()
    deck.check(corpus)


async def test_owner_cost_and_diagnostics(make: type[Deck]) -> None:
    corpus = usage_corpus.corpus(7)
    deck = make()
    for path, data in corpus.files.items():
        deck.put(path, data)
    assert await deck.scan() == set(AGENTS)
    owners = dict(deck.query("SELECT DISTINCT session, agent FROM usage"))
    assert owners == {"one": "ann", "two": "ann", "fork": "bob", "odd": "cat"}
    assert deck.query("SELECT COUNT(*) FROM usage WHERE cost IS NULL OR cost <= 0") == [(0,)]
    assert deck.query("SELECT SUM(diagnostics) FROM file_states") == [(corpus.damaged,)]
    conn = store.read(deck.file)
    assert conn is not None
    rows = usage_report.report(conn, "team")["rows"]
    conn.close()
    assert [row["key"] for row in rows] == ["blue"]


async def test_nothing_is_opened_when_nothing_changed(make: type[Deck], monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = usage_corpus.corpus(1)
    deck = make()
    for path, data in corpus.files.items():
        deck.put(path, data)
    await deck.scan()
    opened: list[object] = []
    monkeypatch.setattr("agentdeck.services.usage.usage.new", lambda *args: opened.append(args) or iter(()))
    await deck.scan()
    assert opened == []
    deck.put("one.jsonl", b"\n", "ab")
    await deck.scan()
    assert len(opened) == 1


async def test_an_append_reads_only_what_is_new(make: type[Deck]) -> None:
    writer = usage_corpus.Writer(3)
    rows = [writer.response("one") for _ in range(3)]
    deck = make()
    deck.put("one.jsonl", usage_corpus.dump(rows[0]) + b"\n" + usage_corpus.dump(rows[1])[:-5])
    await deck.scan()
    assert deck.query("SELECT COUNT(*) FROM usage") == [(1,)]
    deck.put("one.jsonl", usage_corpus.dump(rows[1])[-5:] + b"\n" + usage_corpus.dump(rows[2]) + b"\n", "ab")
    assert await deck.scan() == {"ann"}
    assert deck.query("SELECT COUNT(*) FROM usage") == [(3,)]


async def test_a_complete_last_line_counts_once_it_has_settled(make: type[Deck]) -> None:
    row = usage_corpus.Writer(3).response("one")
    deck = make()
    deck.put("one.jsonl", usage_corpus.dump(row))
    assert await deck.scan(settle=2.0) == set()
    old = (deck.folder / "one.jsonl").stat().st_mtime - 3
    os.utime(deck.folder / "one.jsonl", (old, old))
    assert await deck.scan(settle=2.0) == {"ann"}
    deck.put("one.jsonl", b"\n", "ab")
    assert await deck.scan(settle=2.0) == set()
    assert deck.query("SELECT COUNT(*) FROM usage") == [(1,)]


async def test_a_waiting_last_line_is_remembered_by_the_next_process(make: type[Deck]) -> None:
    row = usage_corpus.Writer(3).response("one")
    deck = make()
    deck.put("one.jsonl", usage_corpus.dump(row))
    assert await deck.scan(settle=3600) == set()
    assert await deck.scan(again=True, settle=0) == {"ann"}


async def test_a_line_of_20_mb_and_one_that_is_too_long(make: type[Deck], monkeypatch: pytest.MonkeyPatch) -> None:
    writer = usage_corpus.Writer(3)
    long, short, last = (writer.response("one") for _ in range(3))
    long["message"]["content"] = [{"type": "text", "text": "x" * 20_000_000}]
    deck = make()
    deck.put("one.jsonl", b"".join(usage_corpus.dump(row) + b"\n" for row in (short, long, last)))
    await deck.scan()
    assert deck.query("SELECT COUNT(*) FROM usage") == [(3,)]
    monkeypatch.setattr("agentdeck.services.usage.usage_files.LONGEST_LINE", 4 << 20)
    deck = make()
    deck.put("one.jsonl", b"".join(usage_corpus.dump(row) + b"\n" for row in (short, long, last)))
    await deck.scan()
    assert deck.query("SELECT COUNT(*) FROM usage") == [(2,)]
    assert deck.query("SELECT diagnostics FROM file_states") == [(1,)]


async def test_the_attempt_that_was_running_pays(make: type[Deck]) -> None:
    writer = usage_corpus.Writer(3)
    rows = [writer.response("one") for _ in range(3)]
    for minute, row in enumerate(rows):
        row["timestamp"] = f"2026-11-20T10:0{minute}:30Z"
    start = usage_corpus.START + 3_600_000
    deck = make()

    def attempts(conn: sqlite3.Connection) -> None:
        for n, (begun, ended) in enumerate([(0, 60_000), (120_000, 0)], start=1):
            conn.execute(
                "INSERT INTO attempts (task, n, agent, harness, model, spec_version, started, ended, outcome) "
                "VALUES (4, ?, 'ann', 'claude', '', 'v', ?, ?, ?)",
                (n, start + begun, start + ended if ended else 0, "ended" if ended else "running"),
            )

    deck.writer.run_sync(attempts)
    deck.put("one.jsonl", b"".join(usage_corpus.dump(row) + b"\n" for row in rows))
    await deck.scan()
    assert deck.query("SELECT task, attempt FROM usage ORDER BY ts") == [(4, 1), (0, 0), (4, 2)]


async def test_what_an_agent_resumed_was_paid_by_nobody_of_ours(make: type[Deck]) -> None:
    """History from before the agent was made belongs to its repository, not to the agent."""
    writer = usage_corpus.Writer(3)
    old, new = writer.response("one"), writer.response("one")
    new["timestamp"] = "2030-01-01T00:00:00Z"
    deck = make()
    deck.writer.run_sync(lambda conn: conn.execute("UPDATE agents SET created = 1880000000000"))
    deck.writer.run_sync(lambda conn: conn.execute("UPDATE agent_sessions SET started = 1880000000001"))
    deck.put("one.jsonl", usage_corpus.dump(old) + b"\n" + usage_corpus.dump(new) + b"\n")
    assert await deck.scan() == {"ann"}
    assert deck.query("SELECT agent, repo FROM usage ORDER BY ts") == [("", "/repo"), ("ann", "/repo")]


async def test_context_is_that_of_the_latest_main_chain_response(make: type[Deck]) -> None:
    writer = usage_corpus.Writer(3)
    first, second = writer.response("one"), writer.response("one")
    side = writer.response("one", isSidechain=True, agentId="x")
    usage = second["message"]["usage"]
    usage["cache_creation_input_tokens"] = 30
    usage["iterations"] = [
        {"type": "message", "input_tokens": 1, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 30}
    ]
    deck = make()
    deck.put("one.jsonl", b"".join(usage_corpus.dump(row) + b"\n" for row in (second, first, side)))
    await deck.scan()
    window = 1_000_000 if second["message"]["model"] == "claude-opus-5-5" else 200_000
    assert deck.query("SELECT agent, used_tokens, window_tokens FROM context") == [("ann", 51, window)]


async def test_an_unknown_model_is_unpriced_until_the_human_prices_it(make: type[Deck]) -> None:
    row = usage_corpus.Writer(3).response("one")
    row["message"]["model"] = "somebody-9"
    row["message"]["usage"] = {"input_tokens": 1_000_000, "output_tokens": 2_000_000}
    deck = make()
    deck.put("one.jsonl", usage_corpus.dump(row) + b"\n")
    await deck.scan()
    assert _total(deck) == (None, False, {"tokens": 3_000_000, "models": ["somebody-9"], "rows": {"ann": 3_000_000}})
    deck.ingest = Ingest(deck.writer, {"somebody-9": {"input": 1.5, "output": 0.25}})
    assert await deck.scan() == {"ann"}
    assert _total(deck) == (2.0, True, {"tokens": 0, "models": [], "rows": {}})
    deck.check_rollup()
    deck.ingest = Ingest(deck.writer, {"somebody-9": {"input": 1.0}})
    assert await deck.scan() == {"ann"}
    assert _total(deck) == (1.0, True, {"tokens": 0, "models": [], "rows": {}})
    deck.ingest = Ingest(deck.writer)
    assert await deck.scan() == {"ann"}
    assert _total(deck) == (None, False, {"tokens": 3_000_000, "models": ["somebody-9"], "rows": {"ann": 3_000_000}})


def _total(deck: Deck) -> tuple[object, object, object]:
    conn = store.read(deck.file)
    assert conn is not None
    found = usage_report.report(conn)
    conn.close()
    total = found["total"]
    assert isinstance(total, dict)
    return total["cost_usd"], total["priced"], found["unpriced"]


async def test_a_file_that_cannot_be_read_is_named_and_stops_nothing(make: type[Deck]) -> None:
    writer = usage_corpus.Writer(3)
    deck = make()
    (deck.folder / "one.jsonl").mkdir()
    deck.put("two.jsonl", usage_corpus.dump(writer.response("two")) + b"\n")
    assert await deck.scan() == {"ann"}
    assert list(deck.ingest.unreadable) == [f"{deck.folder}/one.jsonl"]


async def test_a_harness_with_an_unknown_reader_stops_nothing(make: type[Deck]) -> None:
    deck = make()
    deck.put("two.jsonl", usage_corpus.dump(usage_corpus.Writer(3).response("two")) + b"\n")
    strange = Source("ann", "mine", "/repo", "two", "no_such_reader", (f"{deck.folder}/two.jsonl",))
    assert await deck.ingest.scan([strange, *deck.sources()], 0) == {"ann"}
    assert "no_such_reader" in deck.ingest.unreadable
