"""Measuring a worktree, which must change nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentdeck.errors import UsageError
from agentdeck.services.fleet import Diff
from agentdeck.services.trees import losses, worktrees
from tests import repos


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repos.make(tmp_path / "a repo", {"README.md": "one\ntwo\n", "a.txt": "a\n", ".gitignore": "*.log\nbuild/\n"})


@pytest.fixture
def made(repo: Path) -> worktrees.Created:
    return worktrees.create(repo, "al")


@pytest.fixture
def tree(made: worktrees.Created) -> Path:
    return Path(made.worktree)


def test_nothing_done_is_no_diff(repo: Path, made: worktrees.Created, tree: Path) -> None:
    assert worktrees.diff(tree, made.base_oid) == Diff(0, 0, 0)
    os.utime(tree / "a.txt", (1, 1))
    assert worktrees.diff(tree, made.base_oid) == Diff(0, 0, 0)


def test_the_diff_counts_commits_changes_and_new_files(repo: Path, made: worktrees.Created, tree: Path) -> None:
    repos.commit(tree, "Work", {"README.md": "one\n2\nthree\n"})  # +2 -1
    repos.write(tree, {"a.txt": "a\nb\n", "new ünï\n": "1\n2\n3", "bin": b"\x00" * 100, "empty": ""})  # +1, +3
    repos.git(tree, "add", "a.txt")
    repos.write(tree, {"x.log": "ignored\n", "build/y": "ignored\n"})
    assert worktrees.diff(tree, made.base_oid) == Diff(5, 6, 1)
    (tree / ".gitignore").unlink()
    assert worktrees.diff(tree, made.base_oid) == Diff(8, 8, 3)


def test_the_diff_is_against_the_merge_base(repo: Path, made: worktrees.Created, tree: Path) -> None:
    repos.commit(repo, "Main goes on", {"main.txt": "1\n2\n"})
    repos.commit(tree, "Work", {"w.txt": "1\n"})
    assert worktrees.diff(tree, "main") == worktrees.diff(tree, "main", repo) == Diff(1, 1, 0)
    with pytest.raises(UsageError, match="base 'nope' does not exist"):
        worktrees.diff(tree, "nope")
    repos.git(tree, "merge", "-q", "-m", "Merge", "main")
    assert worktrees.diff(tree, "main") == Diff(1, 1, 0)


def test_the_diff_overlooks_nested_repositories_and_copied_files(repo: Path) -> None:
    repos.commit(repo, "Patterns", {".worktreeinclude": ".env\n"})
    repos.write(repo, {".env": "A=1\n"})
    made = worktrees.create(repo, "al")
    (Path(made.worktree) / "inner").mkdir()
    repos.git(Path(made.worktree) / "inner", "init", "-q")
    assert worktrees.diff(made.worktree, made.base_oid) == Diff(0, 0, 0)


def test_the_diff_touches_neither_index_nor_lock(repo: Path, made: worktrees.Created, tree: Path) -> None:
    repos.write(tree, {"a.txt": "changed\n", "new": "1\n"})
    index = Path(repos.git(tree, "rev-parse", "--path-format=absolute", "--git-path", "index"))
    before = (index.read_bytes(), index.stat().st_mtime_ns)
    lock = index.with_name("index.lock")
    lock.touch()  # another git at work
    assert worktrees.diff(tree, made.base_oid) == Diff(2, 2, 1)
    assert not losses.survey(tree, repo, made.base_oid).nothing
    lock.unlink()
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before


def test_the_diff_runs_no_external_program(repo: Path, made: worktrees.Created, tree: Path, tmp_path: Path) -> None:
    repos.git(repo, "config", "diff.external", f"touch '{tmp_path}/ran' #")
    repos.git(repo, "config", "diff.x.textconv", f"touch '{tmp_path}/ran' #")
    repos.write(tree, {"a.txt": "changed\n", ".gitattributes": "*.txt diff=x\n"})
    assert worktrees.diff(tree, made.base_oid) == Diff(2, 2, 1)
    assert not (tmp_path / "ran").exists()


def test_the_diff_before_the_first_commit(repo: Path, made: worktrees.Created, tree: Path) -> None:
    repos.git(tree, "switch", "-q", "--orphan", "deck/al/2")
    assert worktrees.diff(tree, made.base_oid) == Diff(3, 0, 5)
