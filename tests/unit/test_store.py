"""The database file across versions of the program, and in its first moment."""

from __future__ import annotations

import fcntl
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from agentdeck.adapters.database import store
from agentdeck.adapters.database.migrations import migrations
from agentdeck.services import fleet
from tests.waiting import wait_for


def test_the_first_read_after_an_update_finds_everything_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "deck.db"
    with sqlite3.connect(file, isolation_level=None) as old:
        migrations.apply(Database(old), stop_before="m002_status")
        old.execute("PRAGMA user_version = 1")
    old.close()
    conn = store.read(file)
    assert conn is not None
    assert fleet.load(conn).rows == ()
    assert conn.execute("PRAGMA user_version").fetchone()[0] == store.SCHEMA
    conn.close()


def test_without_a_file_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert store.read(tmp_path / "deck.db") is None
    sqlite3.connect(tmp_path / "deck.db").close()
    assert store.read(tmp_path / "deck.db") is None


def journal(file: Path) -> str:
    with closing(sqlite3.connect(file)) as conn:
        return str(conn.execute("PRAGMA journal_mode").fetchone()[0])


def test_two_that_open_a_fresh_database_take_turns(tmp_path: Path) -> None:
    """SQLite refuses the second of two that turn on its write-ahead log at once, without waiting."""
    file = tmp_path / "deck.db"
    file.touch()
    with ThreadPoolExecutor(1) as pool:
        with open(f"{file}.migrate", "w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            opened = pool.submit(lambda: store.write(file, any_thread=True))
            with pytest.raises(AssertionError):
                wait_for(lambda: opened.done() or journal(file) == "wal", 0.5)
        with closing(opened.result(10)):
            assert journal(file) == "wal"
