"""The next task's fresh branch: what the last one left is committed on the old one, every byte of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentdeck.errors import AgentDeckError, TryAgain, UsageError
from agentdeck.services.trees import worktrees
from tests import repos


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repos.make(
        tmp_path / "a repo",
        {"README.md": "hello\n", "a.txt": "a\n", "dir/b.txt": "b\n", ".gitignore": "*.log\nbuild/\n"},
    )


@pytest.fixture
def tree(repo: Path) -> Path:
    return Path(worktrees.create(repo, "al").worktree)


def message(repo: Path, ref: str) -> str:
    return repos.git(repo, "log", "-1", "--format=%B", ref)


def test_a_clean_tree_only_changes_its_branch(repo: Path, tree: Path) -> None:
    tip = repos.commit(tree, "Work", {"new.txt": "1\n"})
    head = repos.commit(repo, "Main goes on", {"main.txt": "m\n"})
    made = worktrees.next_branch(tree, "al", 2)
    assert (made.branch, made.base_oid, made.saved_ref, made.saved_oid, made.kept) == ("deck/al/2", head, "", "", ())
    assert repos.git(repo, "rev-parse", "deck/al/1") == tip
    assert repos.git(tree, "symbolic-ref", "--short", "HEAD") == "deck/al/2"
    assert repos.git(tree, "rev-parse", "HEAD") == head
    assert repos.status(tree) == ""
    assert not (tree / "new.txt").exists()
    assert (tree / "main.txt").exists()


def test_every_kind_of_leftover_is_saved(repo: Path, tree: Path) -> None:
    contents = {
        "changed": b"changed\n", "new": b"\x00\x01binary\xff", "big": os.urandom(3 << 20), "name": "näme\n".encode(),
        "odd": b"odd\n", "deep": b"deep\n", "script": b"#!/bin/sh\n", "file": b"a file where a directory was\n",
        "inside": b"a directory where a file was\n",
    }  # fmt: skip
    repos.write(tree, {"README.md": contents["changed"], "new.bin": contents["new"], "big": contents["big"]})
    repos.write(
        tree, {"ünï/nä me ✨": contents["name"], "-n \t\n'\"[*]?": contents["odd"], "x/y/z/deep": contents["deep"]}
    )
    repos.write(tree, {"run.sh": contents["script"]})
    (tree / "run.sh").chmod(0o755)
    (tree / os.fsdecode(b"\xff\xfe")).write_bytes(b"no utf-8 name")
    (tree / "link").symlink_to("README.md")
    (tree / "a.txt").unlink()
    repos.write(tree, {"a.txt/inside": contents["inside"]})
    (tree / "dir" / "b.txt").unlink()
    (tree / "dir").rmdir()
    repos.write(tree, {"dir": contents["file"]})
    old = repos.git(tree, "rev-parse", "HEAD")
    made = worktrees.next_branch(tree, "al", 2, task=7)
    assert made.saved_ref == "refs/heads/deck/al/1"
    assert repos.git(repo, "rev-parse", "deck/al/1") == made.saved_oid
    assert repos.git(repo, "rev-parse", "deck/al/1^") == old
    assert set(contents.values()) | {b"no utf-8 name"} <= repos.held(repo)
    modes = repos.git(repo, "ls-tree", "-r", "deck/al/1")
    assert "100755 blob" in modes
    assert "120000 blob" in modes
    assert "Deck-Leftovers: al\nDeck-Before-Task: 7" in message(repo, "deck/al/1")
    assert (
        repos.git(repo, "log", "-1", "--format=%(trailers:key=Deck-Leftovers,valueonly)", "deck/al/1").strip() == "al"
    )
    assert repos.status(tree) == ""
    assert sorted(os.listdir(tree)) == [".git", ".gitignore", "README.md", "a.txt", "dir"]
    assert (tree / "README.md").read_text() == "hello\n"


def test_staged_and_changed_again_keeps_both(repo: Path, tree: Path) -> None:
    repos.write(tree, {"a.txt": "staged\n", "gone.txt": "staged and deleted\n"})
    repos.git(tree, "add", "a.txt", "gone.txt")
    repos.write(tree, {"a.txt": "on disk\n"})
    (tree / "gone.txt").unlink()
    worktrees.next_branch(tree, "al", 2)
    assert repos.show(repo, "deck/al/1", "a.txt") == b"on disk\n"
    assert repos.show(repo, "deck/al/1^", "a.txt") == b"staged\n"
    assert repos.show(repo, "deck/al/1^", "gone.txt") == b"staged and deleted\n"
    assert "Deck-Leftovers: al" in message(repo, "deck/al/1^")
    assert repos.status(tree) == ""


def test_staged_work_undone_on_disk_is_kept_too(repo: Path, tree: Path) -> None:
    repos.write(tree, {"a.txt": "staged\n"})
    repos.git(tree, "add", "a.txt")
    repos.write(tree, {"a.txt": "a\n"})
    worktrees.next_branch(tree, "al", 2)
    assert b"staged\n" in repos.held(repo)
    assert repos.show(repo, "deck/al/1", "a.txt") == b"a\n"


def test_a_change_within_the_clocks_tick_is_seen(repo: Path, tree: Path) -> None:
    for n in range(2, 8):
        repos.write(tree, {"a.txt": f"{n}\n"})
        repos.git(tree, "commit", "-q", "-a", "-m", "Work")
        repos.write(tree, {"a.txt": f"{n + 1}\n"})  # same size, perhaps the same time as the index
        worktrees.next_branch(tree, "al", n)
        assert repos.show(repo, f"deck/al/{n - 1}", "a.txt") == f"{n + 1}\n".encode()


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_changes_that_git_was_told_to_overlook_are_saved(repo: Path, tree: Path, flag: str) -> None:
    head = repos.commit(repo, "Main changes it", {"a.txt": "main\n"})
    repos.git(tree, "update-index", flag, "a.txt")
    repos.write(tree, {"a.txt": "hidden change\n"})
    assert repos.status(tree) == ""
    worktrees.next_branch(tree, "al", 2)
    assert repos.show(repo, "deck/al/1", "a.txt") == b"hidden change\n"
    assert repos.git(tree, "rev-parse", "HEAD") == head
    assert (tree / "a.txt").read_text() == "main\n"


def test_a_sparse_tree_loses_no_file_it_does_not_show(repo: Path, tree: Path) -> None:
    repos.git(tree, "config", "extensions.worktreeConfig", "true")
    repos.git(tree, "sparse-checkout", "set", "--no-cone", "/README.md", "/a.txt")
    assert not (tree / "dir").exists()
    repos.write(tree, {"a.txt": "work\n", "dir/out of the cone": "new\n"})
    worktrees.next_branch(tree, "al", 2)
    assert repos.show(repo, "deck/al/1", "dir/b.txt") == b"b\n"
    assert repos.show(repo, "deck/al/1", "dir/out of the cone") == b"new\n"
    assert repos.show(repo, "deck/al/1", "a.txt") == b"work\n"


def test_ignored_files_stay(repo: Path, tree: Path) -> None:
    repos.write(tree, {"x.log": "log\n", "build/deep/out": "out\n"})
    made = worktrees.next_branch(tree, "al", 2)
    assert made.saved_ref == ""
    assert (tree / "x.log").read_text() == "log\n"
    assert (tree / "build/deep/out").read_text() == "out\n"


def test_ignored_files_in_the_way_of_the_base_are_saved_first(repo: Path, tree: Path) -> None:
    repos.git(repo, "rm", "-q", ".gitignore")
    repos.commit(repo, "Tracked now", {"x.log": "main\n", "build": "a file now\n", "y.log/deep": "a directory now\n"})
    repos.write(tree, {"x.log": "mine\n", "build/deep/out": "out\n", "y.log": "file\n", "z.log": "stays\n"})
    worktrees.next_branch(tree, "al", 2)
    assert {b"mine\n", b"out\n", b"file\n"} <= repos.held(repo)
    assert b"stays\n" not in repos.held(repo)
    assert (tree / "x.log").read_text() == "main\n"
    assert (tree / "build").read_text() == "a file now\n"
    assert (tree / "y.log/deep").read_text() == "a directory now\n"
    assert (tree / "z.log").read_text() == "stays\n"


def test_files_the_new_base_does_not_ignore_stay_and_are_told(repo: Path, tree: Path) -> None:
    repos.commit(tree, "Ignore more", {".gitignore": "*.log\nbuild/\nnode_modules/\n"})
    repos.write(tree, {"node_modules/x/index.js": "1\n"})
    made = worktrees.next_branch(tree, "al", 2)
    assert made.kept == ("node_modules/x/index.js",)
    assert (tree / "node_modules/x/index.js").read_text() == "1\n"


def test_a_repository_inside_stays_whole(repo: Path, tree: Path) -> None:
    inner = repos.make(tree / "inner", {"own.txt": "own\n"})
    (tree / "fresh").mkdir()
    repos.git(tree / "fresh", "init", "-q")
    repos.write(tree, {"fresh/x": "1\n", "plain.txt": "plain\n"})
    made = worktrees.next_branch(tree, "al", 2)
    assert set(made.kept) == {"inner/", "fresh/"}
    assert (inner / "own.txt").read_text() == "own\n"
    assert (tree / "fresh/x").read_text() == "1\n"
    assert repos.show(repo, "deck/al/1", "plain.txt") == b"plain\n"


def test_copied_secrets_are_never_committed(repo: Path) -> None:
    repos.commit(repo, "Patterns", {".worktreeinclude": ".env\n"})
    repos.write(repo, {".env": "SECRET=1\n"})
    tree = Path(worktrees.create(repo, "al").worktree)
    repos.write(tree, {"work.txt": "work\n"})
    made = worktrees.next_branch(tree, "al", 2)
    assert made.kept == ()
    assert b"work\n" in repos.held(repo)
    assert b"SECRET=1\n" not in repos.held(repo)
    assert (tree / ".env").read_text() == "SECRET=1\n"


def test_commits_on_a_detached_head_get_a_private_ref(repo: Path, tree: Path) -> None:
    repos.git(tree, "checkout", "-q", "--detach")
    tip = repos.commit(tree, "Alone", {"alone.txt": "1\n"})
    made = worktrees.next_branch(tree, "al", 2)
    assert made.saved_ref == "refs/deck/kept/al/1"
    assert repos.git(repo, "rev-parse", "refs/deck/kept/al/1") == tip
    repos.git(tree, "checkout", "-q", "--detach")
    again = repos.commit(tree, "Alone again", {"alone.txt": "2\n"})
    repos.write(tree, {"left.txt": "left\n"})
    made = worktrees.next_branch(tree, "al", 3)
    assert made.saved_ref == "refs/deck/kept/al/2"
    assert repos.git(repo, "rev-parse", "refs/deck/kept/al/2^") == again
    assert repos.show(repo, "refs/deck/kept/al/2", "left.txt") == b"left\n"
    assert repos.status(tree) == ""


def test_a_detached_head_that_a_branch_holds_needs_no_ref(repo: Path, tree: Path) -> None:
    repos.git(tree, "checkout", "-q", "--detach")
    assert worktrees.next_branch(tree, "al", 2).saved_ref == ""
    assert repos.git(repo, "for-each-ref", "refs/deck") == ""


def test_somebody_elses_branch_is_not_moved(repo: Path, tree: Path) -> None:
    repos.git(tree, "switch", "-q", "-c", "feature")
    tip = repos.commit(tree, "Feature", {"f.txt": "1\n"})
    repos.write(tree, {"f.txt": "2\n"})
    made = worktrees.next_branch(tree, "al", 2)
    assert repos.git(repo, "rev-parse", "feature") == tip
    assert made.saved_ref == "refs/deck/kept/al/1"
    assert repos.show(repo, "refs/deck/kept/al/1", "f.txt") == b"2\n"
    assert repos.git(repo, "rev-parse", "refs/deck/kept/al/1^") == tip
    assert repos.status(tree) == ""


@pytest.mark.parametrize("branch", ["deck/al/9", "orphan"])
def test_a_branch_without_a_commit(repo: Path, tree: Path, branch: str) -> None:
    repos.git(tree, "switch", "-q", "--orphan", branch)
    repos.write(tree, {"only.txt": "only\n"})
    made = worktrees.next_branch(tree, "al", 2)
    assert repos.show(repo, made.saved_ref, "only.txt") == b"only\n"
    assert (made.branch, repos.status(tree)) == ("deck/al/2", "")


def test_a_taken_number_is_passed_over(repo: Path, tree: Path) -> None:
    repos.git(repo, "branch", "deck/al/2")
    repos.git(repo, "branch", "deck/al/3")
    assert worktrees.next_branch(tree, "al", 2).branch == "deck/al/4"


def test_the_base_may_be_named(repo: Path, tree: Path) -> None:
    other = repos.git(repo, "rev-parse", "HEAD")
    repos.git(repo, "branch", "other")
    repos.commit(repo, "Main goes on")
    assert worktrees.next_branch(tree, "al", 2, "other").base_oid == other


def merge(tree: Path) -> None:
    repos.git(tree, "merge", "main", check=False)


def rebase(tree: Path) -> None:
    repos.git(tree, "rebase", "main", check=False)


def pick(tree: Path) -> None:
    repos.git(tree, "cherry-pick", "main", check=False)


def squash(tree: Path) -> None:
    repos.git(tree, "merge", "--squash", "main", check=False)


def bisect(tree: Path) -> None:
    repos.git(tree, "bisect", "start")


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (merge, "a merge"),
        (rebase, "a rebase"),
        (pick, "a cherry-pick"),
        (squash, "a merge with conflicts"),
        (bisect, "a bisection"),
    ],
)
def test_something_half_way_is_refused_with_the_reason(repo: Path, tree: Path, start, what: str) -> None:
    repos.commit(tree, "Mine", {"a.txt": "mine\n"})
    repos.commit(repo, "Theirs", {"a.txt": "theirs\n"})
    start(tree)
    before, files = repos.everything(tree), (tree / "a.txt").read_bytes()
    with pytest.raises(AgentDeckError, match=f"{what} is in progress"):
        worktrees.next_branch(tree, "al", 2)
    assert repos.everything(tree) == before
    assert (tree / "a.txt").read_bytes() == files


def test_refusals_change_nothing(repo: Path, tree: Path) -> None:
    repos.write(tree, {"a.txt": "work\n", "new": "new\n"})
    before = repos.everything(tree)
    with pytest.raises(UsageError, match="base 'nope'"):
        worktrees.next_branch(tree, "al", 2, "nope")
    with pytest.raises(AgentDeckError, match="not a worktree that agentdeck made"):
        worktrees.next_branch(repo, "al", 2)
    lock = Path(repos.git(tree, "rev-parse", "--path-format=absolute", "--git-path", "index.lock"))
    lock.touch()
    with pytest.raises(TryAgain, match=r"index\.lock"):
        worktrees.next_branch(tree, "al", 2)
    lock.unlink()
    assert repos.everything(tree) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused_and_kept(repo: Path, tree: Path) -> None:
    repos.write(tree, {"closed": "x"})
    (tree / "closed").chmod(0)
    with pytest.raises(AgentDeckError):
        worktrees.next_branch(tree, "al", 2)
    assert (tree / "closed").exists()


def test_a_human_worktree_elsewhere_is_left_alone(repo: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    repos.git(repo, "worktree", "add", "-q", "-b", "mine", str(mine))
    with pytest.raises(AgentDeckError, match="not a worktree that agentdeck made"):
        worktrees.next_branch(mine, "al", 2)


def test_ten_tasks_in_a_row(repo: Path, tree: Path) -> None:
    for n in range(2, 12):
        repos.write(tree, {"notes.txt": f"task {n}\n", f"only-{n}": f"{n}\n"})
        made = worktrees.next_branch(tree, "al", n, task=n)
        assert repos.status(tree) == ""
        assert repos.show(repo, f"deck/al/{n - 1}", "notes.txt") == f"task {n}\n".encode()
        assert repos.git(repo, "ls-tree", "--name-only", f"deck/al/{n - 1}", f"only-{n - 1}") == ""
        assert made.branch == f"deck/al/{n}"
