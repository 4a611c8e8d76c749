"""Permission requests answered by the human's policy file, by a real agent in a real pane."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.demo.server import ScriptedModel
from tests.deck import Deck

RULES = """
[[rules]]
decision = "allow"
tool = "bash"
argument = "touch *"

[[rules]]
decision = "deny"
tool = "bash"
argument = "touch secret*"
"""


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    with ScriptedModel() as model:
        deck = Deck(git_repo, model)
        yield deck
        deck.end()


@pytest.mark.slow
def test_rules_answer_what_they_are_about_and_the_rest_is_the_humans(deck: Deck) -> None:
    paths.policy_file().parent.mkdir(parents=True)
    paths.policy_file().write_text(RULES)
    tree = Path(deck.new("anna")["worktree"])
    deck.is_("anna", "idle")
    deck.send("anna", "::bash touch allowed-by-rule ::say Made.")
    deck.until((tree / "allowed-by-rule").exists, "the file")
    deck.is_("anna", "idle")
    deck.send("anna", "::bash touch secret-file ::say Then not.")
    deck.until(lambda: len(deck.events("policy")) == 2, "a second decision")
    deck.is_("anna", "idle")
    assert not (tree / "secret-file").exists()
    told = [(event["answer"], event["rule"], event["argument"], event["taken"]) for event in deck.events("policy")]
    assert told == [("allow", 1, "touch allowed-by-rule", True), ("deny", 2, "touch secret-file", True)]

    deck.send("anna", "::bash touch one; touch two ::say Asked.")
    assert deck.is_("anna", "needs_input")["status"]["ask"]["tool"] == "bash"
    deck.ok("answer", "anna", "deny")
    deck.is_("anna", "idle")
    assert len(deck.events("policy")) == 2, "the human's own"

    paths.policy_file().write_text(RULES.replace('"deny"', '"never"'))
    deck.send("anna", "::bash touch later ::say Asked too.")
    deck.until(lambda: len(deck.events("policy")) == 3, "the mistake told")
    assert "line 8" in deck.events("policy")[2]["trouble"]
    deck.is_("anna", "needs_input")
    deck.ok("answer", "anna", "allow")
    deck.until((tree / "later").exists, "the human's leave")


def test_what_the_rules_would_answer_can_be_asked(deck: Deck) -> None:
    assert "no rules" in deck.ok("policy").err
    paths.policy_file().parent.mkdir(parents=True)
    paths.policy_file().write_text(RULES)
    assert deck.ok("policy").out.splitlines()[2].split() == ["2", "deny", "bash", "touch", "secret*"]
    tried = deck.ok("policy", "--tool", "bash", "--argument", "touch secrets", "--json").json
    assert tried == {"answer": "deny", "rule": 2}
    assert "no rule" in deck.ok("policy", "--tool", "bash", "--argument", "ls").out
    paths.policy_file().write_text("rules = 3\n")
    bad = deck.run("policy")
    assert (bad.code, bad.out) == (2, "")
    assert "policy.toml, line 1: rules" in bad.err
