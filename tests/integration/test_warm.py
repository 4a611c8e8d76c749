"""Worktrees that are set up before an agent has them: an agent that the queue starts need not wait for its set-up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from tests import repos, workclient
from tests.deck import Deck, running

CONFIG = "[queue]\nspawn = 3\nwarm = {warm}\nspawn_args = {{ worker = {command!r} }}\n"
SETUP = "echo $$ >>{log}; until [ -e {go} ]; do sleep 0.05; done; echo x >installed"
SPEC = "---\nharness: worker\n---\nrun: git log -1 --format=%s >>{out}; cat installed >>{out}; {then}\n"


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    """A repository whose set-up lasts until it is let go on, approved by a human."""
    paths.user_harnesses_dir().mkdir(parents=True)
    (paths.user_harnesses_dir() / "worker.toml").write_text(workclient.worker_harness("worker"))
    base = git_repo.parent
    command = workclient.command(base / "queue.log")
    (paths.config_dir() / "config.toml").write_text(CONFIG.format(warm=1, command=command))
    setup = SETUP.format(log=base / "setups", go=base / "go")
    files = {".agentdeck.toml": f"[worktree]\nsetup = '''{setup}'''\n", ".gitignore": "installed\n"}
    repos.commit(git_repo, "A set-up", files)
    deck = Deck(git_repo)
    (base / "go").touch()
    deck.ok("new", "ann", "--harness", "shell", "--setup", "approve", "--", "cat")
    yield deck
    (base / "go").touch()
    deck.end()


def add(deck: Deck, n: int) -> Path:
    out = deck.repo.parent / f"out-{n}"
    then = f"until [ -e {deck.repo.parent / 'end'} ]; do sleep 0.05; done"
    deck.ok("task", "add", "-", given=SPEC.format(out=out, then=then))
    return out


def pool(deck: Deck) -> list[tuple[str, str]]:
    return [tuple(row) for row in deck.sql("SELECT name, state FROM warm_trees ORDER BY name")]


def setups(deck: Deck) -> list[int]:
    file = deck.repo.parent / "setups"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


@pytest.mark.slow
def test_an_agent_is_given_a_tree_that_is_set_up_already_on_the_base_of_today(deck: Deck) -> None:
    one = add(deck, 1)
    deck.until(one.exists, "the first, which waits for its set-up")
    deck.until(lambda: pool(deck) == [("queue-2", "ready")], "a tree in reserve", 30)
    assert len(setups(deck)) == 3, "ann's, that of queue-1, and that of the reserve"
    assert not deck.ok("adopt", "--json").json, "it is nobody's lost tree"
    repos.commit(deck.repo, "The base moves", {"more": "x\n"})
    (deck.repo.parent / "go").unlink()  # whoever sets up now does not come to an end
    two = add(deck, 2)
    deck.until(two.exists, "the second, at once")
    assert two.read_text() == "The base moves\nx\n"
    assert deck.row("queue-2")["branch"] == "deck/queue-2/2"
    deck.until(lambda: pool(deck) == [("queue-3", "making")], "the next in reserve")

    deck.until(lambda: len(setups(deck)) == 4, "its set-up at work")
    half = setups(deck)[-1]
    deck.kill_engine()
    assert running(half)
    words = CONFIG.format(warm=0, command=workclient.command(deck.repo.parent / "queue.log"))
    (paths.config_dir() / "config.toml").write_text(words)
    deck.ok("stop", "ann")
    deck.until(lambda: not pool(deck), "what was half-made is taken back")
    assert not running(half)
    assert not Path(deck.row("queue-2")["worktree"]).with_name("queue-3").exists()
    assert "queue-3" not in repos.git(deck.repo, "for-each-ref")
    (deck.repo.parent / "end").touch()
    deck.until(lambda: not deck.sql("SELECT 1 FROM tasks WHERE state != 'review'"), "both done")
