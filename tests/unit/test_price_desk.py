"""The price list in a process of its own says what it says here."""

from __future__ import annotations

import sys

import pytest

from agentdeck.adapters import prices
from agentdeck.adapters.price_desk import PriceDesk
from agentdeck.errors import AgentDeckError

KEYS = [
    ("claude-opus-5-5", "", "2026-11-20"),
    ("claude-sonnet-4-5", "", "2026-11-20"),
    ("somebody-9", "fast", "2026-11-20"),
]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "genai_prices", raising=False)
    opened = PriceDesk()
    yield opened
    opened.close()


def test_the_same_answers_one_process_for_many_questions(desk: PriceDesk) -> None:
    asked = [desk.find(KEYS[:1]), desk.find(KEYS)]
    assert [asked[0], asked[1]] == [[prices.find(*key) for key in keys] for keys in (KEYS[:1], KEYS)]


def test_a_process_that_dies_is_an_error_and_the_next_question_starts_another(desk: PriceDesk) -> None:
    desk.find(KEYS[:1])
    process = desk._process
    assert process is not None
    process.kill()
    process.wait()
    with pytest.raises(AgentDeckError):
        desk.find(KEYS[:1])
    assert desk.find(KEYS[:1])[0].resolved == "claude-opus-5-5"
