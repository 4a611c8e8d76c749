"""The database file as a thing that people move, restore and break."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agentdeck.adapters.database import store
from agentdeck.errors import AgentDeckError

EVENT = "INSERT INTO events (ts, kind) VALUES (1, ?)"


def kinds(conn: sqlite3.Connection) -> list[str]:
    return [row[0] for row in conn.execute("SELECT kind FROM events ORDER BY id")]


def test_a_file_moved_from_under_its_writer_is_whole_and_a_new_one_begins(tmp_path: Path) -> None:
    path, away = tmp_path / "deck.db", tmp_path / "away.db"
    writer = store.Writer(path)
    writer.run_sync(lambda conn: conn.execute(EVENT, ("before",)))
    assert not writer.replaced()
    path.rename(away)
    assert writer.replaced()
    with closing(store.write(path)) as fresh:
        assert kinds(fresh) == []
        fresh.execute(EVENT, ("fresh",))
        writer.run_sync(lambda conn: conn.execute(EVENT, ("last words",)))
        assert kinds(fresh) == ["fresh"], "neither sees the other's"
        writer.close()
        fresh.execute(EVENT, ("later",))
    with closing(sqlite3.connect(away)) as old:
        assert kinds(old) == ["before", "last words"]
    with closing(store.write(path)) as again:
        assert kinds(again) == ["fresh", "later"]


def test_the_log_of_a_file_moved_away_without_it_is_kept(tmp_path: Path) -> None:
    """As after a crash: nobody has the file open, and its last changes are in the log beside it."""
    path, away = tmp_path / "deck.db", tmp_path / "away.db"
    living = store.write(path)
    living.execute(EVENT, ("only in the log",))
    log = (tmp_path / "deck.db-wal").read_bytes()
    whole = path.read_bytes()
    living.close()
    path.unlink()
    away.write_bytes(whole)
    (tmp_path / "deck.db-wal").write_bytes(log)
    store.write(path).close()
    [left] = tmp_path.glob("deck.db-wal.left-*")
    left.rename(tmp_path / "away.db-wal")
    with closing(sqlite3.connect(away)) as old:
        assert kinds(old) == ["only in the log"]


@pytest.mark.parametrize("opened", [store.read, store.write])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, opened: object) -> None:
    path = tmp_path / "deck.db"
    path.write_bytes(b"not a database at all, " * 100)
    with pytest.raises(AgentDeckError, match="cannot be read") as error:
        opened(path)  # type: ignore[operator]
    assert "agentdeck adopt" in error.value.hint
    assert path.read_bytes().startswith(b"not a database")
