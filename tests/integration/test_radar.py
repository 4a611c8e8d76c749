"""The radar end to end: real agents in real work trees, told while it happens, and over when it is over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentdeck import paths
from tests import repos
from tests.deck import Deck


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    repos.commit(git_repo, "Sample", {"app.py": "one\ntwo\nthree\n", "other.py": "x\n"})
    deck = Deck(git_repo)
    yield deck
    deck.end()


def stir(*agents: str) -> None:
    """What a client's hook writes when a tool has run: then the agent's tree is looked at."""
    for agent in agents:
        spool = paths.spool_dir(agent)
        (spool / ".tmp.1").write_text('{"hook_event_name": "PostToolUse"}')
        (spool / ".tmp.1").rename(spool / f"e.{time.time_ns()}")


def test_two_agents_in_one_file_and_a_base_that_moves_are_told_and_taken_back(deck: Deck) -> None:
    made = {name: deck.new(name, "shell", "--", "cat") for name in ("ada", "bo")}
    ids = {name: row["id"] for name, row in made.items()}
    ada, bo = (Path(row["worktree"]) for row in made.values())

    repos.write(ada, {"app.py": "ONE\ntwo\nthree\n"})
    repos.commit(bo, "Work", {"app.py": "1\ntwo\nthree\n", "other.py": "y\n"})
    repos.commit(deck.repo, "Main goes on", {"other.py": "main\n"})
    stir(*ids.values())
    deck.until(lambda: len(deck.sql("SELECT 1 FROM collisions")) == 3, "app.py is changed by both, other.py on main")
    rows: list[dict[str, Any]] = deck.ok("collisions", "--json").json
    pair = sorted(ids, key=lambda name: ids[name])
    found = [(row["kind"], row["agents"], row["base"], row["paths"]) for row in rows]
    assert sorted(found, key=lambda one: (one[0], one[2] or "")) == [
        ("file", pair, None, ["app.py"]), ("merge", pair, None, ["app.py"]), ("merge", ["bo"], "main", ["other.py"]),
    ]  # fmt: skip
    begun = [(found["action"], found["collision"], found.get("with")) for found in deck.events("collision")]
    assert {("begin", "file", ids["ada"]), ("begin", "file", ids["bo"]), ("begin", "merge", None)} < set(begun)

    repos.commit(deck.repo, "Main goes back", {"other.py": "x\n"})  # nobody tells it: the base is watched
    deck.until(lambda: not deck.sql("SELECT 1 FROM collisions WHERE other = ''"), "bo merges with main again")
    repos.git(ada, "checkout", "-q", "app.py")
    stir(ids["ada"])
    deck.until(lambda: not deck.sql("SELECT 1 FROM collisions"), "all is well again")
    assert {data["action"] for data in deck.events("collision")} == {"begin", "end"}
    shown = deck.ok("collisions")
    assert shown.out.split() == ["KIND", "WHO", "FILES", "FOR"] and shown.err == ""
