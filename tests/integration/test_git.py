"""The git adapter against real repositories."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from agentdeck.adapters import git, git_index
from agentdeck.errors import AgentDeckError, TryAgain, UsageError
from tests import repos


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repos.make(tmp_path / "my repo ünï")


def test_the_root_is_found_from_everywhere(repo: Path, tmp_path: Path) -> None:
    (repo / "a" / "b").mkdir(parents=True)
    tree = tmp_path / "tree"
    repos.git(repo, "worktree", "add", "-q", "-b", "side", str(tree))
    (tree / "deep").mkdir()
    for place, top in ((repo, repo), (repo / "a" / "b", repo), (tree, tree), (tree / "deep", tree)):
        found = git.find(place)
        assert (found.root, found.top, found.bare) == (repo, top, False)
        assert found.common == repo / ".git"


def test_a_repository_whose_git_directory_is_elsewhere(tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    repos.git(root, "init", "-q", "-b", "main", "--separate-git-dir", str(tmp_path / "store"))
    repos.commit(root, "First", {"a": "1"})
    assert git.find(root).root == root


def test_a_submodule_is_its_own_repository(repo: Path, tmp_path: Path) -> None:
    inner = repos.make(tmp_path / "inner")
    repos.git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    tree = tmp_path / "tree"
    repos.git(repo / "sub", "worktree", "add", "-q", "-b", "side", str(tree))
    assert git.find(repo / "sub").root == repo / "sub"
    assert git.find(tree).root == repo / "sub"


def test_a_bare_repository_says_so_from_its_worktrees_too(repo: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    repos.git(tmp_path, "clone", "-q", "--bare", str(repo), str(bare))
    repos.git(bare, "worktree", "add", "-q", str(tmp_path / "tree"), "main")
    assert git.find(bare).bare
    assert git.find(tmp_path / "tree").bare


def test_no_repository_and_no_directory_are_clear_errors(tmp_path: Path, repo: Path) -> None:
    with pytest.raises(UsageError, match="is not in a git repository") as error:
        git.find(tmp_path)
    assert "git init" in error.value.hint
    with pytest.raises(UsageError, match="is not a directory"):
        git.find(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="inside a git directory"):
        git.find(repo / ".git")


def test_a_directory_that_is_gone_is_never_replaced_by_our_own(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo)
    with pytest.raises(AgentDeckError, match="is not there"):
        git.head(tmp_path / "gone")


def test_a_missing_git_is_named(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AgentDeckError, match="git is not installed") as error:
        git.head(repo)
    assert "apt-get install git" in error.value.hint


def test_an_old_git_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git.version() >= git.OLDEST
    fake = tmp_path / "git"
    fake.write_text("#!/bin/sh\necho git version 2.20.1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(AgentDeckError, match=r"git 2\.20\.1 is too old"):
        git.version()


def test_a_repository_of_another_user_names_the_setting(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(AgentDeckError, match="git does not trust") as error:
        git.find(repo)
    assert f"safe.directory {repo}" in error.value.hint


def test_a_held_index_lock_means_try_again(repo: Path) -> None:
    (repo / ".git" / "index.lock").touch()
    with pytest.raises(TryAgain, match=r"index\.lock") as error:
        git.run(repo, "read-tree", "HEAD")
    assert error.value.exit_code == 3


def test_variables_of_a_surrounding_git_do_not_lead_astray(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = repos.make(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_GLOB_PATHSPECS", "1")
    assert git.find(repo).root == repo


def test_refs_resolve_or_say_which_does_not_exist(repo: Path) -> None:
    oid = repos.git(repo, "rev-parse", "HEAD")
    repos.git(repo, "tag", "-a", "v1", "-m", "one")
    assert [git.resolve(repo, ref) for ref in ("main", "HEAD", "v1", oid, oid[:8])] == [oid] * 5
    for bad in ("nope", "--all", "", "HEAD@{99}", "a..b", "HEAD:README.md", "x\ny", "-h", "main^{tree}"):
        with pytest.raises(UsageError, match="does not exist"):
            git.resolve(repo, bad)


def test_head_before_the_first_commit_and_detached(repo: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    repos.git(empty, "init", "-q", "-b", "main")
    assert git.head(empty) == git.Head("", "main")
    oid = repos.git(repo, "rev-parse", "HEAD")
    assert git.head(repo) == git.Head(oid, "main")
    repos.git(repo, "checkout", "-q", "--detach")
    assert git.head(repo) == git.Head(oid, "")


def test_worktrees_with_strange_paths(repo: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a b\nnew [x] 'q' #{z}"
    repos.git(repo, "worktree", "add", "-q", "--lock", "-b", "odd", str(odd))
    gone = tmp_path / "gone"
    repos.git(repo, "worktree", "add", "-q", "--detach", str(gone))
    gone.rename(tmp_path / "elsewhere")
    rows = git.worktrees(odd)
    assert [row.path for row in rows] == [repo, odd, gone]
    assert [row.main for row in rows] == [True, False, False]
    assert rows[1].branch == "refs/heads/odd"
    assert rows[1].locked
    assert rows[2].branch == ""
    assert rows[2].missing


def test_a_worktree_that_another_git_is_just_making_is_waited_for(repo: Path, tmp_path: Path) -> None:
    repos.git(repo, "worktree", "add", "-q", "-b", "side", str(tmp_path / "tree"))
    half = repo / ".git" / "worktrees" / "tree" / "commondir"
    whole = half.read_bytes()
    half.write_bytes(b"")
    later = threading.Timer(0.05, half.write_bytes, (whole,))
    later.start()
    assert [row.path for row in git.worktrees(repo)] == [repo, tmp_path / "tree"]
    later.join()
    half.write_bytes(b"")
    with pytest.raises(AgentDeckError, match="commondir"):
        git.worktrees(repo)
    half.write_bytes(whole)


@pytest.mark.parametrize(
    ("existing", "blocker"),
    [
        ("deck/al/1", "deck/al/1"),
        ("deck/al", "deck/al"),
        ("deck", "deck"),
        ("deck/al/1/x", "deck/al/1/x"),
        ("deck/al/11", ""),
    ],
)
def test_branches_in_the_way(repo: Path, existing: str, blocker: str) -> None:
    repos.git(repo, "branch", existing)
    assert git.branch_in_the_way(repo, "deck/al/1") == blocker


def test_set_ref_only_moves_what_it_expects(repo: Path) -> None:
    first = repos.git(repo, "rev-parse", "HEAD")
    second = repos.commit(repo, "Second")
    git.set_ref(repo, "refs/deck/al/1", first, git.NO_OID, "test")
    with pytest.raises(AgentDeckError):
        git.set_ref(repo, "refs/deck/al/1", second, git.NO_OID, "test")
    with pytest.raises(AgentDeckError):
        git.set_ref(repo, "refs/deck/al/1", git.NO_OID, second, "test")
    assert git.refs(repo, "refs/deck") == {"refs/deck/al/1": first}


def test_unreachable_commits_leave_out_what_others_hold(repo: Path) -> None:
    base = repos.git(repo, "rev-parse", "HEAD")
    repos.git(repo, "checkout", "-q", "-b", "deck/al/1")
    one, two = repos.commit(repo, "One"), repos.commit(repo, "Two")
    repos.git(repo, "branch", "deck/bo/1")
    assert git.unreachable(repo, [two], [], own="deck/*") == [two, one]
    assert git.unreachable(repo, [two], []) == []
    assert git.unreachable(repo, [two], [one], own="deck/*") == [two]
    assert git.unreachable(repo, [base], [], own="deck/*") == []
    assert git.unreachable(repo, [], [], own="deck/*") == []
    assert git.tips(repo, [two, one, base]) == [two]
    assert git.tips(repo, []) == []
    repos.git(repo, "tag", "keep", one)
    assert git.unreachable(repo, [two], [], own="deck/*") == [two]


def test_our_commits_use_the_identity_of_the_user_or_name_the_deck(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git_index.identity(repo) == {}
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    tree = repos.git(repo, "rev-parse", "HEAD^{tree}")
    oid = git_index.commit_tree(repo, tree, "", "Hello")
    assert repos.git(repo, "log", "-1", "--format=%an <%ae>|%cn", oid) == "agentdeck <agentdeck@localhost>|agentdeck"
    repos.git(repo, "config", "user.name", "Ada")
    repos.git(repo, "config", "user.email", "ada@example.invalid")
    assert git_index.identity(repo) == {}


def test_no_hook_runs(repo: Path, tmp_path: Path) -> None:
    for name in ("post-checkout", "reference-transaction"):
        hook = repo / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
        hook.chmod(0o755)
    repos.git(repo, "branch", "proof")
    assert (tmp_path / "ran").exists(), "the hook works when a human runs git"
    (tmp_path / "ran").unlink()
    git.set_ref(repo, "refs/heads/deck/al/1", repos.git(repo, "rev-parse", "HEAD"), git.NO_OID, "test")
    git.add_worktree(repo, tmp_path / "tree", "deck/al/1")
    assert (tmp_path / "tree" / "README.md").exists()
    assert not (tmp_path / "ran").exists()
    git.remove_worktree(repo, tmp_path / "tree")


def test_looking_never_writes_the_index(repo: Path) -> None:
    index = repo / ".git" / "index"
    os.utime(repo / "README.md", (1, 1))  # a plain `git status` would refresh the index now
    before = (index.read_bytes(), index.stat().st_mtime_ns)
    git.run(repo, "status", "--porcelain")
    git_index.untracked(repo)
    git.operation(repo)
    with git_index.scratch_index(repo) as env:
        git_index.numstat(repo, "HEAD", env)
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before
