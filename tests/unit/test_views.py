"""Views in a real database: kept apart, changed piece by piece, copied, forgotten; and one of an older version."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.errors import UsageError
from agentdeck.models.clock import now_ms
from agentdeck.models.view import View, ViewChange
from agentdeck.services import fleet, views

WHOLE = ViewChange("api", "repository", "2", "usage", {"ada": True, "bo": False}, {"bo": True}, ("bo", "ada"))


def read(name: str = "default") -> View:
    conn = store.read(paths.database_file())
    assert conn is not None
    with closing(conn):
        return views.load(conn, name)


def listed() -> dict[str, int]:
    conn = store.read(paths.database_file())
    if conn is None:
        return {}
    with closing(conn):
        return {note.view.name: note.dashboards for note in views.listed(conn)}


def opened(view: str, pid: int, heartbeat: int) -> None:
    with closing(store.write(paths.database_file())) as conn:
        conn.execute("INSERT OR REPLACE INTO dashboards VALUES (?, 0, ?, ?)", (pid, view, heartbeat))


def test_everything_of_a_view_is_kept_and_other_views_know_nothing_of_it() -> None:
    assert views.change("left", WHOLE) == 1
    kept = View("left", "api", "repository", "2", "usage", frozenset({"ada"}), frozenset({"bo"}), ("bo", "ada"), 1)
    assert read("left") == kept
    assert read() == View() and read("right") == View("right")


def test_a_change_leaves_alone_what_it_does_not_name() -> None:
    views.change("left", WHOLE)
    assert views.change("left", ViewChange(panel="", hidden={"cleo": True}, order=("ada",))) == 2
    assert read("left") == View(
        "left", "api", "repository", "2", "", frozenset({"ada", "cleo"}), frozenset({"bo"}), ("ada",), 2
    )


def test_the_fleet_carries_the_view_it_is_seen_by() -> None:
    views.change("left", WHOLE)
    with closing(store.write(paths.database_file())) as conn:
        assert fleet.load(conn, "left").view == read("left")
    assert fleet.load(None, "left").view == View("left")


def test_a_grouping_of_a_later_version_is_read_as_the_usual_one() -> None:
    views.change("left", WHOLE)
    with closing(store.write(paths.database_file())) as conn:
        conn.execute("UPDATE views SET grouping = 'by moon'")
    assert read("left").grouping == "team"


def test_a_copy_is_a_view_of_its_own() -> None:
    views.change("left", WHOLE)
    views.copy("left", "right")
    assert read("right") == View(
        "right", "api", "repository", "2", "usage", frozenset({"ada"}), frozenset({"bo"}), ("bo", "ada"), 1
    )
    views.change("right", ViewChange(filter=""))
    assert read("left").filter == "api"
    views.copy("default", "third")
    assert read("third") == View("third", revision=1)


def test_what_cannot_be_copied_or_forgotten_is_said_and_nothing_changes() -> None:
    views.change("left", WHOLE)
    before = {name: read(name) for name in listed()}
    for refused in (
        lambda: views.copy("nobody", "new"),
        lambda: views.copy("left", "default"),
        lambda: views.copy("left", "left"),
        lambda: views.copy("left", "a name"),
        lambda: views.change("", WHOLE),
        lambda: views.remove("nobody"),
    ):
        with pytest.raises(UsageError) as caught:
            refused()
        assert caught.value.hint
    assert {name: read(name) for name in listed()} == before


def test_a_view_that_is_open_is_not_forgotten() -> None:
    views.change("left", WHOLE)
    opened("left", os.getpid(), now_ms())
    assert listed() == {"default": 0, "left": 1}
    with pytest.raises(UsageError, match="shows the view 'left' now"):
        views.remove("left")
    opened("left", os.getpid(), now_ms() - views.STALE_MS - 1)
    views.remove("left")
    assert read("left") == View("left") and listed() == {"default": 0}


def test_a_killed_dashboard_shows_nothing() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    opened("left", pid, now_ms())
    assert listed() == {"default": 0}  # not collected yet: a zombie
    os.waitpid(pid, 0)
    assert listed() == {"default": 0}


def test_a_view_that_is_opened_first_begins_like_the_one_before() -> None:
    views.change("left", WHOLE)
    assert views.opened("left", like="default") == read("left")
    new = views.opened("new", like="left")
    assert (new.name, new.filter, new.hidden) == ("new", "api", {"ada"}) and read("new") == new


def test_default_is_as_new_after_it_was_forgotten() -> None:
    views.change("default", WHOLE)
    views.remove("default")
    assert read() == View()


def test_a_database_of_an_older_version_is_brought_up_to_date_by_whoever_reads_it() -> None:
    from sqlite_utils import Database

    from agentdeck.adapters.database.migrations import migrations

    paths.database_file().parent.mkdir(parents=True)
    with closing(sqlite3.connect(paths.database_file(), isolation_level=None)) as conn:
        migrations.apply(Database(conn), stop_before="m006_views")
        conn.execute("INSERT INTO views (name, filter) VALUES ('left', 'api')")
        conn.execute("INSERT INTO view_agents (view, agent, hidden) VALUES ('left', 'ada', 1)")
        conn.execute("PRAGMA user_version=5")
    assert read("left") == View("left", "api", hidden=frozenset({"ada"}))
