"""Real Gemini CLI and opencode (make test-real-all): start, idle, a prompt taken, a question answered, stop, resume."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck.services.delivery import wording
from tests.real import client, others
from tests.real.deck import Deck
from tests.real.dialects import Dialects

pytestmark = pytest.mark.allclients
START_SECONDS = 80  # the first turn of opencode installs a package of its own
# Commands to these clients, were they typed; and a word behind which Enter would choose a file from a list.
LITERAL = ("/new ::wait 1 ::say the file of that name.", "!ls ::wait 1 ::say no shell.", "Look ::wait 1 ::say at @READ")
ARGS = {"gemini": ("--model", "gemini-2.5-pro"), "opencode": ()}


@pytest.fixture
def model() -> Iterator[Dialects]:
    with Dialects() as running:
        yield running


@pytest.fixture(params=["gemini", "opencode"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def deck(name: str, model: Dialects, git_repo: Path, deck_home: Path, own_machine: Path) -> Iterator[Deck]:
    """A deck whose human has that client set up; its configuration must be the same bytes afterwards."""
    binary, reason = client.install(name)
    if binary is None:
        pytest.skip(reason)
    home = own_machine / "home"
    settings = others.seed(name, home, model.url, git_repo)
    before = settings.read_bytes()
    made = Deck(git_repo, {**others.environment(name, binary, home, model.url), "DECK_HOME": str(deck_home)})
    yield made
    made.start("halt", "--yes")
    assert settings.read_bytes() == before


@pytest.mark.timeout(400)  # opencode is slow on a busy machine
def test_a_client_from_start_to_resume(deck: Deck, model: Dialects, name: str) -> None:
    prompt = "First ::wait 2 ::say Good morning to you."
    made = deck.new("ann", harness=name, prompt=prompt, args=ARGS[name])
    deck.until("ann", "working", START_SECONDS)
    deck.until("ann", "idle", START_SECONDS)
    assert deck.run("screen", "ann").count("Good morning to you.") == 2  # in the prompt and in the answer

    receipt = deck.json("send", "ann", "Second\nin two lines ::wait 2 ::say And to you.", "--wait", "60")
    assert receipt["state"] == "acknowledged", receipt
    assert "And to you." in deck.run("screen", "ann")

    for text in LITERAL:
        receipt = deck.json("send", "ann", text, "--wait", "60")
        assert receipt["state"] == "acknowledged", receipt
        assert sum(wording.essence(text) in wording.essence(heard) for heard in model.prompts) == 1, model.prompts

    deck.run("send", "ann", "Third ::wait 2 ::bash touch asked.txt ::say It is made.")
    asked = deck.until("ann", "needs_input")["status"]
    assert asked["reason"] == "permission"
    assert "touch asked.txt" in asked["ask"]["text"] + asked["ask"]["detail"]
    assert name != "gemini" or asked["ask"]["options"][0] == "Allow once"
    deck.run("answer", "ann", "allow")
    deck.shows("ann", "It is made.")
    deck.until("ann", "idle")
    assert Path(made["worktree"], "asked.txt").exists()

    session = deck.row("ann")["session_id"]
    assert session
    deck.run("stop", "ann")
    assert deck.row("ann")["status"]["state"] == "exited"
    deck.run("resume", "ann")
    deck.shows("ann", "It is made.", START_SECONDS)
    receipt = deck.json("send", "ann", "Fourth ::wait 2 ::say We go on.", "--wait", "60")
    assert receipt["state"] == "acknowledged", receipt
    assert deck.row("ann")["session_id"] == session
    others = [
        text
        for text in model.prompts
        if not any(wording.essence(literal) in wording.essence(text) for literal in LITERAL)
    ]
    assert [one.split()[0] for one in others] == ["First", "Second", "Third", "Fourth"]
