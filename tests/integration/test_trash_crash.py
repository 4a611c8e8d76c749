"""`kill -9` between any two steps of a removal, an undo or an emptying: the next start finds the agent in the deck
with its tree as it was, or in the trash from where undo brings it back as it was. Never neither, never both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck.adapters import git_moves
from agentdeck.config import Trash as Limits
from agentdeck.models.agent import Agent
from agentdeck.models.trash import TrashEntry
from tests import repos
from tests.trash_rig import Killed, Rig, fill, picture, refs

PUT = ("begin", "save", "detach", "release", "move_in", "removed")
BACK = ("take_back", "move_out", "restore", "attach", "forget_refs", "returned")
EMPTY = ("set_state", "destroy", "emptied")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(repos.make(tmp_path / "repo", {"a.txt": "a\n", ".gitignore": "*.log\nbuild/\n"}))
    yield rig
    rig.close()


class Scene:
    """One agent with everything in its tree, as it was before anything was done to it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.agent: Agent = rig.agent()
        self.tree = Path(self.agent.worktree)
        fill(self.tree)
        self.before, self.refs = picture(self.tree), refs(rig.repo)

    async def whole(self) -> str:
        """Where the agent is; everything of it must be there, and nothing half-way be left."""
        states = self.rig.writer.run_sync(lambda c: {row[0] for row in c.execute("SELECT state FROM trash")})
        assert not states & {"moving", "restoring", "emptying"}
        if self.rig.agents():
            assert self.rig.held() == []
            assert self.rig.agents() == {"al": self.agent}
            self.as_before()
            return "deck"
        [entry] = self.rig.held()
        assert not self.tree.exists()
        await self.rig.back(entry.id)
        self.as_before()
        return "trash"

    def as_before(self) -> None:
        assert picture(self.tree) == self.before
        assert refs(self.rig.repo) == self.refs


async def test_a_removal_that_is_killed_before_each_of_its_steps(rig: Rig) -> None:
    scene = Scene(rig)
    for step in PUT:
        rig.fatal = step
        with pytest.raises(Killed):
            await rig.put(scene.agent)
        await rig.restart()
        assert await scene.whole() == ("trash" if step == "removed" else "deck"), step
    rig.steps.clear()
    await rig.put(scene.agent)
    assert tuple(rig.steps) == PUT, "these are all"


async def test_an_undo_that_is_killed_before_each_of_its_steps(rig: Rig) -> None:
    scene = Scene(rig)
    for step in BACK:
        await rig.put(scene.agent)
        rig.fatal = step
        with pytest.raises(Killed):
            await rig.back()
        await rig.restart()
        assert await scene.whole() == ("trash" if step in ("take_back", "move_out") else "deck"), step
    await rig.put(scene.agent)
    rig.steps.clear()
    await rig.back()
    assert tuple(rig.steps) == BACK, "these are all"


async def test_an_undo_under_another_name_that_is_killed(rig: Rig) -> None:
    scene = Scene(rig)
    gone = await rig.put(scene.agent)
    other = rig.agent()
    for step in ("move_out", "restore"):
        rig.fatal = step
        with pytest.raises(Killed):
            await rig.back(gone.id, "al-2")
        await rig.restart()
        assert ("al-2" in rig.agents()) == (step == "restore")
    there = rig.agents()["al-2"]
    assert {**picture(Path(there.worktree)), "HEAD": ""} == {**scene.before, "HEAD": ""}
    assert there.branch == "deck/al-2/1" and rig.agents()["al"].worktree == other.worktree


async def test_an_emptying_that_is_killed_before_each_of_its_steps(rig: Rig) -> None:
    for step in EMPTY:
        scene = Scene(rig)
        gone = await rig.put(scene.agent)
        rig.fatal = step
        rig.steps.clear()
        with pytest.raises(Killed):
            await rig.trash.empty([gone.id])
        assert tuple(rig.steps) == EMPTY[: EMPTY.index(step) + 1]
        await rig.restart()
        if step == "set_state":
            assert await scene.whole() == "trash"
            await rig.put(scene.agent)
            continue
        assert rig.held()[0].state == "emptying"
        await rig.trash.sweep(Limits())
        assert rig.held()[0].state == "emptied"
        assert not Path(gone.place).exists()
        assert gone.place not in repos.git(rig.repo, "worktree", "list")
        assert repos.show(rig.repo, gone.snapshot, "work.txt") == b"changed\n"


@pytest.mark.parametrize("first", ["move_in", "removed"])
async def test_a_restart_that_is_killed_too(rig: Rig, first: str) -> None:
    scene = Scene(rig)
    rig.fatal = first
    with pytest.raises(Killed):
        await rig.put(scene.agent)
    for step in ("mend", "stay_out", "stayed_out", "removed"):
        rig.fatal = step
        try:
            await rig.trash.recover()
        except Killed:
            continue
    await rig.restart()
    await scene.whole()


def only_rename(monkeypatch: pytest.MonkeyPatch) -> None:
    """git renames the directory first and writes down where it is after that: killed between the two."""

    def half(root: Path, path: Path, to: Path) -> None:
        path.rename(to)
        raise Killed

    monkeypatch.setattr(git_moves, "move", half)


@pytest.mark.parametrize("way", ["in", "out"])
async def test_git_killed_in_the_midst_of_a_move(rig: Rig, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    scene = Scene(rig)
    if way == "out":
        await rig.put(scene.agent)
    with monkeypatch.context() as patched:
        only_rename(patched)
        with pytest.raises(Killed):
            await (rig.put(scene.agent) if way == "in" else rig.back())
    await rig.restart()
    assert await scene.whole() == ("trash" if way == "in" else "deck")
    assert "prunable" not in repos.git(rig.repo, "worktree", "list", "--porcelain")


async def test_an_old_engine_that_goes_on_after_a_new_one_has_settled(rig: Rig) -> None:
    """It stood still before the move; the next engine took it for undone; then it moves the tree after all."""
    scene = Scene(rig)
    rig.fatal = "move_in"
    with pytest.raises(Killed):
        await rig.put(scene.agent)
    entry: TrashEntry = rig.writer.run_sync(
        lambda c: TrashEntry(**dict(c.execute("SELECT * FROM trash").fetchone()))  # as the old one knows it
    )
    await rig.restart()
    Path(entry.place).parent.mkdir()
    git_moves.move(rig.repo, scene.tree, Path(entry.place))
    await rig.restart()
    assert await scene.whole() == "trash"


SCRIPT = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.trash_rig import Rig
rig = Rig(Path(sys.argv[1]))
def die(step):
    if step == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
rig.trash.checkpoint = die
asyncio.run(rig.put(rig.agents()["al"]) if sys.argv[2] in {put} else rig.back())
"""


@pytest.mark.parametrize("step", ["release", "restore"])
async def test_the_same_by_a_real_kill(rig: Rig, step: str) -> None:
    scene = Scene(rig)
    if step in BACK:
        await rig.put(scene.agent)
    words = [sys.executable, "-c", SCRIPT.format(put=PUT), str(rig.repo), step]
    done = subprocess.run(words, env=os.environ, cwd=Path.cwd(), timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL
    await rig.restart()
    assert await scene.whole() == "deck"
