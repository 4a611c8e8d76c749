"""An engine that goes on truly while the disk fills and trees and branches change behind its back."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.status import Status
from agentdeck.services import fleet, rows
from agentdeck.services.gate.gatekeeper import Gatekeeper
from agentdeck.services.gate.judging import Judging
from agentdeck.services.queue import queue, specs
from agentdeck.services.queue.dispatcher import Dispatcher
from agentdeck.services.status.monitor import Monitor, Report
from agentdeck.services.trees import worktrees
from agentdeck.services.trees.disk import Gauge
from agentdeck.services.trees.tree_watch import TreeWatch
from tests import repos
from tests.deck import Deck


def floor(gigabytes: float) -> None:
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text(f"[disk]\nfloor_gb = {gigabytes}\n")


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    deck = Deck(git_repo)
    yield deck
    deck.end()


def test_what_the_command_line_says_of_full_disks_and_lost_trees(deck: Deck) -> None:
    anna, bert = (Path(deck.new(name, "shell", "--", "cat")["worktree"]) for name in ("anna", "bert"))
    deck.ok("stop", "bert")
    floor(900_000)
    before = deck.left()
    for words in (("new", "carl", "--harness", "shell", "--", "cat"), ("resume", "bert")):
        done = deck.run(*words)
        assert (done.code, "is nearly full" in done.err, "agentdeck trash" in done.err) == (1, True, True), done
        assert deck.left() == before
    assert deck.state("anna") in ("working", "idle"), "those that run go on"
    floor(0)

    shutil.rmtree(bert)
    repos.git(anna, "switch", "-q", "-c", "topic/x")
    deck.until(lambda: len(deck.sql("SELECT 1 FROM trees WHERE note != ''")) == 2, "a note of each")
    found = deck.rows()
    assert found["anna"]["status"]["state"] in ("working", "idle")
    assert found["bert"]["status"]["state"] == "exited"
    assert [found[name]["branch"] for name in ("anna", "bert")] == ["topic/x", "deck/bert/1"]
    assert "its worktree is gone" in deck.ok("ls").out
    shown = deck.ok("show", "anna", "--json").json
    assert (shown["tree"]["trouble"], shown["tree"]["note"]) == ("switched", "it left deck/anna/1 for topic/x")
    assert shown["disk_bytes"] > 0
    before = deck.left()
    done = deck.run("resume", "bert")
    assert (done.code, "is gone" in done.err, "git -C" in done.err) == (1, True, True), done
    assert deck.left() == before
    assert "Traceback" not in deck.log()


class Place:
    """A database and a monitor with one agent of a real repository, and no engine."""

    def __init__(self, repo: Path) -> None:
        self.writer = store.Writer(paths.database_file())
        self.monitor = Monitor()
        made = worktrees.create(repo, "al")
        self.agent = Agent(
            "a1", "al", "builtin", made.repo, made.worktree, made.branch, "main", made.base_oid, "live", created=1
        )
        self.writer.run_sync(lambda conn: rows.insert(conn, "agents", rows.agent_columns(self.agent)))
        idle = Status("idle", "hook", 1, "a test says so", checked=now_ms())
        self.monitor.restore([self.agent], {}, {"a1": idle})

    def row(self) -> fleet.AgentRow:
        conn = store.read(paths.database_file())
        assert conn is not None
        with closing(conn):
            return fleet.load(conn).rows[0]


@pytest.fixture
def place(git_repo: Path) -> Iterator[Place]:
    place = Place(git_repo)
    yield place
    place.writer.close()


async def test_the_watch_stores_what_is_new_and_only_that(place: Place) -> None:
    told: list[str] = []
    watch = TreeWatch(place.writer, place.monitor, told.extend)
    await watch.round()
    assert (place.row().tree.head, place.row().tree.note, told) == (place.agent.base_oid, "", ["a1"])
    tree = Path(place.agent.worktree)
    commit = repos.commit(tree, "More", {"more.txt": "more\n"})
    repos.git(tree, "switch", "-q", "-c", "topic")
    await watch.round()
    assert place.row().tree.head == place.agent.base_oid, "not looked at again so soon"
    watch.hear(Report(("a1",), (), ()))
    watch._looked.clear()
    await watch.round()
    row = place.row()
    assert (row.agent.branch, row.tree.head, row.tree.trouble) == ("topic", commit, "switched")
    assert told == ["a1", "a1"]
    changes = place.writer.run_sync(lambda conn: conn.total_changes)
    watch._looked.clear()
    await watch.round()
    await TreeWatch(place.writer, place.monitor, told.extend).round()  # the next engine
    assert place.writer.run_sync(lambda conn: conn.total_changes) == changes
    assert len(told) == 2
    repos.git(tree, "switch", "-q", "deck/al/1")
    watch._looked.clear()
    await watch.round()
    assert (place.row().agent.branch, place.row().tree.note) == ("deck/al/1", "")


async def test_the_watch_follows_a_repository_that_moved(place: Place, tmp_path: Path) -> None:
    Path(place.agent.repo).rename(tmp_path / "new")
    watch = TreeWatch(place.writer, place.monitor, lambda _: None)
    await watch.round()
    assert place.row().tree.trouble == "repo_gone"
    repos.git(tmp_path / "new", "worktree", "repair", place.agent.worktree)
    watch._looked.clear()
    await watch.round()
    assert place.row().agent.repo == str(tmp_path / "new")


async def test_a_tree_is_measured_once(place: Place) -> None:
    repos.write(Path(place.agent.worktree), {"big.bin": b"x" * 300_000})
    gauge = Gauge(place.writer, place.monitor)
    for _ in range(2):
        await gauge.round()
        use = place.row().disk
        assert use is not None
        assert 300_000 <= use.bytes < 600_000
        repos.write(Path(place.agent.worktree), {"more.bin": b"x" * 300_000})


def _dispatcher(place: Place, count: Callable[[], Awaitable[None]]) -> Dispatcher:
    judging = Judging(place.writer, place.monitor, Gatekeeper(place.writer, paths.state_dir() / "verify"), count)
    return Dispatcher(place.writer, place.monitor, judging, count)


async def test_tasks_wait_while_the_disk_is_nearly_full(place: Place) -> None:
    async def count() -> None: ...

    spec = specs.parse("# Mend\n\nMend it.\n")
    place.writer.run_sync(lambda conn: queue.add(conn, spec, place.agent.repo))
    dispatcher = _dispatcher(place, count)
    for gigabytes, attempts in ((900_000, 0), (0, 1)):
        floor(gigabytes)
        await dispatcher.round()
        found = place.writer.run_sync(lambda conn: conn.execute("SELECT COUNT(*) FROM attempts").fetchone()[0])
        assert found == attempts
    for work in list(dispatcher._preparing.values()):
        await work


async def test_a_task_for_an_agent_whose_tree_is_broken_is_refused_in_words(place: Place) -> None:
    async def count() -> None: ...

    (Path(place.agent.worktree) / ".git").write_text("junk")
    spec = replace(specs.parse("# Mend\n\nMend it.\n"))
    place.writer.run_sync(lambda conn: queue.add(conn, spec, place.agent.repo))
    dispatcher = _dispatcher(place, count)
    await dispatcher.round()
    for work in list(dispatcher._preparing.values()):
        await work
    [reason] = place.writer.run_sync(lambda conn: conn.execute("SELECT reason FROM attempts").fetchone())
    assert "its .git file is damaged" in reason
    assert "git -C" in reason
