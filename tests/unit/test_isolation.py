"""The suite's own promise: every test has a machine of its own, and what it leaves is found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentdeck import paths
from tests import leftovers
from tests.waiting import wait_for, wait_until


def test_environment_is_the_tests_own(own_machine: Path, deck_home: Path) -> None:
    assert not [name for name in os.environ if name.startswith(("TMUX", "ANTHROPIC_", "CLAUDE"))]
    assert Path(os.environ["DECK_HOME"]) == deck_home
    assert Path.home() == own_machine / "home"
    assert paths.database_file().is_relative_to(own_machine)
    assert len(os.fsencode(own_machine / "deck/state/agents/abcdefgh/tmux/tmux-0/default")) < 100


def test_git_repo_is_real(git_repo: Path) -> None:
    log = subprocess.run(["git", "log", "--format=%s %an"], cwd=git_repo, capture_output=True, text=True, check=True)
    assert log.stdout == "first Test\n"


def test_a_process_left_behind_is_found_and_ended(own_machine: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={"DECK_HOME": str(own_machine)})
    wait_for(lambda: child.pid in leftovers.processes({str(own_machine)}))
    left = leftovers.sweep(own_machine, patience=0.1)
    assert len(left) == 1 and f"process {child.pid}" in left[0]
    assert child.wait(timeout=5) == -9


def test_a_tmux_server_on_the_deck_socket_is_ended(own_machine: Path) -> None:
    runtime = paths.make_private(paths.runtime_dir())
    paths.state_dir().mkdir(parents=True)
    start = ["tmux", "-S", str(paths.tmux_socket()), "-f", "/dev/null", "new-session", "-d", "sleep", "60"]
    subprocess.run(start, check=True)
    assert leftovers.processes({str(runtime)})
    assert leftovers.sweep(own_machine) == []
    assert not runtime.exists()


def test_a_work_tree_outside_is_found(
    git_repo: Path, own_machine: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tree = tmp_path_factory.mktemp("outside") / "tree"
    subprocess.run(["git", "worktree", "add", "-q", str(tree)], cwd=git_repo, check=True)
    assert leftovers.worktrees_outside(own_machine) == [f"work tree: {tree}"]
    subprocess.run(["git", "worktree", "remove", str(tree)], cwd=git_repo, check=True)


async def test_waiting_says_what_it_waited_for() -> None:
    with pytest.raises(AssertionError, match="the moon"):
        await wait_until(lambda: False, timeout=0.05, what="the moon")
    with pytest.raises(AssertionError, match="last: 0"):
        wait_for(lambda: 0, timeout=0.05)
    assert await wait_until(lambda: 7) == 7
