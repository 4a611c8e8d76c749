"""One event and two dashboards: told once, seen by both, answered from one. (With nobody there: test_notices.)"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.demo.server import ScriptedModel
from tests.deck import Deck
from tests.programs import bin_with
from tests.ui.terminal import Terminal
from tests.waiting import wait_for


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    with ScriptedModel() as model:
        made = Deck(git_repo, model)
        yield made
        made.end()


def rung(terminal: Terminal) -> int:
    return int(terminal._tmux("display-message", "-p", "-t", "t", "#{window_bell_flag}").strip() or 0)


@pytest.mark.slow
def test_two_dashboards_ring_once_and_both_know_what_was_seen(
    deck: Deck, own_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = own_machine / "told"
    bin_with(own_machine, tell=f'printf "%s\\n" "$1" >>{told}')
    paths.config_dir().mkdir(parents=True)
    paths.config_file().write_text(f"notify_command = [{json.dumps(str(own_machine / 'bin' / 'tell'))}]\n")
    deck.new("anna")
    deck.is_("anna", "idle")

    monkeypatch.chdir(deck.repo)
    argv = [sys.executable, "-P", "-m", "agentdeck"]
    with (
        Terminal(own_machine / "a", argv, 120, 40, {}) as left,
        Terminal(own_machine / "b", [*argv, "--view", "other"], 120, 40, {}) as right,
    ):
        for terminal in (left, right):
            terminal.wait("anna")
            terminal.wait("idle")
        deck.ok("send", "anna", "::bash echo ';' touch two.txt ::say Done.")
        for terminal in (left, right):
            terminal.wait("needs you")
        wait_for(lambda: rung(left) + rung(right), 10, "a bell")
        wait_for(lambda: told.exists() and told.read_text() == "anna needs you\n", 10, "the notice")
        assert rung(left) + rung(right) == 1
        right.keys("P")
        right.wait("command: echo ';' touch two.txt")
        deck.until(lambda: deck.ok("attention", "--json").json[0]["seen"], "that it was seen")
        deck.until(lambda: (right.keys("y"), deck.state("anna") != "needs_input")[1], "the answer", 10)
        deck.is_("anna", "idle")
        left.wait("idle")
    assert told.read_text().splitlines() == ["anna needs you"]
