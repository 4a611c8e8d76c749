"""A plain shell in which somebody has begun a line: nothing is pasted behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deck import Deck


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    made = Deck(git_repo)
    yield made
    made.end()


def test_a_text_waits_until_a_line_that_was_begun_is_gone(deck: Deck) -> None:
    pane = deck.new("anna", "shell", "--", "/bin/sh", "-i")["pane_id"]
    deck.is_("anna", "idle")
    deck.tmux("send-keys", "-t", pane, "-l", "rm -rf prec")
    deck.until(lambda: "rm -rf prec" in deck.ok("screen", "anna").out, "the line")
    assert deck.run("send", "anna", "echo it came", "--follow-up").code == 0
    deck.until(lambda: "draft" in deck.deliveries("anna")[0]["reason"], "a reason to wait")
    assert "it came" not in deck.ok("screen", "anna").out
    deck.tmux("send-keys", "-t", pane, "C-u")
    deck.until(lambda: deck.deliveries("anna")[0]["state"] == "acknowledged", "the text")
    deck.until(lambda: "\nit came\n" in deck.ok("screen", "anna").out, "what it does")
