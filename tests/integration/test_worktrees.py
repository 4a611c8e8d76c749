"""Making worktrees: all of it or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.adapters import git
from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.services.trees import worktrees
from tests import repos


@pytest.fixture(params=["repo", "a b 'q' ünï #{x}"])
def repo(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return repos.make(tmp_path / request.param)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return repos.make(tmp_path / "plain")


def nothing_made(repo: Path, before: dict[str, object]) -> None:
    assert repos.everything(repo) == before
    assert [path for path in paths.worktrees_dir().rglob("*") if path.is_dir()] == []


def test_a_worktree_on_a_fresh_branch(repo: Path) -> None:
    made = worktrees.create(repo, "al")
    tree = Path(made.worktree)
    assert tree.parent.parent == paths.worktrees_dir()
    assert tree.name == "al"
    assert set(tree.parent.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert (made.repo, made.branch, made.base_oid) == (str(repo), "deck/al/1", repos.git(repo, "rev-parse", "HEAD"))
    assert repos.git(tree, "symbolic-ref", "--short", "HEAD") == "deck/al/1"
    assert repos.status(tree) == repos.status(repo) == ""
    assert (tree / "README.md").read_text() == "hello\n"
    assert paths.worktrees_dir().stat().st_mode & 0o077 == 0


def test_the_base_is_the_head_one_stands_on_or_the_one_named(plain: Path, tmp_path: Path) -> None:
    first = repos.git(plain, "rev-parse", "HEAD")
    second = repos.commit(plain, "Second")
    repos.git(plain, "tag", "old", first)
    linked = tmp_path / "linked"
    repos.git(plain, "worktree", "add", "-q", "--detach", str(linked), first)
    assert worktrees.create(plain, "al").base_oid == second
    assert worktrees.create(linked, "bo").base_oid == first
    assert worktrees.create(plain, "cy", 1, "old").base_oid == first
    assert worktrees.repository(linked) == plain
    assert worktrees.check_base(plain, "old") == first
    branch = repos.git(plain, "branch", "--show-current")
    kept = {base: worktrees.kept_base(plain, base) for base in ("", "HEAD", "@", "HEAD~1", "old", branch)}
    assert kept == {"": "", "HEAD": branch, "@": branch, "HEAD~1": first, "old": "old", branch: branch}
    assert worktrees.kept_base(linked, "HEAD") == first
    with pytest.raises(UsageError, match="does not exist"):
        worktrees.kept_base(plain, "HEAD~9")


@pytest.mark.parametrize("name", ["", "-x", "A", "a/b", "a.lock", "..", "a b", "x" * 33, "ä", "a\n"])
def test_a_bad_name_makes_nothing(plain: Path, name: str) -> None:
    before = repos.everything(plain)
    with pytest.raises(UsageError, match="cannot name an agent"):
        worktrees.create(plain, name)
    nothing_made(plain, before)


def test_a_bad_base_makes_nothing(plain: Path) -> None:
    before = repos.everything(plain)
    with pytest.raises(UsageError, match="base 'nope' does not exist") as error:
        worktrees.create(plain, "al", 1, "nope")
    assert error.value.hint
    nothing_made(plain, before)


@pytest.mark.parametrize("branch", ["deck/al/1", "deck/al", "deck", "deck/al/1/more"])
def test_an_existing_branch_is_named_and_kept(plain: Path, branch: str) -> None:
    repos.git(plain, "branch", branch)
    before = repos.everything(plain)
    with pytest.raises(UsageError, match=f"branch {branch} "):
        worktrees.create(plain, "al")
    nothing_made(plain, before)


def test_an_existing_directory_is_named_and_kept(plain: Path) -> None:
    place = worktrees.place(git.find(plain), "al")
    place.mkdir(parents=True)
    (place / "precious").write_text("mine")
    before = repos.everything(plain)
    with pytest.raises(UsageError, match="exists already"):
        worktrees.create(plain, "al")
    assert repos.everything(plain) == before
    assert (place / "precious").read_text() == "mine"


def test_a_worktree_deleted_by_hand_is_named(plain: Path, tmp_path: Path) -> None:
    made = worktrees.create(plain, "al")
    Path(made.worktree).rename(tmp_path / "moved")
    before = repos.everything(plain)
    with pytest.raises(UsageError, match="still lists a worktree") as error:
        worktrees.create(plain, "al", 2)
    assert "git worktree prune" in error.value.hint
    assert repos.everything(plain) == before


def test_bare_empty_and_no_repository(tmp_path: Path, plain: Path) -> None:
    repos.git(tmp_path, "init", "-q", "--bare", "bare.git")
    with pytest.raises(UsageError, match="has no commit yet"):
        worktrees.create(tmp_path / "bare.git", "al")
    (tmp_path / "empty").mkdir()
    repos.git(tmp_path / "empty", "init", "-q")
    for base in ("", "main"):
        with pytest.raises(UsageError, match="has no commit yet") as error:
            worktrees.create(tmp_path / "empty", "al", 1, base)
        assert "git commit" in error.value.hint
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match="is not in a git repository"):
        worktrees.create(tmp_path / "none", "al")
    assert not paths.worktrees_dir().exists()


def test_a_checkout_that_fails_leaves_nothing(plain: Path) -> None:
    repos.commit(plain, "With a filter", {".gitattributes": "*.bin filter=broken\n", "a.bin": "x"})
    repos.git(plain, "config", "filter.broken.clean", "cat")
    repos.git(plain, "config", "filter.broken.smudge", "false")
    repos.git(plain, "config", "filter.broken.required", "true")
    before = repos.everything(plain)
    with pytest.raises(AgentDeckError) as error:
        worktrees.create(plain, "al")
    assert "a.bin" in error.value.title + error.value.hint
    nothing_made(plain, before)


def test_two_repositories_of_one_name_do_not_meet(tmp_path: Path) -> None:
    one, two = repos.make(tmp_path / "1" / "app"), repos.make(tmp_path / "2" / "app")
    assert worktrees.create(one, "al").worktree != worktrees.create(two, "al").worktree


def test_here_makes_nothing(plain: Path) -> None:
    (plain / "sub").mkdir()
    before = repos.everything(plain)
    found = worktrees.in_place(plain / "sub")
    assert (found.worktree, found.branch, found.base_oid) == (str(plain), "main", repos.git(plain, "rev-parse", "HEAD"))
    assert repos.everything(plain) == before


# .worktreeinclude


def test_named_files_are_copied_and_tracked_ones_are_not(plain: Path, tmp_path: Path) -> None:
    repos.commit(
        plain, "Patterns", {".gitignore": ".env*\nsecrets/\n", ".worktreeinclude": ".env*\nsecrets/\ntracked\nlink\n"}
    )
    repos.commit(plain, "Tracked", {"tracked": "old\n"})
    repos.write(
        plain, {".env": "A=1\n", ".env.lö cal": "B=2\n", "secrets/deep/key": b"\x00\xff", "tracked": "changed\n"}
    )
    (plain / "secrets" / "deep" / "key").chmod(0o600)
    (plain / "link").symlink_to("/etc/passwd")
    repos.write(plain, {"other": "no"})
    made = worktrees.create(plain, "al")
    tree = Path(made.worktree)
    assert set(made.included) == {".env", ".env.lö cal", "secrets/deep/key", "link"}
    assert (tree / ".env").read_text() == "A=1\n"
    assert (tree / "secrets/deep/key").read_bytes() == b"\x00\xff"
    assert (tree / "secrets/deep/key").stat().st_mode & 0o777 == 0o600
    assert os.readlink(tree / "link") == "/etc/passwd"
    assert (tree / "tracked").read_text() == "old\n"
    assert not (tree / "other").exists()


def test_a_copy_never_leaves_the_tree_nor_overwrites(plain: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (plain / "conf").symlink_to(outside)
    base = repos.commit(plain, "A link and a file", {"env": "tracked\n"})
    repos.git(plain, "rm", "-q", "conf", "env")
    repos.commit(plain, "Neither", {".worktreeinclude": "conf/\nenv\n"})
    repos.write(plain, {"conf/key": "secret", "env": "mine"})
    made = worktrees.create(plain, "al", 1, base)
    assert made.included == ()
    assert list(outside.iterdir()) == []
    assert (Path(made.worktree) / "env").read_text() == "tracked\n"


def test_a_copy_that_fails_takes_the_worktree_back(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repos.commit(plain, "Patterns", {".worktreeinclude": "*.key\n"})
    repos.write(plain, {"a.key": "1", "b.key": "2"})
    before = repos.everything(plain)
    real = worktrees.includes.shutil.copy2

    def full(source: Path, target: Path, **words: bool) -> None:
        if source.name == "b.key":
            raise OSError(28, "No space left on device", str(target))
        real(source, target, **words)

    monkeypatch.setattr(worktrees.includes.shutil, "copy2", full)
    with pytest.raises(AgentDeckError, match="No space left"):
        worktrees.create(plain, "al")
    nothing_made(plain, before)


# unmake


def test_unmake_takes_back_an_unused_worktree(plain: Path) -> None:
    repos.commit(plain, "Patterns", {".worktreeinclude": ".env\n", ".gitignore": "build/\n"})
    repos.write(plain, {".env": "A=1\n"})
    before = repos.everything(plain)
    made = worktrees.create(plain, "al")
    repos.write(Path(made.worktree), {"build/out": "made by a set-up command"})
    assert worktrees.unmake(plain, made)
    nothing_made(plain, before)


@pytest.mark.parametrize("work", ["commit", "untracked", "changed", "staged", "branch", "copy"])
def test_unmake_keeps_a_worktree_with_work_in_it(plain: Path, work: str) -> None:
    repos.commit(plain, "Patterns", {".worktreeinclude": ".env\n"})
    repos.write(plain, {".env": "A=1\n"})
    made = worktrees.create(plain, "al")
    tree = Path(made.worktree)
    if work == "commit":
        repos.commit(tree, "Work")
    elif work == "branch":
        repos.git(tree, "switch", "-q", "-c", "own")
    else:
        repos.write(
            tree, {{"untracked": "new", "changed": "README.md", "staged": "README.md", "copy": ".env"}[work]: "x"}
        )
        if work == "staged":
            repos.git(tree, "add", "README.md")
    assert not worktrees.unmake(plain, made)
    assert tree.is_dir()
    assert "deck/al/1" in repos.git(plain, "branch")


def test_a_birth_that_a_crash_cut_short_is_found_and_taken_back(plain: Path) -> None:
    before = repos.everything(plain)
    assert worktrees.made_before(plain, "al") is None
    made = worktrees.create(plain, "al")
    assert worktrees.made_before(plain, "al") == made
    assert worktrees.unmake(plain, made)
    nothing_made(plain, before)


def test_a_crashed_birth_may_have_been_worked_in_for_hours(plain: Path) -> None:
    repos.commit(plain, "Patterns", {".gitignore": ".env\n"})
    tree = Path(worktrees.create(plain, "al").worktree)
    repos.write(tree, {".env": "made by its agent"})
    found = worktrees.made_before(plain, "al")
    assert found is not None
    assert not worktrees.unmake(plain, found, young=False)
    assert (tree / ".env").exists()
    assert worktrees.unmake(plain, found), "a moment after it was made, only a set-up command can have made it"


def test_a_crashed_birth_with_a_commit_in_it_is_kept(plain: Path) -> None:
    tip = repos.commit(Path(worktrees.create(plain, "al").worktree), "Work")
    found = worktrees.made_before(plain, "al")
    assert found is not None
    assert not worktrees.unmake(plain, found)
    assert repos.git(plain, "rev-parse", "deck/al/1") == tip


# Set-up command


def test_the_setup_command_is_that_of_the_base_commit(plain: Path) -> None:
    assert worktrees.setup_command(plain) is None
    old = repos.commit(plain, "Set up", {".agentdeck.toml": '[worktree]\nsetup = "make deps"\n'})
    repos.commit(plain, "Other", {".agentdeck.toml": "[worktree]\nsetup = '''\nmake other\n'''\n"})
    repos.write(plain, {".agentdeck.toml": '[worktree]\nsetup = "not committed"\n'})
    first, second = worktrees.setup_command(plain, old), worktrees.setup_command(plain)
    assert first is not None
    assert second is not None
    assert (first.text, second.text) == ("make deps", "make other\n")
    assert first.digest != second.digest
    assert len(first.digest) == 64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[worktree\n", "line 1"),
        ("[worktree]\n\nsetup = 3\n", "line 3: 'setup' must be one text"),
        ("[worktree]\nsetup = 'x'\nsetpu = 'y'\n", "line 3: unknown key 'worktree.setpu'"),
        ("a = 1\n[tree]\n", "line 1: unknown key 'a'"),
        ("worktree = 1\n", "line 1: 'worktree' must be a table"),
    ],
)
def test_a_malformed_setup_file_is_named_with_its_line(plain: Path, text: str, message: str) -> None:
    repos.commit(plain, "Set up", {".agentdeck.toml": text})
    with pytest.raises(UsageError) as error:
        worktrees.setup_command(plain)
    assert message in error.value.title
    assert ".agentdeck.toml" in error.value.title


def test_a_link_is_no_setup_file(plain: Path) -> None:
    (plain / ".agentdeck.toml").symlink_to("/etc/hostname")
    repos.commit(plain, "A link")
    with pytest.raises(UsageError, match="not a plain file"):
        worktrees.setup_command(plain)
