"""Removing a worktree, which must lose nothing, and measuring one, which must change nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.services import worktrees
from agentdeck.services.fleet import Diff
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


def remove(repo: Path, made: worktrees.Created) -> worktrees.Removed:
    return worktrees.remove(repo, made.worktree, made.branch, made.base_oid)


def refused(repo: Path, made: worktrees.Created, *lines: str) -> None:
    """It is refused, every loss is named, and nothing at all has changed."""
    before = repos.everything(repo) | repos.everything(Path(made.worktree))
    files = {path: path.read_bytes() for path in Path(made.worktree).rglob("*") if path.is_file()}
    with pytest.raises(AgentDeckError) as error:
        remove(repo, made)
    assert error.value.exit_code == 1
    for line in lines:
        assert line in error.value.hint.splitlines()
    assert len(error.value.hint.splitlines()) == len(lines)
    assert repos.everything(repo) | repos.everything(Path(made.worktree)) == before
    assert {path: path.read_bytes() for path in files} == files


def test_an_unchanged_tree_goes_with_its_branch(repo: Path, made: worktrees.Created, tree: Path) -> None:
    assert worktrees.removal(repo, tree, made.base_oid).nothing
    assert remove(repo, made).branches == ("deck/al/1",)
    assert not tree.exists()
    assert not tree.parent.exists()
    assert repos.git(repo, "branch", "--list", "deck/*") == ""
    assert len(repos.git(repo, "worktree", "list").splitlines()) == 1
    assert worktrees.create(repo, "al").branch == "deck/al/1"


def test_a_landed_tree_goes(repo: Path, made: worktrees.Created, tree: Path) -> None:
    tip = repos.commit(tree, "Work", {"new.txt": "1\n"})
    repos.git(repo, "merge", "-q", "--no-ff", "-m", "Land", "deck/al/1")
    assert remove(repo, made).branches == ("deck/al/1",)
    assert repos.git(repo, "merge-base", "--is-ancestor", tip, "main") == ""


@pytest.mark.parametrize("holder", ["branch", "tag", "remote", "detached main"])
def test_commits_held_elsewhere_count_as_landed(repo: Path, made: worktrees.Created, tree: Path, holder: str) -> None:
    tip = repos.commit(tree, "Work", {"new.txt": "1\n"})
    {
        "branch": lambda: repos.git(repo, "branch", "release", tip),
        "tag": lambda: repos.git(repo, "tag", "v1", tip),
        "remote": lambda: repos.git(repo, "update-ref", "refs/remotes/origin/al", tip),
        "detached main": lambda: repos.git(repo, "checkout", "-q", "--detach", tip),
    }[holder]()
    assert remove(repo, made).branches == ("deck/al/1",)


def test_unlanded_commits_are_listed_and_kept(repo: Path, made: worktrees.Created, tree: Path) -> None:
    repos.commit(tree, "First work", {"new.txt": "1\n"})
    repos.commit(tree, "Second work", {"new.txt": "2\n"})
    repos.git(repo, "branch", "deck/bo/1", "deck/al/1")  # another agent's branch is no safe place
    one = repos.git(tree, "log", "-1", "--format=%h %s")
    two = repos.git(tree, "log", "-1", "--format=%h %s", "HEAD^")
    refused(repo, made, f"unlanded commit: {one}", f"unlanded commit: {two}")


def test_many_unlanded_commits_are_counted(repo: Path, made: worktrees.Created, tree: Path) -> None:
    head, text = repos.git(tree, "rev-parse", "HEAD"), repos.git(tree, "rev-parse", "HEAD^{tree}")
    for n in range(60):
        head = repos.git(tree, "commit-tree", text, "-p", head, "-m", f"Work {n}")
    repos.git(tree, "reset", "-q", "--hard", head)
    found = worktrees.removal(repo, tree, made.base_oid).unlanded
    assert len(found) == 51
    assert found[-1] == "and 10 more"


def test_every_kind_of_loss_is_listed_by_path(repo: Path, made: worktrees.Created, tree: Path) -> None:
    repos.write(tree, {"README.md": "staged\n", "a.txt": "changed\n", "new ünï": "1", "dir/n": "2", "x.log": "3"})
    repos.write(tree, {"build/deep/one": "4", "build/two": "5"})
    repos.git(tree, "add", "README.md")
    refused(
        repo, made, "staged: README.md", "changed: a.txt", "untracked: new ünï", "untracked: dir/n", "ignored: x.log",
        "ignored: build/",
    )  # fmt: skip


def test_ignored_files_alone_are_a_loss(repo: Path, made: worktrees.Created, tree: Path) -> None:
    repos.write(tree, {"x.log": "precious\n"})
    assert repos.status(tree) == ""
    refused(repo, made, "ignored: x.log")


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_hidden_changes_are_a_loss(repo: Path, made: worktrees.Created, tree: Path, flag: str) -> None:
    repos.git(tree, "update-index", flag, "a.txt")
    repos.write(tree, {"a.txt": "hidden\n"})
    refused(repo, made, "changed: a.txt")


def test_something_half_way_is_a_reason(repo: Path, made: worktrees.Created, tree: Path) -> None:
    repos.git(tree, "bisect", "start")
    refused(repo, made, "a bisection is in progress")


def test_copied_files_are_no_loss_until_they_differ(repo: Path) -> None:
    repos.commit(repo, "Patterns", {".worktreeinclude": ".env\nbuild/\n"})
    repos.write(repo, {".env": "A=1\n", "build/cache": "c\n"})
    made = worktrees.create(repo, "al")
    repos.write(Path(made.worktree), {".env": "A=2\n", "build/own": "o\n"})
    refused(repo, made, "untracked: .env", "ignored: build/")
    repos.write(Path(made.worktree), {".env": "A=1\n"})
    (Path(made.worktree) / "build/own").unlink()
    remove(repo, made)
    assert not Path(made.worktree).exists()
    assert (repo / ".env").read_text() == "A=1\n"


def test_a_removal_that_git_refuses_puts_copies_back(repo: Path) -> None:
    repos.commit(repo, "Patterns", {".worktreeinclude": ".env\n"})
    repos.write(repo, {".env": "A=1\n"})
    made = worktrees.create(repo, "al")
    repos.git(repo, "worktree", "lock", made.worktree)
    with pytest.raises(AgentDeckError, match="locked"):
        remove(repo, made)
    assert (Path(made.worktree) / ".env").read_text() == "A=1\n"
    assert repos.git(repo, "branch", "--list", "deck/al/1") != ""


def test_detached_commits_are_a_loss(repo: Path, made: worktrees.Created, tree: Path) -> None:
    repos.git(tree, "checkout", "-q", "--detach")
    repos.commit(tree, "Alone", {"alone": "1"})
    refused(repo, made, "unlanded commit: " + repos.git(tree, "log", "-1", "--format=%h %s"))


def test_commits_that_only_the_worktrees_log_knows_get_a_ref(repo: Path, made: worktrees.Created, tree: Path) -> None:
    repos.commit(tree, "Below", {"b.txt": "below\n"})
    lost = repos.commit(tree, "Lost", {"a.txt": "lost\n"})
    repos.git(tree, "commit", "-q", "--amend", "-m", "Amended")
    repos.git(repo, "merge", "-q", "deck/al/1")
    assert remove(repo, made).refs == ("refs/deck/al/1",)
    assert repos.git(repo, "rev-parse", "refs/deck/al/1") == lost
    assert remove(repo, worktrees.create(repo, "al")).refs == ()


def test_branches_of_earlier_tasks(repo: Path, made: worktrees.Created, tree: Path) -> None:
    """Landed ones go, others stay; so do branches somebody has checked out."""
    unlanded = repos.commit(tree, "Not landed", {"n.txt": "1\n"})
    second = worktrees.next_branch(tree, "al", 2)
    repos.commit(tree, "Landed", {"l.txt": "1\n"})
    repos.git(repo, "merge", "-q", "deck/al/2")
    third = worktrees.next_branch(tree, "al", 3)
    repos.git(repo, "branch", "deck/alma/1")
    other = tree.parent / "other"
    repos.git(repo, "worktree", "add", "-q", str(other), "deck/al/2")
    assert second.branch == "deck/al/2"
    assert remove(repo, third).branches == ("deck/al/3",)
    left = repos.git(repo, "for-each-ref", "--format=%(refname:short)", "refs/heads/deck").splitlines()
    assert left == ["deck/al/1", "deck/al/2", "deck/alma/1"]
    assert repos.git(repo, "rev-parse", "deck/al/1") == unlanded
    repos.git(repo, "worktree", "remove", str(other))


def test_an_unchanged_branch_that_alone_holds_its_base_stays(repo: Path) -> None:
    repos.git(repo, "checkout", "-q", "--detach")
    base = repos.commit(repo, "Held by no branch", {"x": "1"})
    made = worktrees.create(repo, "al")
    repos.git(repo, "checkout", "-q", "main")
    assert remove(repo, made).branches == ()
    assert repos.git(repo, "rev-parse", "deck/al/1") == base


def test_only_trees_of_ours_are_removed(repo: Path, made: worktrees.Created, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    repos.git(repo, "worktree", "add", "-q", "-b", "mine", str(mine))
    inside = Path(made.worktree).parent / "unlisted"
    inside.mkdir()
    (repo / "sub").mkdir()
    for victim in (repo, mine, inside, repo.parent, repo / "sub", Path(made.worktree).parent, Path("/")):
        with pytest.raises(AgentDeckError, match="not a worktree that agentdeck made"):
            worktrees.remove(repo, victim, "deck/al/1", made.base_oid)
        assert victim.is_dir()
    (tmp_path / "link").symlink_to(mine)
    with pytest.raises(AgentDeckError, match="not a worktree that agentdeck made"):
        worktrees.remove(repo, tmp_path / "link", "mine", made.base_oid)


def test_a_tree_that_is_gone_is_forgotten_only_without_commits(
    repo: Path, made: worktrees.Created, tmp_path: Path
) -> None:
    tree = Path(made.worktree)
    tip = repos.commit(tree, "Work", {"w": "1"})
    tree.rename(tmp_path / "moved")
    with pytest.raises(AgentDeckError) as error:
        remove(repo, made)
    assert "unlanded commit" in error.value.hint
    repos.git(repo, "merge", "-q", tip)
    assert remove(repo, made).branches == ("deck/al/1",)
    assert len(repos.git(repo, "worktree", "list").splitlines()) == 1


# diff


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
    assert not worktrees.removal(repo, tree, made.base_oid).nothing
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
