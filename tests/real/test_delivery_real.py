"""Texts of every kind to the real Claude Code and the real Codex: what reaches the model is what was sent, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck.demo.server import ScriptedModel
from agentdeck.harnesses import loader
from agentdeck.services.delivery import wording
from tests.real import client, others
from tests.real.conftest import ClaudeEnv
from tests.real.deck import Deck
from tests.real.dialects import Dialects

TEXTS = (
    "/help me with this ::say ok", "/clear\nand go on ::say ok", "!ls -l ::say ok", "# a heading ::say ok",
    "@README.md look ::say ok", "::say ok about @README.md", "a\ttab\tor two ::say ok", "👩‍💻 漢字 é ::say ok",
    "one\n\n  two\n\tthree\n::say ok", "\n".join(f"line {i}" for i in range(60)) + "\n::say ok",
    "escape \x1b[31m bell \x07 mark \u202e end ::say ok", "words " * 17_000 + "::say ok",
)  # fmt: skip


@pytest.fixture
def claude_model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as running:
        yield running


@pytest.fixture
def codex_model() -> Iterator[Dialects]:
    with Dialects() as running:
        yield running


def all_arrive(deck: Deck, name: str, harness: str) -> None:
    typing = loader.get(harness).typing
    for text in TEXTS:
        receipt = deck.json("send", name, "-", "--wait", "60", stdin=text)
        assert receipt["state"] == "acknowledged", (text[:40], receipt, deck.run("screen", name))
        assert bool(receipt["note"]) == ("\x1b" in text), receipt["note"]
    told = [row for row in deck.json("outbox", name) if row["kind"] == "message"]
    assert [row["state"] for row in told] == ["acknowledged"] * len(TEXTS)
    assert "ESC" in told[-2]["note"] and "U+202E" in told[-2]["note"]
    heard = [event for event in deck.told(name, "hook") if event.data["name"] in ("UserPromptSubmit",)]
    assert len(heard) == len(TEXTS), typing


def compared(prompts: list[str], harness: str) -> None:
    """In their order, each once; the model's record of a prompt may be cut."""
    wrap = loader.get(harness).typing.wrap
    for text, prompt in zip(TEXTS, dict.fromkeys(prompts), strict=True):
        assert wording.same(prompt, wording.clean(text).text, wrap), (text[:60], prompt[:120])


def test_every_kind_of_text_reaches_claude_code_as_words(
    claude_model: ScriptedModel, claude_env: ClaudeEnv, git_repo: Path, deck_home: Path
) -> None:
    deck = Deck(git_repo, {**claude_env(claude_model.url, git_repo), "DECK_HOME": str(deck_home)})
    deck.new("ann")
    deck.until("ann", "idle")
    try:
        all_arrive(deck, "ann", "claude")
        compared([served.prompt for served in claude_model.requests if not served.side], "claude")
    finally:
        deck.start("halt", "--yes")


def test_every_kind_of_text_reaches_codex_as_words(
    codex_model: Dialects, git_repo: Path, deck_home: Path, own_machine: Path
) -> None:
    binary, reason = client.install("codex")
    if binary is None:
        pytest.skip(reason)
    home = own_machine / "home"
    others.seed("codex", home, codex_model.url, git_repo)
    environ = {**others.environment("codex", binary, home, codex_model.url), "DECK_HOME": str(deck_home)}
    deck = Deck(git_repo, environ)
    deck.new("cody", harness="codex", args=("-a", "on-request", "-s", "workspace-write"))
    deck.until("cody", "idle")
    try:
        all_arrive(deck, "cody", "codex")
        compared(codex_model.prompts, "codex")
    finally:
        deck.start("halt", "--yes")
