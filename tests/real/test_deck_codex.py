"""The main job with the real Codex: everything through our own command line, its own configuration untouched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real import client, others
from tests.real.deck import Deck
from tests.real.dialects import INPUT, OUTPUT, Dialects
from tests.waiting import wait_for

ASKS = ("-a", "on-request", "-s", "workspace-write")
ESCALATE = '{"cmd": "touch asked.txt", "sandbox_permissions": "require_escalated", "justification": "May I?"}'


@pytest.fixture
def model() -> Iterator[Dialects]:
    with Dialects() as running:
        yield running


@pytest.fixture
def deck(model: Dialects, git_repo: Path, deck_home: Path, own_machine: Path) -> Iterator[Deck]:
    """A deck whose human has a Codex set up; no hook may stand in its configuration afterwards."""
    binary, reason = client.install("codex")
    if binary is None:
        pytest.skip(reason)
    home = own_machine / "home"
    settings = others.seed("codex", home, model.url, git_repo)
    made = Deck(git_repo, {**others.environment("codex", binary, home, model.url), "DECK_HOME": str(deck_home)})
    yield made
    made.start("halt", "--yes")
    assert "hooks" not in settings.read_text()
    assert not (home / ".codex/hooks.json").exists()


def test_a_day_with_codex(deck: Deck, model: Dialects) -> None:
    made = deck.new("cody", harness="codex", args=ASKS)
    deck.until("cody", "idle")
    assert deck.row("cody")["session_id"] == ""

    receipt = deck.json("send", "cody", "Look ::wait 1 ::say I look. ::bash ls ::say I saw README.md.", "--wait", "40")
    assert (receipt["state"], receipt["evidence"]) == ("acknowledged", "UserPromptSubmit hook")
    row = deck.until("cody", "idle")
    session = row["session_id"]
    assert session and row["status"]["source"] == "hook"
    assert "I saw README.md." in deck.run("screen", "cody")

    deck.run("send", "cody", f"Ask ::call exec_command {ESCALATE} ::say It is done.")
    asked = deck.until("cody", "needs_input")["status"]
    assert (asked["reason"], asked["ask"]["tool"]) == ("permission", "Bash")
    assert "touch asked.txt" in asked["ask"]["text"]
    deck.run("answer", "cody", "allow")
    deck.shows("cody", "It is done.")
    deck.until("cody", "idle")
    assert Path(made["worktree"], "asked.txt").exists()

    deck.run("send", "cody", "Wait ::wait 60 ::say never")
    deck.until("cody", "working")
    deck.run("interrupt", "cody")
    deck.until("cody", "idle")

    def counted() -> dict[str, int]:
        usage = deck.row("cody")["usage"]
        return {key: usage[key] for key in ("input_tokens", "cache_read_tokens", "output_tokens", "messages")}

    want = {"input_tokens": 4 * (INPUT - 600), "cache_read_tokens": 4 * 600, "output_tokens": 4 * OUTPUT, "messages": 4}
    wait_for(lambda: counted() == want, 10, "the usage of four responses", interval=0.3)
    assert deck.row("cody")["usage"]["priced"]

    deck.run("stop", "cody")
    assert deck.row("cody")["status"]["state"] == "exited"
    deck.run("resume", "cody")
    deck.shows("cody", "I saw README.md.")
    deck.until("cody", "idle")
    receipt = deck.json("send", "cody", "Again ::wait 1 ::say We go on.", "--wait", "40")
    assert receipt["state"] == "acknowledged"
    assert deck.row("cody")["session_id"] == session
    assert [prompt.split()[0] for prompt in model.prompts] == ["Look", "Ask", "Wait", "Again"]


def test_what_codex_asks_before_its_first_prompt_is_shown_as_a_question(
    deck: Deck, model: Dialects, own_machine: Path
) -> None:
    settings = own_machine / "home/.codex/config.toml"
    settings.write_text(
        settings.read_text().replace("[projects", "[elsewhere")
    )  # nobody has trusted the repository yet
    deck.new("cody", harness="codex", prompt="Hello ::say Good morning.", args=ASKS)
    status = deck.until("cody", "needs_input")["status"]
    assert status["reason"] == "dialog"
    assert "trust" in status["ask"]["detail"].lower()
    assert not model.prompts
