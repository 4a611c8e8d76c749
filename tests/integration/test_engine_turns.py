"""Moments between two engines and two beats that whole decks meet too rarely, made by hand on a real database."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from agentdeck import paths
from agentdeck.adapters.database.store import EpochLost, Writer
from agentdeck.engine import ledger
from agentdeck.engine.lock import EngineLock
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.status import Status
from agentdeck.services import rows
from agentdeck.services.fleet import STALE_MS, engine_note
from agentdeck.services.status.monitor import Monitor, Report

AGENT = Agent("0a", "anna", "shell", "/r", "/w", "deck/anna/1", "", "", "live", pid=2, pane="%1", window="@1")


@pytest.fixture
async def writers() -> AsyncIterator[list[Writer]]:
    ledger.open_store(paths.database_file())
    made = [Writer(paths.database_file()) for _ in range(3)]
    yield made
    for writer in made:
        writer.close()


async def beat_back(writer: Writer) -> None:
    await writer.run(lambda conn: conn.execute("UPDATE engine SET heartbeat = ?", (now_ms() - STALE_MS - 1,)))


async def test_a_beat_that_read_an_agent_s_last_life_cannot_end_the_next(writers: list[Writer]) -> None:
    """An agent is resumed between a beat's reading of the rows and its verdict."""
    writer, monitor = writers[0], Monitor()
    await writer.run(lambda conn: rows.insert(conn, "agents", rows.agent_columns(AGENT)))
    monitor.know([replace(AGENT, life="stopped", pid=1)])
    monitor.watched["0a"].status = Status("exited", "tmux", 1, "stopped", checked=1)
    report = Report(("0a",), (), ())
    await writer.run(lambda conn: ledger.record(conn, monitor, report, 0))

    def look(conn: sqlite3.Connection) -> tuple[str, int]:
        return rows.find(conn, "anna").life, conn.execute("SELECT COUNT(*) FROM status").fetchone()[0]

    assert await writer.run(look) == ("live", 0)
    monitor.know([AGENT])
    monitor.watched["0a"].status = Status("exited", "tmux", 1, "its pane is gone", checked=1)
    await writer.run(lambda conn: ledger.record(conn, monitor, report, 0))
    assert await writer.run(look) == ("stopped", 1), "a verdict on this life does"


async def test_an_agent_stopped_between_a_beat_s_reading_and_its_verdict_is_said_to_have_ended(
    writers: list[Writer],
) -> None:
    writer, monitor = writers[0], Monitor()
    idle = {"agent": "0a", **rows.status_columns(Status("idle", "hook", 1, "", checked=1)), "epoch": 0}
    await writer.run(lambda conn: rows.insert(conn, "agents", rows.agent_columns(AGENT)))
    await writer.run(lambda conn: rows.insert(conn, "status", idle))
    monitor.know([AGENT])
    monitor.watched["0a"].status = Status("exited", "tmux", 1, "ended by signal 15", checked=1)
    await writer.run(lambda conn: rows.update(conn, "agents", "id", "0a", life="stopped"))
    await writer.run(lambda conn: ledger.record(conn, monitor, Report(("0a",), (), ()), 0))
    monitor.know([replace(AGENT, life="stopped")])
    report = await monitor.tick(None)
    await writer.run(lambda conn: ledger.record(conn, monitor, report, 0))
    [state] = await writer.run(lambda conn: conn.execute("SELECT state FROM status").fetchone())
    assert state == "exited"


async def test_one_engine_at_a_time_and_the_replaced_one_does_not_strike_back(writers: list[Writer]) -> None:
    old, new, again = (EngineLock(writer) for writer in writers)
    assert await old.take()
    await old.beat()
    assert not await new.take(), "the first lives"
    await beat_back(writers[0])
    assert await new.take(), "it stands still: replaced, though it holds the file"
    with pytest.raises(EpochLost):
        await old.beat()
    await old.leave()
    assert not await again.take(), "the file is free, but the replacer lives"
    await new.beat()
    await new.leave()
    assert await again.take(), "left in order: nobody waits for a heartbeat to grow old"
    await again.leave()


async def test_a_killed_engine_is_not_alive_however_fresh_its_heartbeat(writers: list[Writer]) -> None:
    lock = EngineLock(writers[0])
    assert await lock.take()
    alive = await writers[0].run(lambda conn: engine_note(conn, now_ms()).alive)
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie until it is reaped
    await writers[0].run(lambda conn: conn.execute("UPDATE engine SET pid = ?", (child.pid,)))
    zombie = await writers[0].run(lambda conn: engine_note(conn, now_ms()).alive)
    child.wait()
    gone = await writers[0].run(lambda conn: engine_note(conn, now_ms()).alive)
    assert (alive, zombie, gone) == (True, False, False)
    await lock.leave()
