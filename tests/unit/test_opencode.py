"""What opencode keeps: usage and conversations out of its database, which is only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck.harnesses.opencode import database, transcript
from agentdeck.harnesses.opencode.conversation import conversation
from agentdeck.models.usage import Tokens, UsageRecord
from agentdeck.services.usage import usage_store
from tests.opencode_rows import Database, answer

AT = 1_795_612_143_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "a b#c" / "opencode.db")
    made.session("s1")
    yield made
    made.close()


def read(db: Database, session: str = "s1", since: int = 0) -> tuple[list[UsageRecord], int, int]:
    """The records, the time of the newest row, and how much was strange."""
    path = database.name(str(db.file), session)
    pages = list(database.pages(path, since))
    found = [transcript.records(page.lines, path) for page in pages]
    strange = sum(page.strange for page in pages) + sum(damaged for _, damaged in found)
    return [record for records, _ in found for record in records], pages[-1].until, strange


def test_a_finished_response_counts_in_disjoint_classes_with_the_clients_own_cost(db: Database) -> None:
    db.message("m1", "s1", AT, {"role": "user", "time": {"created": AT}})
    db.message("m2", "s1", AT + 1, answer(AT + 1, cost=0.25))
    db.message("m3", "s1", AT + 2, answer(AT + 2, (0, 0, 0, 0, 0), time={"created": AT + 2}))  # still running
    (record,), until, strange = read(db)
    assert record.tokens == Tokens(input=100, cache_read=40, cache_write_5m=8, output=25, reasoning=5)
    assert (record.session, record.model, record.ts, record.cwd) == ("s1", "m-1", AT + 1, "/w")
    assert (record.client_cost, record.context_tokens) == (250_000_000, 148)
    assert (until, strange) == (AT + 2, 0)


def test_no_price_is_not_a_price_of_nothing(db: Database) -> None:
    db.message("m1", "s1", AT, answer(AT))
    assert read(db)[0][0].client_cost is None


def test_a_subagent_is_a_sidechain_and_another_session_is_nobodys(db: Database) -> None:
    db.session("kid", "s1")
    db.session("kid of kid", "kid")
    db.session("other")
    for number, session in enumerate(("kid", "kid of kid", "other")):
        db.message(f"m{number}", session, AT + number, answer(AT + number))
    found, _, _ = read(db)
    assert [(one.session, one.sidechain, one.context_tokens) for one in found] == [
        ("s1", "kid", 0), ("s1", "kid of kid", 0),
    ]  # fmt: skip


def test_a_fork_copies_under_new_ids_and_pays_nothing(db: Database) -> None:
    db.session("fork")
    for name, session in (("m1", "s1"), ("m2", "fork")):
        db.message(name, session, AT, answer(AT))
    db.message("m3", "fork", AT + 50, answer(AT + 50))
    own, copied = [{one.key for one in read(db, session)[0]} for session in ("s1", "fork")]
    assert len(own) == 1 and own < copied and len(copied) == 2


def test_what_is_older_than_its_session_was_paid_by_the_one_with_the_original(db: Database) -> None:
    db.session("a fork", born=AT + 10)
    db.message("m1", "s1", AT, answer(AT))
    db.message("m2", "a fork", AT + 10, answer(AT))
    db.message("m3", "a fork", AT + 50, answer(AT + 50))
    found = {one.key: one for session in ("a fork", "s1") for one in read(db, session)[0]}
    copies = [one for session in ("s1", "a fork") for one in read(db, session)[0] if one.ts == AT]
    assert [one.session for one in copies] == ["s1", ""]
    for one, other in (copies, copies[::-1]):
        assert usage_store.merge(one, other, lambda _: 0).session == "s1"
    assert {one.session for one in found.values() if one.ts == AT + 50} == {"a fork"}


def test_only_what_changed_lately_is_read_again_unless_the_clock_was_set_back(db: Database) -> None:
    for number in range(3):
        db.message(f"m{number}", "s1", AT + number * 100_000, answer(AT + number))
    assert len(read(db)[0]) == 3
    found, until, _ = read(db, since=AT + 200_000)
    assert (len(found), until) == (1, AT + 200_000)
    assert len(read(db, since=9_000_000_000_000)[0]) == 3


def test_more_rows_than_a_page_of_one_moment_come_each_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PAGE", 2)
    for number in range(5):
        db.message(f"m{number}", "s1", AT, answer(AT, (number + 1, 1, 0, 0, 0)))
    assert sorted(one.tokens.input for one in read(db)[0]) == [1, 2, 3, 4, 5]


def test_damaged_rows_and_a_later_version_are_counted(db: Database) -> None:
    db.message("m1", "s1", AT, '{"role":"assistant","tokens":{"input":')
    db.message("m2", "s1", AT, '[{"tokens":{}}]')
    db.message("m3", "s1", AT, answer(AT))
    db.conn.execute("INSERT INTO session_message VALUES ('n1', 's1')")
    found, _, strange = read(db)
    assert (len(found), strange) == (1, 2)


@pytest.mark.parametrize(
    "change", ["DROP TABLE message", "ALTER TABLE message RENAME COLUMN data TO body", "DROP TABLE session"]
)
def test_a_schema_that_nobody_knows_is_a_diagnostic(db: Database, change: str) -> None:
    db.conn.execute(change)
    assert read(db, since=7) == ([], 7, 1)


def test_a_database_that_cannot_be_read_now_says_so(db: Database, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        database.seen(database.name(str(tmp_path / "none.db"), "s1"))
    (tmp_path / "torn.db").write_bytes(b"SQLite format 3\0" + b"x" * 4096)
    with pytest.raises(OSError):
        list(database.pages(database.name(str(tmp_path / "torn.db"), "s1"), 0))
    assert database.sessions(str(tmp_path / "torn.db")) == []


def test_a_change_in_the_log_alone_is_seen_and_reading_holds_nobody_up(db: Database) -> None:
    path = database.name(str(db.file), "s1")
    before = database.seen(path)
    db.message("m1", "s1", AT, answer(AT))
    assert database.seen(path) != before
    pages = database.pages(path, 0)
    next(pages)
    db.message("m2", "s1", AT, answer(AT + 1))  # while we are in the middle of reading
    assert db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0  # nobody is in its way
    pages.close()


def test_reading_a_database_that_nobody_writes_leaves_no_file_beside_it(db: Database) -> None:
    db.message("m1", "s1", AT, answer(AT))
    db.close()
    assert len(read(db)[0]) == 1
    assert [file.name for file in db.file.parent.iterdir()] == ["opencode.db"]


def test_a_conversation_is_told_in_the_order_of_its_messages_then_its_subagents(db: Database) -> None:
    tool = {"type": "tool", "tool": "bash", "state": {"status": "completed", "input": {"command": "ls"}, "output": "a"}}
    failed = {"type": "tool", "tool": "read", "state": {"status": "error", "input": {"filePath": "b"}, "error": "no"}}
    db.session("kid", "s1")
    db.message("n1", "kid", AT - 9, {"role": "user"}, {"type": "text", "text": "look"})
    db.message("m2", "s1", AT + 1, answer(AT), {"type": "reasoning", "text": "Hm."}, tool, failed,
               {"type": "step-finish", "tokens": {}}, {"type": "text", "text": "Done."})  # fmt: skip
    db.message("m1", "s1", AT, {"role": "user"}, {"type": "text", "text": "go"},
               {"type": "text", "text": "the client's own", "synthetic": True})  # fmt: skip
    turns = list(conversation(database.said(database.name(str(db.file), "s1"))))
    assert [(one.kind, one.text, one.name) for one in turns] == [
        ("prompt", "go", ""), ("thought", "Hm.", ""), ("call", "ls", "bash"), ("result", "a", ""),
        ("call", "b", "read"), ("error", "no", ""), ("answer", "Done.", ""), ("prompt", "look", ""),
    ]  # fmt: skip
    assert turns[0].at == AT


def test_its_sessions_are_those_of_humans(db: Database) -> None:
    db.session("kid", "s1")
    assert database.sessions(str(db.file)) == [("s1", "/w")]
