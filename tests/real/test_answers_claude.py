"""Answers that reach the real Claude Code: in words, with the reason of a denial, and never to another request."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck.demo.server import ScriptedModel
from tests.real.conftest import ClaudeEnv
from tests.real.deck import Deck
from tests.waiting import wait_for


@pytest.fixture
def deck(model: ScriptedModel, claude_env: ClaudeEnv, git_repo: Path, deck_home: Path) -> Iterator[Deck]:
    made = Deck(git_repo, {**claude_env(model.url, git_repo), "DECK_HOME": str(deck_home)})
    yield made
    made.start("halt", "--yes")


def test_a_question_takes_words_of_ones_own_and_a_denial_its_reason(deck: Deck, model: ScriptedModel) -> None:
    made = deck.new("ann", prompt="Ask ::ask Which colour? | Red | Blue ::bash touch made.txt ::say Over.")
    assert deck.asks("ann")["reason"] == "question"
    assert [row["name"] for row in deck.json("attention")] == ["ann"]
    assert "Which colour?" in deck.json("attention")[0]["why"]
    deck.run("answer", "ann", "a very light green")
    wait_for(lambda: deck.row("ann")["status"]["reason"] == "permission", 20, "the next request", interval=0.1)
    assert "Which colour? → a very light green" in deck.run("screen", "ann")
    assert deck.json("attention")[0]["seen"] is None  # another wait than the one before

    status = deck.asks("ann")
    assert "touch made.txt" in status["ask"]["text"]
    deck.run("answer", "ann", "deny: rather ::say I leave it then.")
    deck.shows("ann", "● I leave it then.")
    deck.until("ann", "idle")
    assert not Path(made["worktree"], "made.txt").exists()
    assert deck.json("attention") == []
    assert [told.data["answer"] for told in deck.told("ann", "answer")] == [
        "a very light green",
        "deny: rather ::say I leave it then.",
    ]


def test_a_request_that_was_answered_by_hand_meanwhile_is_not_answered_again(deck: Deck) -> None:
    made = deck.new("ann", prompt="Ask ::bash touch one.txt ::bash touch two.txt ::say Over.")
    first = deck.asks("ann")["ask"]
    deck.shows("ann", "1. Yes")
    painted = time.monotonic()
    wait_for(
        lambda: time.monotonic() - painted > 1.0, 5, "a box that takes keys: those of its first half second are lost"
    )
    deck.keys(made["pane_id"], "1")  # as a human in the zoom does
    wait_for(lambda: "two.txt" in json.dumps(deck.row("ann")["status"]["ask"]), 20, "the second request", interval=0.1)
    engine = deck.start("answer", "ann", "deny")
    assert engine.returncode == 0, engine.stderr
    deck.until("ann", "idle")
    tree = Path(made["worktree"])
    assert (tree / "one.txt").exists() and not (tree / "two.txt").exists()
    assert "one.txt" in first["text"]
    assert deck.start("answer", "ann", "allow").returncode == 1  # nothing is asked any more
