"""From spec to verified work with four real Claude Code agents: the fleet of the benchmark in small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck.demo.rules import Rule, Scenario
from agentdeck.demo.script import Call, Step
from agentdeck.demo.server import ScriptedModel
from tests import repos
from tests.real.conftest import ClaudeEnv
from tests.real.deck import Deck
from tests.waiting import wait_for

GOOD = "mkdir -p out && echo right >out/{n} && git add -A && git commit -qm 'Do job {n}'"
WRONG = "mkdir -p out && echo wrong >out/{n} && git add -A && git commit -qm 'Do job {n}'"
# title, what it does at first, its state and last outcome at the end, what it needs
JOBS = (
    ("Honest", GOOD, "review", "passed", 1, ()),
    ("Wrong first", WRONG, "review", "passed", 2, ()),
    ("Only words", "true", "review", "passed", 2, ()),
    ("Uncommitted", "mkdir -p out && echo right >out/{n}", "review", "flagged", 1, ()),
    ("Bends the check", "echo 'exit 0' >check.sh && " + GOOD, "review", "flagged", 1, ()),
    ("Builds on it", GOOD + " && cat out/2", "review", "passed", 1, ("2",)),
)
SCENARIO = Scenario(
    tuple(
        Rule(f"“{title}” is not done yet", (Step(calls=(Call("bash", (GOOD.format(n=n),)),)),))
        for n, (title, *_) in enumerate(JOBS, 1)
    )
)


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(SCENARIO) as running:
        yield running


@pytest.fixture
def deck(model: ScriptedModel, claude_env: ClaudeEnv, git_repo: Path, deck_home: Path) -> Iterator[Deck]:
    made = Deck(git_repo, {**claude_env(model.url, git_repo), "DECK_HOME": str(deck_home)})
    yield made
    made.start("halt", "--yes")


@pytest.mark.timeout(400)
def test_four_agents_do_six_specs_and_each_ends_where_it_should(deck: Deck, git_repo: Path) -> None:
    repos.commit(git_repo, "A check", {"check.sh": "grep -qx right out/$1\n"})
    for name in ("ann", "ben", "cat", "dan"):
        deck.new(name, args=("--permission-mode", "default", "--allowedTools", "Bash"))
    for n, (title, command, _, _, _, needs) in enumerate(JOBS, 1):
        more = f"depends_on: [{', '.join(needs)}]\n" if needs else ""
        front = f"---\ntitle: {title}\nverify: sh check.sh {n}\n{more}---\n"
        deck.run("task", "add", "-", stdin=f"{front}::bash {command.format(n=n)}\n\n::say It is done.\n")

    def settled() -> bool:
        return all(task["state"] not in ("queued", "running", "verifying") for task in deck.json("task", "ls"))

    try:
        wait_for(settled, 240, "all tasks judged", interval=1.0)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{deck.run('task', 'ls')}{deck.run('ls')}{deck.run('screen', 'ann')}") from None
    found = deck.json("task", "ls")
    told = {task["title"]: (task["state"], task["attempts"][-1]["outcome"], len(task["attempts"])) for task in found}
    assert told == {title: (state, outcome, tries) for title, _, state, outcome, tries, _ in JOBS}, found
    assert all(task["reason"] for task in found if task["attempts"][-1]["outcome"] == "flagged")
    assert all(attempt["usage"]["messages"] for task in found for attempt in task["attempts"])
