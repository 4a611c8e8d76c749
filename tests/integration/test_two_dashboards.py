"""Two real dashboards on one deck: the same said by both, and a question that can be answered from one of them only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from agentdeck.demo.server import ScriptedModel
from benchmarks.dashboards import compare, dashboards
from tests.deck import Deck
from tests.waiting import wait_for


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    with ScriptedModel() as model:
        made = Deck(git_repo, model)
        yield made
        made.end()


@pytest.mark.slow
def test_a_question_is_answered_from_one_and_the_other_is_told_so(deck: Deck) -> None:
    deck.new("anna")
    deck.is_("anna", "idle")
    with dashboards(deck.repo, 2, ["anna"]) as (left, right):
        deck.ok("send", "anna", "::bash echo ';' touch one ::say Done.")
        for one in (left, right):
            one.wait("needs you")
        assert compare([left, right], ["anna"]) == []
        for one in (left, right):
            one.keys("a")
            one.wait("touch one")
        left.keys("y")
        deck.is_("anna", "idle")
        right.keys("y")
        right.wait("has changed or is answered already")
        right.keys("Escape")

        deck.ok("send", "anna", "::bash echo ';' touch two ::say Done again.")
        for one in (left, right):
            one.wait("needs you")
            one.keys("a")
            one.wait("touch two")
        both = [Thread(target=one.keys, args=("y",)) for one in (left, right)]
        for hand in both:
            hand.start()
        for hand in both:
            hand.join()
        deck.is_("anna", "idle")
        assert compare([left, right], ["anna"]) == []
        refused = ("nothing is asked right now", "has changed or is answered", "was answered meanwhile")
        wait_for(lambda: any(words in left.text() + right.text() for words in refused), 10, "one to be told")
    assert [event["answer"] for event in deck.events("answer")] == ["allow", "allow"]
    assert deck.send("anna", "Go on ::say I do.")["state"] == "acknowledged", "no key was left in its composer"
