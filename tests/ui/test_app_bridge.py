"""The bridge against a real database: what it tells, how soon, and what it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.errors import TryAgain
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.status import Status
from agentdeck.models.view import ViewChange
from agentdeck.services import away as absences
from agentdeck.services import fleet as fleets
from agentdeck.services import rows
from agentdeck.ui.bridge import Bridge, FleetChanged, Trouble


class Listener:
    """Stands in for the app: keeps what is posted to it from the bridge's thread."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def post_message(self, message: Any) -> bool:
        self.heard.append(message)
        return True

    @property
    def names(self) -> list[str]:
        fleets = [message.fleet for message in self.heard if isinstance(message, FleetChanged)]
        return [row.agent.name for row in fleets[-1].rows] if fleets else []


async def eventually(true: Any, seconds: float = 5.0) -> float:
    started = asyncio.get_running_loop().time()
    while not true():
        assert asyncio.get_running_loop().time() - started < seconds, "it did not come true"
        await asyncio.sleep(0.01)
    return asyncio.get_running_loop().time() - started


def born(name: str) -> None:
    conn = store.write(paths.database_file())
    agent = Agent(name, name, "shell", "/r", "/t", "", "", "", "live", created=1)
    rows.insert(conn, "agents", rows.agent_columns(agent))
    conn.close()


def dashboards() -> list[sqlite3.Row]:
    conn = store.read(paths.database_file())
    if conn is None:
        return []
    found = conn.execute("SELECT * FROM dashboards").fetchall()
    conn.close()
    return found


@pytest.fixture
async def bridge(deck_home: object) -> AsyncIterator[Bridge]:
    made = Bridge(Listener(), "mine")  # type: ignore[arg-type]
    made.start()
    yield made
    await asyncio.to_thread(made.stop)


async def test_a_fresh_deck_is_empty_and_a_new_row_is_told_within_a_moment(bridge: Bridge) -> None:
    await eventually(lambda: bridge.target.heard)
    assert bridge.target.names == []
    await eventually(dashboards)
    await asyncio.to_thread(born, "ada")
    assert await eventually(lambda: bridge.target.names == ["ada"]) < 0.9


async def test_it_says_that_it_lives_and_takes_itself_off_the_list(deck_home: object) -> None:
    made = Bridge(Listener(), "mine")  # type: ignore[arg-type]
    made.start()
    await eventually(dashboards)
    (row,) = dashboards()
    assert (row["pid"], row["view"]) == (os.getpid(), "mine") and row["pid_start"] > 0
    await asyncio.to_thread(made.stop)
    assert dashboards() == []


async def test_when_a_view_was_last_seen_is_known_before_its_own_first_beat(deck_home: object) -> None:
    def seen(view: str) -> int:
        with contextlib.closing(store.write(paths.database_file())) as conn:
            return absences.last_seen(conn, view)

    with contextlib.closing(store.write(paths.database_file())) as conn:
        absences.see(conn, "mine", 1000)
    made = Bridge(Listener(), "mine")  # type: ignore[arg-type]
    made.start()
    await eventually(lambda: seen("mine") > 1000)
    assert (made.seen, seen("other")) == (1000, 0)
    beaten = seen("mine")
    await asyncio.to_thread(made.stop)
    assert seen("mine") > beaten, "leaving counts"
    found = await made.away(1000)
    assert found is not None and (found.since, found.items) == (1000, ())
    assert await made.away(1000, patience=0.1) is None, "no engine has confirmed anything"


async def test_hidden_and_filter_are_those_of_its_view(bridge: Bridge) -> None:
    await asyncio.to_thread(born, "ada")
    assert await bridge.change_view("mine", ViewChange(hidden={"ada": True})) == 1
    assert await bridge.change_view("mine", ViewChange(filter="a")) == 2
    await eventually(lambda: bridge.target.heard[-1].fleet.view.revision == 2)
    fleet = bridge.target.heard[-1].fleet
    assert (fleet.view.name, fleet.view.filter) == ("mine", "a") and fleet.rows[0].hidden
    assert (await bridge.show_view("other")).filter == "a"
    assert [(note.view.name, note.dashboards) for note in await bridge.views()] == [
        ("default", 0), ("mine", 0), ("other", 1),
    ]  # fmt: skip
    await eventually(lambda: bridge.target.heard[-1].fleet.view.name == "other")


async def test_an_engine_that_does_not_answer_is_an_error_with_a_next_step(bridge: Bridge) -> None:
    with pytest.raises(TryAgain) as caught:
        await bridge.ask("interrupt", "ada", timeout=0.2)
    assert caught.value.hint


async def test_the_environment_file_does_not_outlive_its_request(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def ask(kind: str, agent: str = "", **args: Any) -> dict[str, object]:
        seen.append(args["env_file"])
        assert os.stat(seen[0]).st_mode & 0o777 == 0o600
        raise TryAgain("no engine")

    monkeypatch.setattr(bridge, "ask", ask)
    with pytest.raises(TryAgain):
        await bridge.ask_with_environment("new", name="ada")
    assert seen and not os.path.exists(seen[0])


async def test_a_database_that_is_none_is_told_once(deck_home: object) -> None:
    paths.database_file().parent.mkdir(parents=True)
    paths.database_file().write_bytes(b"this is not a database at all" * 100)
    made = Bridge(Listener())  # type: ignore[arg-type]
    made.start()
    await eventually(lambda: made.target.heard)
    await asyncio.sleep(1.5)
    await asyncio.to_thread(made.stop)
    assert [type(message) for message in made.target.heard] == [Trouble]
    assert "deck.db" in made.target.heard[0].title + made.target.heard[0].hint


async def test_a_receipt_is_waited_for_and_given_as_it_stands(bridge: Bridge) -> None:
    await eventually(dashboards)
    conn = store.write(paths.database_file())
    conn.execute("INSERT INTO deliveries (id, agent, text, created) VALUES ('d1', 'ada', 'hi', 1)")
    assert await bridge.receipt("d1", 0.1) == ("queued", "")
    waiting = asyncio.create_task(bridge.receipt("d1", 5))
    conn.execute("UPDATE deliveries SET state = 'refused', reason = 'a draft stands there' WHERE id = 'd1'")
    assert await waiting == ("refused", "a draft stands there")
    conn.close()


async def test_a_fleet_that_looks_the_same_is_told_once(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    load = fleets.load

    def counted(*args: Any) -> fleets.Fleet:
        looks.append(now_ms())
        return load(*args)

    monkeypatch.setattr(fleets, "load", counted)
    await eventually(dashboards)
    await asyncio.to_thread(born, "ada")
    conn = store.write(paths.database_file())
    conn.execute("UPDATE engine SET pid = ?, heartbeat = ?", (os.getpid(), now_ms()))
    rows.insert(conn, "status", {"agent": "ada", **rows.status_columns(Status("idle", "hook", 5, "Stop")), "epoch": 1})
    await eventually(lambda: bridge.target.heard[-1].fleet.engine.alive and bridge.target.names == ["ada"])
    told, seen = len(bridge.target.heard), len(looks)
    while len(looks) < seen + 4:
        conn.execute("UPDATE status SET checked = checked + 1")
        conn.execute("UPDATE engine SET heartbeat = ?", (now_ms(),))
        await asyncio.sleep(0.02)
    assert len(bridge.target.heard) == told
    conn.execute("UPDATE status SET state = 'working'")
    await eventually(lambda: len(bridge.target.heard) == told + 1)
    assert bridge.target.heard[-1].fleet.rows[0].status.state == "working"
    conn.close()
