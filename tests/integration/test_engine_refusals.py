"""What cannot work is refused in words, with the next step and the right exit code, and leaves nothing behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from tests import repos
from tests.deck import Deck, Done
from tests.programs import bin_with


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    deck = Deck(git_repo)
    yield deck
    deck.end()


def refused(deck: Deck, code: int, said: str, *words: str, **rest: object) -> Done:
    """One title and at least one line of what to do next on stderr; nothing on stdout, nothing left."""
    before = deck.left()
    done = deck.run(*words, **rest)  # type: ignore[arg-type]
    assert (done.code, done.out) == (code, ""), f"{words}: {done}\n{deck.log()}"
    title, *hint = done.err.splitlines()
    assert title.startswith("agentdeck: "), done.err
    assert said in done.err, done.err
    assert hint, f"no next step: {done.err}"
    assert all(line.startswith("  ") or line.strip() for line in hint)
    assert "Traceback" not in done.err
    assert deck.left() == before, f"{words} left something"
    return done


def test_orders_that_cannot_be_filled(deck: Deck, own_machine: Path) -> None:
    shell = ("--harness", "shell")
    cat = ("--", "cat")
    refused(deck, 2, "unknown harness 'nonesuch'", "new", "anna", "--harness", "nonesuch")
    for name in ("Anna", "-a", "a/b", "a" * 33, "ä", ".."):
        refused(deck, 2, "cannot be an agent's name", "new", *shell, "--", name, "cat")
    refused(deck, 2, "no-such-base", "new", "anna", *shell, "--base", "no-such-base", *cat)
    refused(deck, 2, "is not on your PATH", "new", "anna", *shell, "--", "no-such-command-here")
    refused(deck, 2, "is not installed", "new", "anna", "--harness", "claude", env={"PATH": bin_with(own_machine)})
    dead = refused(deck, 1, "ended at once", "new", "anna", *shell, "--", "sh", "-c", "echo alas >&2; exit 3")
    assert "exit code 3" in dead.err
    assert "alas" in dead.err

    bare, empty, none = own_machine / "bare", own_machine / "empty", own_machine / "none"
    none.mkdir()
    repos.git(own_machine, "init", "-q", "--bare", "bare")
    repos.git(own_machine, "init", "-q", "empty")
    refused(deck, 2, "has no commit yet", "new", "anna", *shell, *cat, cwd=bare)
    refused(deck, 2, "has no commit yet", "new", "anna", *shell, *cat, cwd=empty)
    refused(deck, 2, "repository", "new", "anna", *shell, *cat, cwd=none)
    refused(deck, 2, "no-such-dir", "new", "anna", *shell, "--repo", "no-such-dir", *cat)

    repos.git(deck.repo, "branch", "deck/anna/1")
    refused(deck, 2, "branch deck/anna/1 exists already", "new", "anna", *shell, *cat)
    repos.git(deck.repo, "branch", "deck/bert")
    refused(deck, 2, "is in the way", "new", "bert", *shell, *cat)
    deck.new("carl", "shell", "--", "cat")
    refused(deck, 2, "an agent is called 'carl' already", "new", "carl", *shell, *cat)
    assert [row["name"] for row in deck.ok("ls", "--json").json] == ["carl"]
    assert deck.sql("SELECT 1 FROM requests WHERE state IN ('queued', 'running')") == []


def test_names_that_nobody_has(deck: Deck) -> None:
    for words in (("show",), ("send", "x"), ("stop",), ("resume",), ("rm",), ("hide",), ("screen",), ("attach",)):
        command, *rest = words
        refused(deck, 2, "no agent is called 'nobody'", command, "nobody", *rest)
    refused(deck, 2, "'lazy' is no status", "wait", "nobody", "--status", "lazy")
    refused(deck, 2, "there is no task 7", "task", "show", "7")
    refused(deck, 2, "needs a terminal")


def test_malformed_files_of_the_human_are_named(deck: Deck) -> None:
    config, own = paths.config_file(), paths.user_harnesses_dir() / "mine.toml"
    own.parent.mkdir(parents=True)
    for file, text, said in (
        (config, "theme = \n", "is not valid TOML"),
        (config, "\n[pane]\ncolums = 80\n", "line 3: pane.colums: unknown key"),
        (own, "name = 'mine\n", "is not valid TOML"),
        (own, "name = 'mine'\ntitle = 'Mine'\n[start]\nargs = []\n", "start"),
    ):
        file.write_text(text)
        done = refused(deck, 2, said, "new", "anna", "--harness", "shell", "--", "cat")
        assert str(file) in done.err
        file.unlink()
    deck.new("anna", "shell", "--", "cat")
    engine = deck.engine()["pid"]
    own.write_text("name = 'mine\n")
    refused(deck, 2, "is not valid TOML", "new", "bert", "--harness", "shell", "--", "cat")
    deck.ok("stop", "anna")
    deck.is_("anna", "exited")
    assert deck.engine()["pid"] == engine, "a slip in one file ends no engine"


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo tmux 3.0", "3.0"), (None, "tmux is not installed")],
    ids=["too old", "missing"],
)
def test_without_a_usable_tmux(deck: Deck, own_machine: Path, script: str | None, said: str) -> None:
    folder = own_machine / "narrow"
    folder.mkdir()
    for name in ("git", "sh", "env", "cat"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    if script:
        bin_with(own_machine, tmux=script)
        (folder / "tmux").symlink_to(own_machine / "bin" / "tmux")
    env = {"PATH": str(folder)}
    done = refused(deck, 1, said, "new", "anna", "--harness", "shell", "--", "cat", env=env)
    assert "tmux" in done.err.splitlines()[1], "the next step names what to install"
    assert deck.run("ls", "--json", env=env).json == [], "what only reads goes on"


def test_a_set_up_command_runs_once_a_human_has_approved_it(deck: Deck) -> None:
    text = "echo setting-up && touch was-set-up && test -d ."
    repos.commit(
        deck.repo, "Set-up", {".agentdeck.toml": f"[worktree]\nsetup = '{text}'\n", ".gitignore": "was-set-up\n"}
    )
    order = ("--harness", "shell", "--", "sh", "-c", "echo ready; exec cat")
    done = refused(deck, 2, "nobody has approved that", "new", "anna", *order)
    assert text in done.err
    seen = re.search(r"--setup (approve:[0-9a-f]+)", done.err)
    assert seen
    refused(deck, 2, "--setup takes no 'yes'", "new", "anna", "--setup", "yes", *order)
    refused(deck, 2, "nobody has approved that", "new", "anna", "--setup", "approve:00000000", *order)

    skipped = deck.ok("new", "bert", "--setup", "skip", "--json", *order).json
    assert not (Path(skipped["worktree"]) / "was-set-up").exists()
    made = deck.ok("new", "anna", "--setup", seen[1], "--json", *order).json
    deck.until(lambda: "ready" in deck.ok("screen", "anna").out)
    shown = deck.ok("screen", "anna").out
    assert shown.index("deck: set-up: echo") < shown.index("\nsetting-up") < shown.index("\nready")
    assert (Path(made["worktree"]) / "was-set-up").exists()
    again = deck.new("carl", "shell", "--", "cat")
    deck.until((Path(again["worktree"]) / "was-set-up").exists, "approved once, it runs unasked")

    repos.commit(deck.repo, "Other set-up", {".agentdeck.toml": "[worktree]\nsetup = 'touch other'\n"})
    refused(deck, 2, "touch other", "new", "dora", *order)
    repos.commit(deck.repo, "Broken", {".agentdeck.toml": "[worktree]\nset = 'touch other'\n"})
    refused(deck, 2, ".agentdeck.toml, line 2: unknown key", "new", "dora", *order)


def test_a_set_up_command_that_fails_shows_why_and_starts_no_client(deck: Deck) -> None:
    repos.commit(deck.repo, "Set-up", {".agentdeck.toml": "[worktree]\nsetup = 'echo no-network; exit 4'\n"})
    deck.new("anna", "shell", "--setup", "approve", "--", "touch", "started")
    row = deck.is_("anna", "exited")
    assert "the set-up command failed (4)" in deck.ok("screen", "anna").out
    assert "no-network" in deck.ok("screen", "anna").out
    assert not (Path(row["worktree"]) / "started").exists()
