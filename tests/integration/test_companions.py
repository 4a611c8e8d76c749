"""A human's terminal as a tile beside an agent, with a real engine, tmux and worktree."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.services import requests
from agentdeck.services.lives.environment import save_environment
from tests.deck import Deck, running


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    deck = Deck(git_repo)
    yield deck
    deck.end()


def opened(agent: str, what: str, *argv: str) -> str:
    """As the dashboard asks for a tile; the companion's name."""
    file = save_environment()
    made = asyncio.run(requests.ask("beside", agent, argv=list(argv), what=what, env_file=str(file)))
    return str(made["name"])


def companion(deck: Deck, name: str) -> dict[str, object]:
    found = [dict(row) for row in deck.sql("SELECT * FROM agents WHERE name = ? AND life != 'removed'", name)]
    return found[0] if found else {}


def say(deck: Deck, row: dict[str, object], text: str) -> None:
    deck.tmux("send-keys", "-t", str(row["pane"]), text, "Enter")


@pytest.mark.slow
def test_a_terminal_beside_an_agent_lives_in_its_tree_holds_it_and_goes_with_exit(deck: Deck) -> None:
    ada = deck.new("ada", "shell", "--", "sleep", "600")
    tree = Path(ada["worktree"])
    name = opened(ada["id"], "sh", "/bin/sh")
    shell = companion(deck, name)
    assert (name, shell["beside"], shell["worktree"]) == ("ada-sh", ada["id"], str(tree))
    assert ada["id"] in deck.panes() and shell["id"] in deck.panes()
    assert list(deck.rows()) == ["ada"], "it is no agent"
    assert opened(ada["id"], "sh", "/bin/sh") == "ada-sh2"
    say(deck, shell, "echo made here > note")
    deck.until((tree / "note").exists, "a file made in the terminal")
    (tree / "note").unlink()

    (deck.repo / "t.md").write_text("---\nagent: ada-sh\n---\n# Do it\n\nDo it.\n")
    deck.ok("task", "add", "t.md")
    assert "no agent is called ada-sh" in deck.ok("task", "why", "1").out
    deck.ok("task", "cancel", "1")

    deck.kill_engine()  # the next one finds it again
    deck.ok("stop", "ada")
    refused = deck.run("rm", "ada", "--yes")
    assert refused.code == 1
    assert "a terminal open beside 'ada': ada-sh, ada-sh2" in refused.err
    assert tree.is_dir() and running(int(str(shell["pid"])))

    say(deck, shell, "exit 3")
    deck.until(lambda: not companion(deck, "ada-sh"), "the end of the first")
    deck.ok("stop", "ada-sh2")
    deck.until(lambda: not companion(deck, "ada-sh2"), "the end of the second")
    deck.until(lambda: shell["id"] not in deck.panes(), "no pane left of it")
    assert tree.is_dir(), "a terminal that goes takes nothing along"
    assert not (paths.state_dir() / "agents" / str(shell["id"])).exists()
    deck.ok("rm", "ada", "--yes")
    assert not tree.exists()


def test_a_tool_that_failed_shows_why_until_it_or_its_agent_goes(deck: Deck) -> None:
    ada = deck.new("ada", "shell", "--", "sleep", "600")
    name = opened(ada["id"], "Look Up", "sh", "-c", "sleep 1; echo no such thing; exit 4")
    assert name == "ada-look-up"
    deck.until(lambda: companion(deck, name).get("life") == "stopped", "its end")
    assert companion(deck, name)["exit_code"] == 4
    assert "no such thing" in deck.ok("screen", name).out
    before = subprocess.run(["git", "status", "-sb"], cwd=ada["worktree"], capture_output=True, check=True).stdout
    deck.ok("rm", name, "--yes")
    after = subprocess.run(["git", "status", "-sb"], cwd=ada["worktree"], capture_output=True, check=True).stdout
    assert before == after and not companion(deck, name)

    opened(ada["id"], "look", "sh", "-c", "sleep 1; exit 4")
    deck.until(lambda: companion(deck, "ada-look").get("life") == "stopped", "its end")
    deck.ok("stop", "ada")
    deck.ok("rm", "ada", "--yes")
    assert not companion(deck, "ada-look") and not deck.panes()
