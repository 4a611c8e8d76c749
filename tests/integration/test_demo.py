"""The demo as anybody runs it: real agents, a scripted model, three states at once, and nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from agentdeck.adapters.database import store
from tests.waiting import wait_for

SECONDS = 14
SHOWN = {"needs_input", "working", "idle"}


def states(home: Path) -> set[str]:
    """What the running demo's agents do now."""
    found: set[str] = set()
    for file in home.glob("deck-demo-*/data/deck.db"):
        conn = store.read(file)
        if conn is None:
            continue  # not set up yet
        with closing(conn):
            found |= {row[0] for row in conn.execute("SELECT state FROM status")}
    return found


@contextmanager
def running(home: Path, seconds: int) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-P", "-m", "agentdeck", "demo", "--headless", str(seconds)]
    environ = {**os.environ, "DECK_HOME": str(home)}
    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        try:
            yield demo
        finally:
            demo.terminate()


@pytest.mark.timeout(120)
def test_the_demo_shows_three_states_and_cleans_up(deck_home: Path) -> None:
    with running(deck_home, SECONDS) as demo:
        wait_for(lambda: states(deck_home) >= SHOWN, timeout=60)
        until = time.monotonic() + 3
        looks = [wait_for(lambda: states(deck_home)) for _ in iter(lambda: time.monotonic() < until, False)]
        out, err = demo.communicate(timeout=60)
    assert all(look >= SHOWN for look in looks)
    assert demo.returncode == 0, err
    assert "scripted" in err
    summary = json.loads(out)
    assert summary["errors"] == [] and summary["seconds"] >= SECONDS
    agents = {agent["name"]: agent for agent in summary["agents"]}
    assert [agent["harness"] for agent in agents.values()].count("builtin") == 3
    assert agents["bob"]["status"]["ask"]["tool"] == "bash"
    assert agents["ada"]["diff"]["added"] > 0
    assert summary["usage"]["total"]["output_tokens"] > 0
    assert list(deck_home.iterdir()) == []


@pytest.mark.timeout(120)
@pytest.mark.slow
def test_a_demo_that_is_told_to_end_cleans_up_too(deck_home: Path) -> None:
    with running(deck_home, 600) as demo:
        wait_for(lambda: "working" in states(deck_home), timeout=60)
        demo.terminate()
        demo.communicate(timeout=60)
    assert demo.returncode == 128 + 15
    assert list(deck_home.iterdir()) == []
