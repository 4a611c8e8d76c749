"""A client that stands still in the midst of its work is said to hang, and to work again when it moves."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from tests.deck import Deck

HARNESS = """
name = "spinner"
title = "Spinner"
own_command = true
still_seconds = 3.0

[start]
argv = []

[[patterns]]
state = "working"
match = '^busy'
"""
# Turns for a moment, stands still until it gets a line, and turns on.
SPINNER = r"""
import os, sys, time
open(sys.argv[1], "w").write(str(os.getpid()))
def spin(times):
    for n in range(times):
        print("\rbusy", n, end="", flush=True)
        time.sleep(0.1)
spin(15)
sys.stdin.readline()
spin(6000)
"""


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    paths.user_harnesses_dir().mkdir(parents=True)
    (paths.user_harnesses_dir() / "spinner.toml").write_text(HARNESS)
    made = Deck(git_repo)
    yield made
    made.end()


@pytest.mark.slow
def test_a_client_that_hangs_and_one_that_is_stopped(deck: Deck, tmp_path: Path) -> None:
    (tmp_path / "spinner.py").write_text(SPINNER)
    pid = tmp_path / "pid"
    # below a shell: tmux itself continues the program of a pane when that is stopped
    deck.new("anna", "spinner", "--", "sh", "-c", f"{sys.executable} {tmp_path / 'spinner.py'} {pid}; exit")
    deck.is_("anna", "working")
    row = deck.is_("anna", "hung")
    assert "neither output nor processor time" in row["status"]["why"]
    deck.tmux("send-keys", "-t", row["pane_id"], "Enter")
    deck.is_("anna", "working")
    spinner = int(pid.read_text())
    os.kill(spinner, signal.SIGSTOP)
    row = deck.is_("anna", "hung")
    assert f"stopped by a signal: process {spinner}" in row["status"]["why"]
    os.kill(spinner, signal.SIGCONT)
    deck.is_("anna", "working")
