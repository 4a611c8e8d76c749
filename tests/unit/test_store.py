"""The database file across versions of the program."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from agentdeck.adapters.database import store
from agentdeck.adapters.database.migrations import migrations
from agentdeck.services import fleet


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
