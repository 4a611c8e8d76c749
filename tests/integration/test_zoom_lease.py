"""Two real dashboards on one agent: whoever is killed in mid-zoom, the size is right again within two seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.adapters import tmux
from tests.deck import Deck, running
from tests.integration.test_live_grid import ALTERNATE
from tests.ui.terminal import Terminal
from tests.waiting import wait_for

PROMISE = 2.0  # seconds from the kill to the right size
OWN = (120, 40)
PAINTER = ALTERNATE + "\nimport sys, time\nsys.stdout.flush()\ntime.sleep(3600)"


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    deck = Deck(git_repo)
    yield deck
    deck.end()


class Dashboard(Terminal):
    def __init__(self, deck: Deck, base: Path, view: str, columns: int, rows: int) -> None:
        # a child of the terminal's own program, so that the terminal stays when it is killed
        argv = ["sh", "-c", 'cd "$0"; "$@"; echo ended; read x', str(deck.repo), *deck.argv("--view", view)]
        super().__init__(base / view, argv, columns, rows, {"COLORTERM": "truecolor"})
        self._deck, self._view = deck, view

    def zoom(self) -> None:
        self.wait("row 20 of the alternate screen")
        self.keys("Enter")
        self.wait("returns")

    def kill(self) -> float:
        """By SIGKILL; when that was."""
        (pid,) = [row[0] for row in self._deck.sql("SELECT pid FROM dashboards WHERE view = ?", self._view)]
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        return killed


def size() -> tuple[int, int]:
    (pane,) = [pane for pane in tmux.panes_now(paths.tmux_socket()).values() if pane.deck_id]
    return pane.cols, pane.rows


def becomes(deck: Deck, wanted: tuple[int, int], since: float | None = None) -> None:
    """Wait for a size; counted `since` a kill, for no longer than was promised."""
    timeout = 15 if since is None else PROMISE - (time.monotonic() - since)
    try:
        wait_for(lambda: size() == wanted, timeout, f"the size {wanted}, {PROMISE:g} s after a dashboard was killed")
    except AssertionError as error:
        raise AssertionError(f"{error}: it is {size()}; {[tuple(x) for x in leases(deck)]}") from error
    if since is not None:
        print(f"{wanted} {time.monotonic() - since:.2f} s after the kill")


def leases(deck: Deck) -> list[tuple[object, ...]]:
    return [tuple(row) for row in deck.sql("SELECT cols, rows FROM size_leases ORDER BY taken")]


def test_two_zooms_share_a_size_and_the_killed_ones_give_it_back(tmp_path: Path, deck: Deck) -> None:
    deck.new("alt", "shell", "--", sys.executable, "-c", PAINTER)
    with Dashboard(deck, tmp_path, "left", 200, 60) as left, Dashboard(deck, tmp_path, "right", 160, 50) as right:
        left.zoom()
        becomes(deck, (200, 59))
        right.zoom()
        becomes(deck, (160, 49))  # what both show whole
        assert leases(deck) == [(200, 59), (160, 49)]
        left.wait("another zoom has less room for it")
        killed = right.kill()
        becomes(deck, (200, 59), killed)
        wait_for(lambda: "less room" not in left.text(), what="all the room again")
        killed = left.kill()
        becomes(deck, OWN, killed)
        wait_for(lambda: leases(deck) == [], what="the leases of the dead to be forgotten")


def test_a_dashboard_restores_it_when_the_engine_stands_still(tmp_path: Path, deck: Deck) -> None:
    deck.new("alt", "shell", "--", sys.executable, "-c", PAINTER)
    deck.kill_engine()
    # in the foreground: tmux would wake a stopped program of a pane
    null = subprocess.DEVNULL
    with subprocess.Popen(deck.argv("run"), cwd=deck.repo, env=deck.environ, stdout=null, stderr=null) as engine:
        deck.until(lambda: deck.engine()["pid"] == engine.pid, "the engine")
        with Dashboard(deck, tmp_path, "left", 200, 60) as left, Dashboard(deck, tmp_path, "right", 160, 50) as right:
            left.zoom()
            becomes(deck, (200, 59))
            right.wait("row 20 of the alternate screen")
            engine.send_signal(signal.SIGSTOP)
            killed = left.kill()
            becomes(deck, OWN, killed)
            engine.send_signal(signal.SIGCONT)
            right.keys("q")
        engine.terminate()
    assert not running(engine.pid)
