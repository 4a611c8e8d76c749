"""From a spec to verified work: the deck checks, tells what failed, checks again, and lands what a human accepts."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.demo.rules import Rule, Scenario
from agentdeck.demo.script import Call, Step
from agentdeck.demo.server import ScriptedModel
from tests import repos
from tests.deck import Deck

SCENARIO = Scenario(
    rules=(
        Rule(
            "is not done yet",
            (Step(calls=(Call("bash", ("echo right >out && git add out && git commit -qm 'Put it right'",)),)),),
        ),
    )
)


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(SCENARIO) as model:
        yield model


@pytest.fixture
def deck(git_repo: Path, model: ScriptedModel) -> Iterator[Deck]:
    deck = Deck(git_repo, model)
    yield deck
    deck.end()


SPEC = """---
title: Write out
verify: "cat out; grep -qx right out"
---
Write it ::bash echo wrong >out && git add out && git commit -qm 'Write it' ::say Done.
"""


@pytest.mark.slow
def test_work_that_fails_its_check_is_sent_back_with_the_reason_and_lands_once_accepted(
    deck: Deck, model: ScriptedModel
) -> None:
    deck.new("gina", "builtin", "--", "--yes")
    [key] = deck.ok("task", "add", "-", "--json", given=SPEC).json
    deck.ok("run", "--until-empty")
    shown = deck.ok("task", "show", str(key), "--json").json
    assert shown["state"] == "review", deck.story()
    first, second = shown["attempts"]
    assert (first["outcome"], first["reason"]) == ("failed", "verify failed with exit code 1")
    assert (first["verify"]["exit_code"], first["verify"]["output_tail"]) == (1, "wrong\n")
    assert (second["outcome"], second["branch"]) == ("passed", first["branch"])
    assert [step["state"] for step in second["gate"]] == ["passed"] * 6
    prompts = [found.prompt for found in model.requests if found.step == 0]
    assert len(prompts) == 2
    assert "“Write out” is not done yet" in prompts[1]
    assert "verify failed with exit code 1" in prompts[1]
    assert "$ cat out; grep -qx right out\nwrong" in prompts[1]

    early = deck.run("task", "land", str(key))
    assert (early.code, "is review, not accepted" in early.err) == (2, True)
    assert "+right" in deck.ok("task", "diff", str(key)).out
    repos.commit(deck.repo, "A human's", {"other": "here\n"})
    deck.ok("task", "accept", str(key))
    deck.ok("task", "land", str(key))
    assert (deck.repo / "out").read_text() == "right\n"
    assert (deck.repo / "other").exists()
    assert repos.status(deck.repo) == ""
    assert repos.git(deck.repo, "log", "-1", "--format=%s") == "Land “Write out”"
    assert deck.ok("task", "show", str(key), "--json").json["state"] == "landed"
    text = deck.ok("task", "show", str(key)).out
    assert "✗ verify    verify failed with exit code 1" in text
    assert "| wrong" in text


@pytest.mark.slow
def test_the_queue_starts_agents_itself_where_the_user_lets_it(deck: Deck) -> None:
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text('[queue]\nspawn = 1\n[queue.spawn_args]\nbuiltin = ["--yes"]\n')
    engine = subprocess.Popen(deck.argv("run", "--for", "50"), cwd=deck.repo, env=deck.environ)  # whose keys they get
    try:
        made = "SELECT 1 FROM sqlite_master WHERE name = 'spec_problems'"
        deck.until(lambda: deck.sql(made) and deck.sql("SELECT 1 FROM engine WHERE heartbeat > 0"), "the engine")
        [key] = deck.ok("task", "add", "-", "--json", given="---\nharness: builtin\n---\nSay it ::say Said.\n").json
        deck.until(lambda: deck.sql("SELECT 1 FROM tasks WHERE state = 'review'"), "the review")
    finally:
        engine.terminate()
        engine.wait(20)
    shown = deck.ok("task", "show", str(key), "--json").json
    assert (shown["state"], shown["agent"]) == ("review", "queue-1"), deck.story()
