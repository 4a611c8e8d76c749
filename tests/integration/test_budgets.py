"""Budgets against agents that spend: warned of, held, interrupted, stopped; nobody else touched, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agentdeck.demo.server import ScriptedModel
from agentdeck.services import requests
from tests import spender
from tests.deck import Deck


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


@pytest.fixture
def deck(git_repo: Path, model: ScriptedModel) -> Iterator[Deck]:
    deck = Deck(git_repo, model)
    yield deck
    deck.end()


def actions(deck: Deck, agent: str) -> list[str]:
    query = "SELECT json_extract(data, '$.action') FROM events WHERE kind = 'budget' AND agent = ? ORDER BY id"
    return [row[0] for row in deck.sql(query, agent) if row[0] != "over"]  # reached while at rest, or not seen at work


def responses(deck: Deck, agent: str) -> int:
    return int(deck.sql("SELECT COUNT(*) FROM usage WHERE agent = ?", agent)[0][0])


@pytest.mark.slow
def test_one_runaway_of_four_is_stopped_within_two_records_and_its_work_is_kept(deck: Deck) -> None:
    spender.install()
    names = ["calm", "paced-1", "paced-2"]
    with ThreadPoolExecutor() as pool:
        calm = ("spender", "--budget", "tokens=1M,usd=1,turns=500", "--", "0.7", "3")
        others = list(pool.map(lambda name: deck.new(name, *calm), names))
    made = deck.new("runaway", "spender", "--budget", "turns=3,tokens=1M", "--", "0.6", "400")
    deck.until(lambda: deck.state("runaway") == "exited", "the end of the runaway", 30)
    assert responses(deck, made["id"]) <= 3 + 2, deck.story()
    assert actions(deck, made["id"]) == ["set", "interrupted", "stop"]
    work = (Path(made["worktree"]) / "work.txt").read_text().splitlines()
    assert len(work) == responses(deck, made["id"])
    shown = deck.ok("show", "runaway", "--json").json
    assert shown["budget"]["level"] == "stop"
    assert "3 turns" in shown["budget"]["why"]
    for one in others:
        assert actions(deck, one["id"]) == ["set"], deck.story()
    assert {row["life"] for row in deck.sql("SELECT life FROM agents WHERE name != 'runaway'")} == {"live"}
    assert "was stopped by its budget" in deck.ok("budget", "list").out


@pytest.mark.slow
def test_a_client_that_obeys_is_interrupted_once_and_what_waits_goes_on_with_a_higher_limit(deck: Deck) -> None:
    made = deck.new("ann", "builtin", "--budget", "turns=2", "--", "--yes")
    deck.is_("ann", "idle")
    deck.send("ann", "::bash true ::bash sleep 30 ::write never.txt := no ::say Done.")
    deck.until(lambda: "interrupted" in actions(deck, made["id"]), "the interrupt")
    deck.is_("ann", "idle")
    assert responses(deck, made["id"]) == 2
    asyncio.run(requests.ask("send", made["id"], text="::say More."))
    waits = "its budget is spent: 2 of 2 turns"
    deck.until(lambda: deck.deliveries("ann")[-1]["reason"] == waits, "the text to wait")
    assert "9 turns" in deck.ok("budget", "set", "agent", "ann", "--turns", "9").err
    deck.until(lambda: deck.deliveries("ann")[-1]["state"] == "acknowledged", "the text that waited")
    deck.is_("ann", "idle")
    assert actions(deck, made["id"]) == ["set", "interrupted", "set", "clear"]
    assert deck.panes() == [made["id"]]

    deck.ok("budget", "set", "day", "--turns", "1")
    deck.until(lambda: deck.sql("SELECT 1 FROM budget_acts WHERE scope = 'day'"), "the budget of the day")
    deck.ok("task", "add", "-", given="# One more\n\n::say Two.\n")
    assert "is held by a budget" in deck.ok("task", "why", "1").out
    deck.ok("budget", "clear", "day")
    deck.until(lambda: deck.sql("SELECT 1 FROM tasks WHERE state = 'review'"), "the task")
