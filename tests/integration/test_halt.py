"""A halt ends a running check with all that it started, as if it had never begun; what the queue starts waits too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.services import requests
from agentdeck.services.lives import environment
from tests import workclient
from tests.deck import Deck, running

SPEC = """---
title: Check slowly
verify: "[ -e {go} ] && exit; echo $$ >>{pids}; setsid sleep 1000 & echo $! >>{pids}; sleep 1000"
---
run: echo 1 >out; git add -A; git commit -qm 'Do it'
"""


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    paths.user_harnesses_dir().mkdir(parents=True)
    (paths.user_harnesses_dir() / "worker.toml").write_text(workclient.worker_harness("worker"))
    deck = Deck(git_repo)
    yield deck
    deck.end()


def verifying(deck: Deck, count: int) -> list[int]:
    """The processes of the check, once the task of a fresh agent is being checked."""
    file = deck.repo.parent / "pids"
    deck.until(lambda: file.exists() and len(file.read_text().split()) == count, "the check at work", 30)
    found = [int(pid) for pid in file.read_text().split()]
    assert all(running(pid) for pid in found[-2:])
    return found


def state(deck: Deck) -> tuple[str, str]:
    return tuple(deck.sql("SELECT state, reason FROM tasks")[0])


@pytest.mark.slow
async def test_a_halt_ends_a_check_with_its_whole_tree_and_it_begins_anew(deck: Deck) -> None:
    deck.new("ann", "worker", "--", *workclient.command(deck.repo.parent / "ann.log"))
    text = SPEC.format(go=deck.repo.parent / "go", pids=deck.repo.parent / "pids")
    deck.ok("task", "add", "-", given=text)
    first = verifying(deck, 2)
    await requests.ask("halt")
    assert not any(running(pid) for pid in first)
    assert state(deck) == ("verifying", "halted: it is checked once an agent is started again")
    deck.ok("stop", "ann")
    deck.ok("resume", "ann")
    second = verifying(deck, 4)
    assert state(deck) == ("verifying", "")

    deck.ok("halt", "--yes")
    assert not any(running(pid) for pid in second)
    assert state(deck)[0] == "verifying"
    (deck.repo.parent / "go").touch()
    deck.ok("run", "--until-empty")
    assert state(deck) == ("review", "")
    assert [row["outcome"] for row in deck.sql("SELECT outcome FROM attempts")] == ["passed"]


@pytest.mark.slow
async def test_agents_of_the_queue_have_the_environment_of_the_human_and_rest_when_halted(deck: Deck) -> None:
    command = workclient.command(deck.repo.parent / "queue.log")
    (paths.config_dir() / "config.toml").write_text(f"[queue]\nspawn = 1\nspawn_args = {{ worker = {command!r} }}\n")
    deck.new("bo", "shell", "--", "cat")  # an engine that knows nothing of what comes
    spec = "---\nharness: worker\n---\nrun: echo $MY_KEY $DECK_HOME >>{file}\n"
    one, two = deck.repo.parent / "one", deck.repo.parent / "two"
    deck.ok("task", "add", "-", given=spec.format(file=one), env={"MY_KEY": "of my shell"})
    deck.until(one.exists, "the work of an agent that the queue started")
    assert one.read_text() == "of my shell\n"
    assert not [path for path in paths.state_dir().rglob("*") if path.is_file() and b"of my shell" in path.read_bytes()]
    deck.is_("queue-1", "idle")

    await requests.ask("halt")
    deck.ok("stop", "queue-1")
    deck.ok("task", "add", "-", given=spec.format(file=two), env={"MY_KEY": "of another"})
    beats = deck.engine()["heartbeat"]
    deck.until(lambda: deck.engine()["heartbeat"] > beats + 3000, "some beats more")
    assert deck.row("queue-1")["status"]["state"] == "exited"
    deck.ok("new", "cy", "--harness", "shell", "--", "cat", env={"MY_KEY": "of another"})
    deck.until(two.exists, "the work of an agent that was resumed by the queue", 30)
    assert two.read_text() == "of another\n"


def test_an_agent_lends_nothing(own_machine: Path) -> None:
    lent = environment.Lent()
    environment.lend({"KEY": "human", "DECK_HOME": "x", "TMUX": "y"})
    environment.lend({"KEY": "agent", "DECK_AGENT_ID": "z"})
    lent.look()
    assert lent.take("") == {"KEY": "human"}
    assert lent.take("") == {"KEY": "human"}, "it is kept, and its file is gone"
    assert not list(paths.state_dir().rglob("*.json"))
    assert environment.Lent().take("")["HOME"] == os.environ["HOME"]
