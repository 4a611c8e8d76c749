"""An engine dies (-9) after this or that write of a task: the next goes on, and nothing is done twice or lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from agentdeck import paths
from agentdeck.adapters import verify_run
from agentdeck.adapters.database.store import Writer
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.status import Status
from agentdeck.services import rows
from agentdeck.services.gate.gatekeeper import Gatekeeper
from agentdeck.services.gate.judging import Judging
from agentdeck.services.queue import queue, specs
from agentdeck.services.queue.dispatcher import Dispatcher
from agentdeck.services.trees import worktrees
from tests import repos

T = TypeVar("T")
STRIDE = int(os.environ.get("CRASH_STRIDE", "2"))  # 1: after every write (`make soak`)


class Killed(Exception):
    """The engine is dead."""


class Mortal(Writer):
    """Dies after its `life`-th transaction that changed anything; what `named` then says is the step it died at."""

    def __init__(self, path: Path, life: int) -> None:
        super().__init__(path)
        self.life = life
        self.dead = False

    async def run(self, change: Callable[[sqlite3.Connection], T]) -> T:
        if self.dead:
            raise Killed

        def counted(conn: sqlite3.Connection) -> tuple[T, int]:
            before = conn.total_changes
            return change(conn), conn.total_changes - before

        found, changes = await super().run(counted)
        if changes:
            self.life -= 1
            if self.life == 0:
                self.dead = True
                raise Killed
        return found


class Fleet:
    """One agent that is idle whenever it is looked at, in the place of a monitor."""

    def __init__(self, agent: Agent) -> None:
        self.agents = {agent.id: agent}
        self.watched: dict[str, Any] = {}
        self.since = 1

    def status(self, agent: str) -> Status:
        return Status("idle", "hook", self.since, "a test says so", checked=now_ms())


class World:
    """What outlives an engine: the repository, the agent, the database, what the client was told and did."""

    def __init__(self, repo: Path, log: Path) -> None:
        self.repo, self.log = repo, log
        made = worktrees.create(repo, "al")
        self.agent = Agent(
            "id-al", "al", "builtin", made.repo, made.worktree, made.branch, "main", made.base_oid, "live"
        )
        self.writer = Writer(paths.database_file())
        self.writer.run_sync(lambda conn: rows.insert(conn, "agents", rows.agent_columns(self.agent)))
        self.told: list[str] = []
        self.since = 1  # when the client came to rest

    def engine(self, writer: Writer) -> tuple[Dispatcher, Fleet]:
        async def count() -> None: ...

        agent = self.writer.run_sync(lambda conn: rows.find(conn, "al"))
        fleet: Any = Fleet(agent)
        fleet.since = self.since
        judging = Judging(writer, fleet, Gatekeeper(writer, paths.state_dir() / "verify"), count)
        return Dispatcher(writer, fleet, judging, count), fleet

    def client(self, fleet: Fleet) -> None:
        """The outbox and the client: a text is taken once, the work is done, and the client is idle again."""
        for row in self.writer.run_sync(
            lambda c: c.execute("SELECT * FROM deliveries WHERE state = 'queued'").fetchall()
        ):
            self.told.append(row["text"])
            now = now_ms()
            words = {"state": "acknowledged", "pasted": now - 9, "submitted": now - 8, "settled": now - 7}
            self.writer.run_sync(lambda c, row=row, words=words: rows.update(c, "deliveries", "id", row["id"], **words))
            fresh = self.writer.run_sync(lambda c: rows.find(c, "al"))
            ok = "right" if "not done yet" in row["text"] or "at once" in row["text"] else "wrong"
            repos.commit(Path(fresh.worktree), row["text"][:20], {"out": f"{ok} {len(self.told)}\n"})
            fleet.since = self.since = now - 5
            fleet.agents["id-al"] = fresh


def state(world: World, key: int) -> str:
    return world.writer.run_sync(lambda conn: queue.task(conn, key)).state


async def live(world: World, writer: Writer, key: int) -> None:
    """One engine's life: until the task is judged, or it is dead."""
    dispatcher, fleet = world.engine(writer)
    deadline = asyncio.get_running_loop().time() + 20
    try:
        while state(world, key) not in ("review", "failed"):
            assert asyncio.get_running_loop().time() < deadline, state(world, key)
            await dispatcher.round()
            await asyncio.gather(*dispatcher._preparing.values())
            fleet.agents["id-al"] = world.writer.run_sync(lambda conn: rows.find(conn, "al"))
            world.client(fleet)
            await asyncio.sleep(0.01)
            if isinstance(writer, Mortal) and writer.dead:
                return
    except Killed:
        return
    finally:
        await dispatcher.judging.settle()
        for work in list(dispatcher._preparing.values()):
            work.cancel()
        verify_run._begun.clear()


@pytest.fixture
def world(git_repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("agentdeck.services.queue.dispatcher.IDLE_FOR_MS", 0)
    monkeypatch.setattr("agentdeck.services.gate.gatekeeper.LOOK_SECONDS", 0.01)
    found = World(git_repo, tmp_path / "ran")
    yield found
    found.writer.close()


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_whatever_write_was_the_last_the_next_engine_ends_the_task(world: World) -> None:
    steps: list[str] = []
    for life in range(1, 80, STRIDE):
        spec = specs.parse(
            f"---\ntitle: T\nverify: echo $DECK_VERIFY >>{world.log}; grep right out\n---\nDo it {life}.\n"
        )
        key = world.writer.run_sync(lambda conn, spec=spec: queue.add(conn, spec, str(world.repo)))
        world.told.clear()
        world.log.write_text("")
        mortal = Mortal(paths.database_file(), life)
        await live(world, mortal, key)
        with contextlib.suppress(RuntimeError):
            mortal.close()
        steps.append(_where(world, key))
        again = Writer(paths.database_file())
        await live(world, again, key)
        again.close()
        task = world.writer.run_sync(lambda conn, key=key: queue.task(conn, key))
        assert task.state == "review", (life, steps[-1], task)
        assert [a.outcome for a in task.attempts] == ["failed", "passed"], (life, steps[-1], task.attempts)
        assert len(world.told) == 2, f"told {world.told} after death at {steps[-1]}"
        runs = world.log.read_text().split()
        assert len(runs) == len(set(runs)) == 2, f"verify ran {runs} after death at {steps[-1]}"
        assert repos.show(world.repo, task.attempts[-1].head_oid, "out").startswith(b"right")
        if not mortal.dead:
            break
    else:
        raise AssertionError("no engine outlived the task")
    named = {"running", "verifying: branch", "verifying: changed", "verifying: base", "verifying: protected",
             "verifying: merge", "verifying: verify"}  # fmt: skip
    assert named <= set(steps), sorted(set(steps))


def _where(world: World, key: int) -> str:
    """The step of the state machine that stands in the rows."""

    def look(conn: sqlite3.Connection) -> str:
        found = queue.task(conn, key).state
        row = conn.execute(
            "SELECT step FROM gate_steps WHERE task = ? ORDER BY attempt DESC, n DESC LIMIT 1", (key,)
        ).fetchone()
        return f"{found}: {row['step']}" if row and found == "verifying" else found

    return world.writer.run_sync(look)
