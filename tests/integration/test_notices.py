"""The human's own command is told of what needs them, once, with nothing of a shell in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.adapters import notify
from agentdeck.demo.server import ScriptedModel
from tests.deck import Deck
from tests.programs import bin_with


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as running:
        yield running


@pytest.fixture
def deck(git_repo: Path, model: ScriptedModel) -> Iterator[Deck]:
    made = Deck(git_repo, model)
    yield made
    made.end()


@pytest.mark.slow
def test_a_question_and_an_unasked_end_are_told_and_a_stop_is_not(deck: Deck, own_machine: Path) -> None:
    told = own_machine / "told"
    bin_with(own_machine, tell=f'printf "%s|%s\\n" "$1" "$2" >>{told}')
    paths.config_dir().mkdir(parents=True)
    paths.config_file().write_text(f"notify_command = [{json.dumps(str(own_machine / 'bin' / 'tell'))}]\n")
    deck.new("anna")
    deck.new("bert", "shell", "--", "sh", "-c", "read line; exit 3")
    deck.new("carl", "shell", "--", "cat")
    deck.is_("anna", "idle")
    deck.ok("stop", "carl")
    deck.send("anna", "::bash echo '; touch x' ::say Done.")
    deck.until(lambda: told.exists() and "anna needs you|bash: echo '; touch x'\n" in told.read_text(), "the question")
    deck.ok("send", "bert", "go")
    deck.until(lambda: "bert has ended|" in told.read_text(), "the end")
    assert len(told.read_text().splitlines()) == 2
    assert [row["title"] for row in deck.events("notice")] == ["anna needs you", "bert has ended"]


async def test_a_command_that_fails_or_is_missing_is_named(own_machine: Path) -> None:
    bin_with(own_machine, tell="echo no bus >&2; exit 4")
    assert await notify.run([str(own_machine / "bin" / "tell")], "a", "b") == (
        f"{own_machine / 'bin' / 'tell'} ended with 4: no bus"
    )
    assert "No such file" in await notify.run(["/nowhere/tell"], "a", "b")


def test_a_state_that_is_none_is_named_with_its_line(deck: Deck) -> None:
    paths.config_dir().mkdir(parents=True)
    paths.config_file().write_text('theme = "deck-dark"\nnotify_on = ["sleeping"]\n')
    done = deck.run("new", "anna", "--harness", "shell", "--", "cat")
    assert done.code == 2 and "'sleeping' is no status" in done.err
