"""The radar end to end: real agents in real work trees, told while it happens, and over when it is over."""

from __future__ import annotations

import json
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


def collisions(deck: Deck) -> list[tuple[str, tuple[str, ...], str | None, tuple[str, ...]]]:
    rows: list[dict[str, Any]] = deck.ok("collisions", "--json").json
    return sorted((row["kind"], tuple(row["agents"]), row["base"], tuple(row["paths"])) for row in rows)


def stir(deck: Deck) -> None:
    """What a client's hook writes when a tool has run: then the agent's tree is looked at."""
    for row in deck.rows().values():
        spool = paths.spool_dir(row["id"])
        (spool / ".tmp.1").write_text('{"hook_event_name": "PostToolUse"}')
        (spool / ".tmp.1").rename(spool / f"e.{time.time_ns()}")


def test_two_agents_in_one_file_and_a_base_that_moves_are_told_and_taken_back(deck: Deck) -> None:
    ada, bo = (Path(deck.new(name, "shell", "--", "cat")["worktree"]) for name in ("ada", "bo"))
    ids = {name: row["id"] for name, row in deck.rows().items()}
    pair = tuple(sorted(ids, key=lambda name: ids[name]))
    assert collisions(deck) == []

    repos.write(ada, {"app.py": "ONE\ntwo\nthree\n"})
    repos.commit(bo, "Work", {"app.py": "1\ntwo\nthree\n", "other.py": "y\n"})
    stir(deck)
    both = [("file", pair, None, ("app.py",)), ("merge", pair, None, ("app.py",))]
    deck.until(lambda: len(deck.sql("SELECT 1 FROM collisions")) == 2, "both changed app.py and do not merge")
    assert collisions(deck) == both
    told = [json.loads(found) for found in deck.ok("events", "--agent", "bo", "--json").out.splitlines()]
    begun = [found["data"] for found in told if found["kind"] == "collision"]
    assert [(data["action"], data["collision"], data["with"]) for data in begun] == [
        ("begin", "file", ids["ada"]), ("begin", "merge", ids["ada"]),
    ]  # fmt: skip

    repos.commit(deck.repo, "Main goes on", {"other.py": "main\n"})
    deck.until(lambda: deck.sql("SELECT 1 FROM collisions WHERE other = ''"), "bo does not merge with main")
    assert ("merge", ("bo",), "main", ("other.py",)) in collisions(deck)

    repos.git(ada, "checkout", "-q", "app.py")
    repos.git(bo, "rebase", "-q", "-X", "theirs", "main")
    stir(deck)
    deck.until(lambda: not deck.sql("SELECT 1 FROM collisions"), "all is well again")
    assert {data["action"] for data in deck.events("collision")} == {"begin", "end"}
    shown = deck.ok("collisions")
    assert shown.out.split() == ["KIND", "WHO", "FILES", "FOR"] and shown.err == ""
