"""Real sessions started by hand, outside the deck: seen with their status, counted, and gone on with in the deck."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agentdeck.demo.server import ScriptedModel
from tests.real import client, others
from tests.real.conftest import ClaudeEnv
from tests.real.deck import MANUAL, Deck
from tests.real.dialects import Dialects
from tests.waiting import wait_for


@pytest.fixture
def decks() -> Iterator[Callable[[Path, dict[str, str]], Deck]]:
    made: list[Deck] = []

    def make(repo: Path, environ: dict[str, str]) -> Deck:
        made.append(Deck(repo, environ))
        return made[-1]

    yield make
    for deck in made:
        deck.start("halt", "--yes")


def elsewhere(deck: Deck, state: str) -> dict[str, Any]:
    """The one session outside the deck, once it is in `state`."""

    def look() -> dict[str, Any]:
        rows = deck.json("ls", "--foreign")
        return rows[0] if rows and rows[0]["status"]["state"] == state else {}

    return wait_for(look, 20, f"a session elsewhere that is {state}", interval=0.3)


def test_claude_code_started_by_hand(
    model: ScriptedModel, claude_env: ClaudeEnv, git_repo: Path, deck_home: Path, pane: client.Pane, decks: Any
) -> None:
    environ = claude_env(model.url, git_repo)
    deck = decks(git_repo, {**environ, "DECK_HOME": str(deck_home)})
    pane.start(git_repo, environ, ["claude", *MANUAL])
    wait_for(lambda: "\n❯" in pane.screen(), 30, "the prompt")
    assert elsewhere(deck, "idle")["pid"] == pane.pid()
    deck.run("new", "own", "--harness", "shell", "--", "sleep", "600")
    pane.submit("Make a file ::say I make one. ::bash touch made.txt ::say It is made.")
    asked = elsewhere(deck, "needs_input")
    assert asked["status"]["reason"] == "permission"
    pane.answer("1")
    wait_for(lambda: "● It is made." in pane.screen(), 20, "the last words")
    idle = elsewhere(deck, "idle")
    wait_for(lambda: deck.json("ls", "--foreign")[0]["usage"]["messages"] == 2, 10, "its usage", interval=0.3)
    assert [row["name"] for row in deck.json("ls")] == ["own"]

    refused = deck.start("take", idle["id"])
    assert refused.returncode == 3 and str(pane.pid()) in refused.stderr
    pane.submit("/exit")
    elsewhere(deck, "exited")
    made = deck.json("take", idle["id"], "--name", "mine")
    assert made["worktree"] == str(git_repo)
    deck.shows("mine", "● It is made.")
    deck.until("mine", "idle")
    deck.run("send", "mine", "Go on ::say We go on here.", "--wait", "30")
    row = deck.row("mine")
    assert (row["session_id"], row["usage"]["messages"]) == (idle["id"], 1)
    assert deck.json("ls", "--foreign") == []
    assert deck.json("usage")["total"]["messages"] == 3


def test_codex_started_by_hand(
    git_repo: Path, own_machine: Path, deck_home: Path, pane: client.Pane, decks: Any
) -> None:
    binary, reason = client.install("codex")
    if binary is None:
        pytest.skip(reason)
    with Dialects() as model:
        home = own_machine / "home"
        others.seed("codex", home, model.url, git_repo)
        environ = others.environment("codex", binary, home, model.url)
        deck = decks(git_repo, {**environ, "DECK_HOME": str(deck_home)})
        pane.start(git_repo, environ, ["codex", "--no-daemon"])
        wait_for(lambda: "› Ask Codex" in pane.screen(), 30, "the composer")
        assert elsewhere(deck, "idle")["cwd"] == str(git_repo)
        deck.run("new", "own", "--harness", "shell", "--", "sleep", "600")
        pane.submit("Look ::wait 8 ::say I have looked.")
        elsewhere(deck, "working")
        wait_for(lambda: "• I have looked." in pane.screen(), 30, "the answer")
        idle = elsewhere(deck, "idle")
        wait_for(lambda: deck.json("ls", "--foreign")[0]["usage"]["messages"] == 1, 10, "its usage", interval=0.3)
        pane.submit("/exit")
        elsewhere(deck, "exited")
        deck.run("take", idle["id"], "--name", "mine")
        deck.shows("mine", "I have looked.")
        deck.until("mine", "idle")
        deck.run("send", "mine", "Go on ::wait 1 ::say We go on here.", "--wait", "30")
        assert deck.row("mine")["session_id"] == idle["id"]
        assert deck.json("ls", "--foreign") == []
