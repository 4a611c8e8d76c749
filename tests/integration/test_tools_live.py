"""A shell beside an agent in the human's own tmux: the deck goes on behind it, and the keys go to the right one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deck import Deck
from tests.human import PROMPT, Human
from tests.waiting import wait_for

TICKS = "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.1; done"


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    deck = Deck(git_repo)
    yield deck
    deck.end()


def own(human: Human, *words: str) -> str:
    """The human's own tmux."""
    return subprocess.run(
        ["tmux", "-S", str(human.own), *words], capture_output=True, text=True, check=True, timeout=10
    ).stdout


def goes_on(human: Human) -> None:
    """The dashboard's own pane, whatever covers it, shows more of the agent than a moment ago."""

    def newest() -> int:
        return max(map(int, re.findall(r"tick (\d+)", own(human, "capture-pane", "-p", "-t", "%0"))), default=0)

    before = newest()
    assert before
    wait_for(lambda: newest() > before + 3, what="the deck going on")


def test_the_deck_lives_on_beside_a_popup_and_a_window(tmp_path: Path, deck: Deck) -> None:
    tree = deck.new("ada", "shell", "--", "sh", "-c", TICKS)["worktree"]
    with Human(tmp_path, deck.repo, (120, 36), {}, in_tmux=True) as human:
        human.sees(PROMPT)
        human.command("agentdeck", "tick [0-9]+")
        human.keys("t")
        human.sees(r"ada's work tree on deck/ada/1; exit returns to the deck")
        human.command("echo in $PWD", f"│in {tree}")
        goes_on(human)
        human.type("exit")
        human.keys("Enter")
        human.misses("exit returns to the deck")
        human.press("T", "Open beside ada")
        human.keys("w")
        human.sees(r"^ada's work tree on deck/ada/1; exit closes this window")
        assert own(human, "list-windows", "-F", "#{window_name}").split("\n")[1] == "ada: shell"
        human.command("echo in $PWD", f"^in {tree}")
        goes_on(human)
        human.type("exit")
        human.keys("Enter")
        human.sees("tick [0-9]+")
        human.press("q", f"^{PROMPT} *$")
