"""What happens to worktrees behind our back: each is told truly, and the next step that is named does mend it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.tree import TreeState
from agentdeck.services.trees import trees, worktrees
from tests import repos


@dataclass
class Scene:
    """One agent with a commit of its own, as the watch has seen it last."""

    repo: Path
    agent: Agent
    last: TreeState

    @property
    def tree(self) -> Path:
        return Path(self.agent.worktree)

    def state(self) -> TreeState:
        """As it is now, after what was known so far."""
        self.last = trees.judge(self.agent, trees.look([self.agent])[self.agent.id], self.last)
        return self.last

    def follow(self, hint: str) -> None:
        """Do what the hint says behind its colon."""
        words = hint.partition(": ")[2]
        subprocess.run(["sh", "-ec", words], check=True, capture_output=True, cwd=self.repo)


@pytest.fixture
def scene(git_repo: Path) -> Scene:
    made = worktrees.create(git_repo, "al")
    agent = Agent(
        "a1", "al", "shell", made.repo, made.worktree, made.branch, "main", made.base_oid, "live"
    )  # fmt: skip
    repos.commit(Path(made.worktree), "Work", {"work.txt": "work\n"})
    scene = Scene(git_repo, agent, TreeState())
    assert scene.state() == TreeState("deck/al/1", repos.git(scene.tree, "rev-parse", "HEAD"))
    return scene


def blocked(scene: Scene) -> str:
    with pytest.raises(AgentDeckError) as error:
        trees.require(scene.agent)
    assert error.value.hint
    return error.value.title


@pytest.mark.parametrize("pruned", [False, True])
@pytest.mark.parametrize("unborn", [False, True])
def test_a_worktree_deleted_with_rm(scene: Scene, pruned: bool, unborn: bool) -> None:
    head = scene.last.head
    shutil.rmtree(scene.tree)
    if unborn:
        repos.git(scene.repo, "update-ref", "-d", "refs/heads/deck/al/1")
    if pruned:
        repos.git(scene.repo, "worktree", "prune")
    state = scene.state()
    assert (state.trouble, state.branch, state.head) == ("gone", "deck/al/1", head)
    assert "is gone" in blocked(scene)
    if not (pruned and unborn):  # then even git has forgotten where the branch was, but we have not
        scene.follow(state.hint)
        assert scene.state() == TreeState("deck/al/1", head)
        assert (scene.tree / "work.txt").read_text() == "work\n"


@pytest.mark.parametrize("by_git", [False, True])
def test_a_worktree_moved_away(scene: Scene, by_git: bool, tmp_path: Path) -> None:
    there = tmp_path / "else where"
    if by_git:
        repos.git(scene.repo, "worktree", "move", str(scene.tree), str(there))
    else:
        scene.tree.rename(there)
        assert "is gone" in scene.state().note
        repos.git(scene.repo, "worktree", "repair", str(there))
    state = scene.state()
    assert (state.trouble, str(there) in state.note) == ("gone", True)
    assert str(there) in blocked(scene)
    scene.follow(state.hint)
    assert scene.state().trouble == ""


def test_a_worktree_that_git_has_pruned(scene: Scene, tmp_path: Path) -> None:
    scene.tree.rename(tmp_path / "unmounted")
    repos.git(scene.repo, "worktree", "prune")
    (tmp_path / "unmounted").rename(scene.tree)
    state = scene.state()
    assert (state.trouble, state.branch) == ("unlinked", "deck/al/1")
    assert "adopt --yes al" in state.hint
    blocked(scene)


@pytest.mark.parametrize("damage", ["missing", "garbled", "empty", "own"])
def test_a_broken_link(scene: Scene, damage: str, own_machine: Path) -> None:
    """Even when there is a repository around our data directory: git must not take the tree for a part of that."""
    repos.git(own_machine, "init", "-q")
    mark = scene.tree / ".git"
    mark.unlink()
    if damage == "own":
        repos.git(scene.tree, "init", "-q")
    elif damage != "missing":
        mark.write_text("junk" if damage == "garbled" else "")
    state = scene.state()
    assert (state.trouble, state.blocks, state.branch) == ("broken", True, "deck/al/1")
    blocked(scene)
    if damage == "missing":
        with pytest.raises(AgentDeckError, match="not in a git repository"):
            worktrees.diff(scene.tree, scene.agent.base_oid, scene.repo)
    command = (
        state.hint.partition(": ")[2] if damage != "own" else f"mv {mark} {mark}.own; " + state.hint.split("then: ")[1]
    )
    subprocess.run(["sh", "-ec", command], check=True, capture_output=True)
    assert scene.state().trouble == ""


def test_a_branch_deleted_under_its_worktree(scene: Scene) -> None:
    head = scene.last.head
    repos.git(scene.repo, "update-ref", "-d", "refs/heads/deck/al/1")
    for _ in range(2):
        state = scene.state()
        assert (state.trouble, state.blocks, state.head) == ("branch_gone", False, head)
    scene.follow(state.hint)
    assert scene.state() == TreeState("deck/al/1", head)


def test_a_branch_moved_from_outside_and_back(scene: Scene) -> None:
    before, base = scene.last, scene.agent.base_oid
    log = Path(repos.git(scene.tree, "rev-parse", "--path-format=absolute", "--git-path", "logs/HEAD"))
    os.utime(log, (time.time() - 60,) * 2)
    repos.git(scene.repo, "update-ref", "refs/heads/deck/al/1", base)
    for _ in range(2):
        state = scene.state()
        assert (state.trouble, state.head, state.blocks) == ("branch_moved", base, False)
    repos.git(scene.repo, "update-ref", "refs/heads/deck/al/1", before.head)
    assert scene.state() == before


def test_what_the_agent_does_to_its_own_branch_is_no_trouble(scene: Scene) -> None:
    for command in (
        ("commit", "-q", "--amend", "-m", "Better"), ("reset", "-q", "--hard", "HEAD~1"),
        ("commit", "-q", "--allow-empty", "-m", "x"), ("rebase", "-q", "main"),
    ):  # fmt: skip
        repos.git(scene.tree, *command)
        log = Path(repos.git(scene.tree, "rev-parse", "--path-format=absolute", "--git-path", "logs/HEAD"))
        os.utime(log, (time.time() - 60,) * 2)
        assert scene.state() == TreeState("deck/al/1", repos.git(scene.tree, "rev-parse", "HEAD"))


def test_a_branch_checked_out_elsewhere_too(scene: Scene, tmp_path: Path) -> None:
    repos.git(scene.repo, "worktree", "add", "-q", "-f", str(tmp_path / "second"), "deck/al/1")
    state = scene.state()
    assert (state.trouble, str(tmp_path / "second") in state.note, state.blocks) == ("shared", True, False)
    shutil.rmtree(tmp_path / "second")
    assert scene.state().trouble == "", "a tree that is gone holds no branch"


def test_the_agent_goes_to_other_branches_and_detaches(scene: Scene) -> None:
    repos.git(scene.tree, "switch", "-q", "-c", "topic/x")
    state = scene.state()
    assert (state.trouble, state.branch, state.note) == ("switched", "topic/x", "it left deck/al/1 for topic/x")
    repos.git(scene.tree, "branch", "-m", "topic/y")
    assert scene.state().branch == "topic/y"
    repos.git(scene.tree, "switch", "-q", "--orphan", "fresh")
    for _ in range(2):
        assert (scene.state().trouble, scene.last.branch, scene.last.head) == ("switched", "fresh", "")
    repos.git(scene.tree, "switch", "-q", "--detach", "deck/al/1")
    state = scene.state()
    assert (state.trouble, state.branch, state.blocks) == ("detached", "", False)
    repos.git(scene.tree, "switch", "-q", "deck/al/1")
    assert scene.state().trouble == ""


def test_a_merge_half_way_and_a_lock_left_behind(scene: Scene) -> None:
    repos.git(scene.repo, "switch", "-q", "-c", "side")
    repos.commit(scene.repo, "Side", {"work.txt": "side\n"})
    repos.git(scene.tree, "merge", "side", check=False)
    assert scene.state().note == "a merge is in progress"
    repos.git(scene.tree, "merge", "--abort")
    lock = Path(repos.git(scene.tree, "rev-parse", "--path-format=absolute", "--git-path", "index.lock"))
    lock.touch()
    assert scene.state().trouble == "", "git may be at work"
    os.utime(lock, (time.time() - 300,) * 2)
    state = scene.state()
    assert (state.trouble, str(lock) in state.hint) == ("locked", True)


def test_a_repository_that_moved_is_followed(scene: Scene, tmp_path: Path) -> None:
    new = tmp_path / "new home"
    scene.repo.rename(new)
    state = scene.state()
    assert (state.trouble, state.branch) == ("repo_gone", "deck/al/1")
    blocked(scene)
    seen = trees.look([scene.agent])
    assert trees.moved_repositories([scene.agent], seen) == {}
    hint = next(part for part in state.hint.split(": ") if part.startswith("git worktree repair")).partition(". The")[0]
    subprocess.run(shlex.split(hint), cwd=new, check=True, capture_output=True)
    seen = trees.look([scene.agent])
    assert trees.moved_repositories([scene.agent], seen) == {"a1": str(new)}
    scene.agent = replace(scene.agent, repo=str(new))
    assert scene.state().trouble == ""
    trees.require(scene.agent)


def test_a_repository_that_was_deleted(scene: Scene) -> None:
    shutil.rmtree(scene.repo)
    assert scene.state().trouble == "repo_gone"
    shutil.rmtree(scene.tree)
    assert "and its worktree" in scene.state().note
    blocked(scene)


def test_a_repository_that_cannot_be_read_asserts_nothing(scene: Scene) -> None:
    (scene.repo / ".git" / "HEAD").write_text("junk")
    assert trees.look([scene.agent]) == {}


def test_the_humans_own_checkout_is_only_followed(git_repo: Path) -> None:
    agent = Agent("h", "hal", "shell", str(git_repo), str(git_repo), "main", "", "", "live", here=True)
    scene = Scene(git_repo, agent, TreeState())
    repos.git(git_repo, "switch", "-q", "-c", "topic")
    assert scene.state() == TreeState("topic", repos.git(git_repo, "rev-parse", "HEAD"))


def test_one_look_at_many_trees_takes_no_lock_and_one_process(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    agents = [scene.agent]
    for name in ("bo", "cy"):
        made = worktrees.create(scene.repo, name)
        agents.append(replace(scene.agent, id=name, worktree=made.worktree, branch=made.branch))
    before = repos.everything(scene.tree)
    calls: list[tuple[str, ...]] = []
    run = trees.git.run
    monkeypatch.setattr(trees.git, "run", lambda where, *args, **more: calls.append(args) or run(where, *args, **more))
    assert {
        state.trouble
        for key, look in trees.look(agents).items()
        for state in [trees.judge(next(a for a in agents if a.id == key), look, TreeState())]
    } == {""}
    assert len(calls) == 1
    assert repos.everything(scene.tree) == before
