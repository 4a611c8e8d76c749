"""What the report of a removal names: everything that exists nowhere else, path by path, and nothing that changes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck.adapters import space
from agentdeck.models.agent import Agent
from agentdeck.services.trees import worktrees
from tests import repos
from tests.trash_rig import Rig, fill, picture, refs


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repos.make(tmp_path / "a repo", {"README.md": "one\n", "a.txt": "a\n", ".gitignore": "*.log\nbuild/\n"})


@pytest.fixture
def rig(repo: Path) -> Iterator[Rig]:
    rig = Rig(repo)
    yield rig
    rig.close()


@pytest.fixture
def agent(rig: Rig) -> Agent:
    return rig.agent()


@pytest.fixture
def tree(agent: Agent) -> Path:
    return Path(agent.worktree)


def lost(rig: Rig, agent: Agent) -> list[str]:
    """The report without its first line, which is the tree's path, and without sizes."""
    first, *rest = rig.report(agent).lines()
    assert first == f"{agent.worktree}:"
    return [line.split("  ")[0] for line in rest]


def test_looking_changes_nothing_and_shows_every_kind_of_loss(rig: Rig, repo: Path, agent: Agent, tree: Path) -> None:
    fill(tree)
    before, names = picture(tree), refs(repo)
    tip = repos.git(tree, "log", "-1", "--format=%h %s")
    assert lost(rig, agent) == [
        "staged: both.txt", "staged: staged.txt", "changed: both.txt", "changed: gone.txt", "changed: run.sh",
        "changed: work.txt", "untracked: dir/deep/new", "untracked: inner/", "untracked: line\\nbreak",
        "untracked: link", "untracked: new ünï", "ignored: build/", "ignored: dangling.log", "ignored: secret.log",
        "ignored: x.log", f"unpushed: {tip}",
    ]  # fmt: skip
    assert picture(tree) == before and refs(repo) == names


def test_what_git_does_not_have_comes_with_its_size(rig: Rig, agent: Agent, tree: Path) -> None:
    repos.write(tree, {"build/big": b"x" * 2_000_000, "new": b"x" * 5000})
    report = rig.report(agent)
    assert "ignored: build/  2 MB" in report.lines()
    assert "untracked: new  9 kB" in report.lines()
    assert report.summary() == "1 untracked (9 kB), 1 ignored (2 MB)"


def test_a_clean_tree_loses_nothing(rig: Rig, agent: Agent) -> None:
    assert lost(rig, agent) == ["nothing would be lost"]
    assert rig.report(agent).summary() == ""


@pytest.mark.parametrize("holder", ["merge", "branch", "tag", "remote", "detached main"])
def test_commits_held_elsewhere_are_no_loss(rig: Rig, repo: Path, agent: Agent, tree: Path, holder: str) -> None:
    tip = repos.commit(tree, "Work", {"new.txt": "1\n"})
    assert lost(rig, agent) == [f"unpushed: {tip[:7]} Work"]
    {
        "merge": lambda: repos.git(repo, "merge", "-q", "--no-ff", "-m", "Land", "deck/al/1"),
        "branch": lambda: repos.git(repo, "branch", "release", tip),
        "tag": lambda: repos.git(repo, "tag", "v1", tip),
        "remote": lambda: repos.git(repo, "update-ref", "refs/remotes/origin/al", tip),
        "detached main": lambda: repos.git(repo, "checkout", "-q", "--detach", tip),
    }[holder]()
    assert lost(rig, agent) == ["nothing would be lost"]


def test_another_agents_branch_is_no_safe_place(rig: Rig, repo: Path, agent: Agent, tree: Path) -> None:
    tip = repos.commit(tree, "Work", {"new.txt": "1\n"})
    repos.git(repo, "branch", "deck/bo/1", tip)
    assert lost(rig, agent) == [f"unpushed: {tip[:7]} Work"]


def test_many_commits_are_counted(rig: Rig, agent: Agent, tree: Path) -> None:
    head, text = repos.git(tree, "rev-parse", "HEAD"), repos.git(tree, "rev-parse", "HEAD^{tree}")
    for n in range(60):
        head = repos.git(tree, "commit-tree", text, "-p", head, "-m", f"Work {n}")
    repos.git(tree, "reset", "-q", "--hard", head)
    assert lost(rig, agent)[-1] == "unpushed: and 10 more"
    assert rig.report(agent).summary() == "60 unpushed"


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_hidden_changes_are_a_loss(rig: Rig, agent: Agent, tree: Path, flag: str) -> None:
    repos.git(tree, "update-index", flag, "a.txt")
    repos.write(tree, {"a.txt": "hidden\n"})
    assert lost(rig, agent) == ["changed: a.txt"]


def test_something_half_way_is_said(rig: Rig, agent: Agent, tree: Path) -> None:
    repos.git(tree, "bisect", "start")
    assert lost(rig, agent) == ["a bisection is in progress"]


def test_copied_files_are_no_loss_until_they_differ(rig: Rig, repo: Path) -> None:
    repos.commit(repo, "Patterns", {".worktreeinclude": ".env\nbuild/\n"})
    repos.write(repo, {".env": "A=1\n", "build/cache": "c\n"})
    agent = rig.agent()
    assert lost(rig, agent) == ["nothing would be lost"]
    repos.write(Path(agent.worktree), {".env": "A=2\n", "build/own": "o\n"})
    assert lost(rig, agent) == ["untracked: .env", "ignored: build/"]


def test_branches_that_would_go_along_and_those_that_would_not(rig: Rig, repo: Path, agent: Agent, tree: Path) -> None:
    repos.commit(tree, "One", {"one": "1"})
    worktrees.next_branch(tree, "al", 2)
    repos.commit(tree, "Two", {"two": "1"})
    worktrees.next_branch(tree, "bo", 3)  # it was renamed
    repos.git(repo, "branch", "deck/alma/1")
    other = tree.parent / "other"
    repos.git(repo, "worktree", "add", "-q", str(other), "deck/al/2")
    found = rig.report(agent).branches
    assert sorted(found) == ["refs/heads/deck/al/1", "refs/heads/deck/bo/3"]
    repos.git(repo, "worktree", "remove", str(other))


def test_a_process_that_lives_in_the_tree_is_named(rig: Rig, agent: Agent, tree: Path) -> None:
    (tree / "deep").mkdir()
    with subprocess.Popen(["sleep", "60"], cwd=tree / "deep") as process:
        report = rig.report(agent)
        assert report.refusal == f"a living process is in it: sleep (pid {process.pid})"
        process.kill()
    assert rig.report(agent).refusal == ""


def test_a_directory_that_cannot_be_read_is_no_empty_one(
    rig: Rig, agent: Agent, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git passes over it with a warning; root reads everything, so the look is told."""
    monkeypatch.setattr(space, "unreadable", lambda top: f"{top}/closed")
    assert rig.report(agent).refusal == f"{tree}/closed cannot be read"


def test_the_digest_tells_what_was_shown(rig: Rig, agent: Agent, tree: Path) -> None:
    seen = [rig.report(agent).digest]
    for change in (
        lambda: repos.write(tree, {"new": "1"}),
        lambda: repos.git(tree, "add", "new"),
        lambda: repos.write(tree, {"x.log": "1"}),
        lambda: repos.git(tree, "commit", "-q", "-m", "New"),
        lambda: repos.git(tree, "commit", "-q", "--amend", "-m", "Newer"),
        lambda: repos.git(tree, "bisect", "start"),
    ):
        change()
        seen.append(rig.report(agent).digest)
    assert len(set(seen)) == len(seen)
    repos.write(tree, {"x.log": "longer than before"})
    assert rig.report(agent).digest == seen[-1], "a file that was shown may grow"


def test_only_trees_of_ours_are_looked_at(rig: Rig, repo: Path, agent: Agent, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    repos.git(repo, "worktree", "add", "-q", "-b", "mine", str(mine))
    (Path(agent.worktree).parent / "unlisted").mkdir()
    (repo / "sub").mkdir()
    (tmp_path / "link").symlink_to(mine)
    victims = (repo, mine, Path(agent.worktree).parent / "unlisted", repo.parent, repo / "sub", tmp_path / "link")
    for n, victim in enumerate((*victims, Path(agent.worktree).parent, Path("/"))):
        refused = rig.report(rig.agent(f"bo{n}", worktree=str(victim))).refusal
        assert refused == f"{victim} is not a worktree that agentdeck made"
