"""What becomes of texts: clients in seven moods, and an engine that is killed at each step of a delivery."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from agentdeck import paths
from agentdeck.services import failpoints
from agentdeck.services.failpoints import DELIVERY_STEPS
from benchmarks.delivery_world import World
from tests import fakeclient
from tests.deck import Deck
from tests.waiting import wait_for


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    deck = Deck(git_repo)
    yield deck
    deck.end()


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_texts_to_clients_in_all_moods_arrive_once_or_are_refused_in_words(deck: Deck) -> None:
    """The benchmark, scaled down; `benchmarks.delivery` judges the times too."""
    world = World(deck.repo, Random(5))
    await world.build(7)
    await world.live(28, patience=40)
    tally = world.judge(limit=60)
    assert tally.faults == [], deck.story()
    assert tally.states["acknowledged"] >= 18, tally


def engine(deck: Deck) -> subprocess.Popen[bytes]:
    return subprocess.Popen(deck.argv("run"), cwd=deck.repo, env=deck.environ, stderr=subprocess.DEVNULL)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_text_goes_on_from_where_a_killed_engine_left_it(deck: Deck, tmp_path: Path) -> None:
    """One engine after the other dies at the next step, each in the midst of another text for the same agent."""
    deck.environ[failpoints.FOLDER] = str(tmp_path)
    folder = paths.user_harnesses_dir()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "telling.toml").write_text(fakeclient.harness("telling", tells=True))
    first = engine(deck)
    wait_for(lambda: deck.sql("SELECT 1 FROM sqlite_master WHERE name = 'engine'") and deck.engine()["pid"], 20)
    log = deck.repo.parent / "ann.log"
    ann = deck.new("ann", "telling", "--here", "--", sys.executable, fakeclient.__file__, str(log), "1", "tells")
    deck.is_("ann", "idle")
    first.terminate()
    first.wait(20)
    for point in DELIVERY_STEPS:
        query = "INSERT INTO deliveries (id, agent, text, created) VALUES (?, ?, ?, 1)"
        deck.write(query, point, ann["id"], f"killed when {point}")
        (tmp_path / point).touch()
        here = tmp_path / f"{point}{failpoints.HERE}"
        dying = engine(deck)
        deck.until(here.exists, f"an engine at {point}", 40)
        dying.kill()
        dying.wait()
        here.unlink()
    last = engine(deck)
    try:
        deck.until(lambda: not deck.sql("SELECT 1 FROM deliveries WHERE state NOT IN ('acknowledged', 'refused')"))
    finally:
        last.terminate()
        last.wait(20)
    told = [(row["id"], row["state"]) for row in deck.deliveries("ann")]
    assert told == [(point, "acknowledged") for point in DELIVERY_STEPS], deck.story()
    heard = [row["text"] for row in map(json.loads, log.read_text().splitlines()) if row["what"] == "prompt"]
    assert heard == [f"killed when {point}" for point in DELIVERY_STEPS]
