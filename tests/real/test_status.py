"""Every transition that a real client makes, silently or not: what the deck says of it is the truth."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from benchmarks import status
from benchmarks.status_script import Life
from tests.real import client
from tests.real.deck import Deck

# The machine may have other things to do; what is wrong for longer than three times the limits is wrong.
HOW = status.How(jobs=3, patience=3.0)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Where the deck and the homes of the clients are; the deck is ended afterwards."""
    yield tmp_path
    kept = {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("GIT_CONFIG")}
    Deck(tmp_path, {**kept, "HOME": str(tmp_path), "DECK_HOME": str(tmp_path / "deck")}).start("halt", "--yes")


def _events(lives: Sequence[Life]) -> set[str]:
    """The transitions from one state to another."""
    pairs = ((before, beat) for life in lives for before, beat in zip(life.beats, life.beats[1:], strict=False))
    return {beat.event for before, beat in pairs if before.state and beat.state and before.state != beat.state}


OFTEN = ("claude", "codex")  # the others by make test-real-all
DAYS = [pytest.param(name, marks=() if name in OFTEN else pytest.mark.allclients) for name in status.CLIENTS]


@pytest.mark.timeout(420)
@pytest.mark.parametrize("name", DAYS)
def test_a_day_with_a_client_in_which_the_deck_tells_no_lie(name: str, root: Path) -> None:
    binary, reason = client.install(name)
    if binary is None:
        pytest.skip(reason)
    played = status.load(name)
    found = status.play(played, root, played.lives, HOW)
    assert (found.false_idle, found.blind) == ([], [])
    assert found.share <= 0.03, found.lies
    assert _events(played.lives) <= set(found.late), found.lies
