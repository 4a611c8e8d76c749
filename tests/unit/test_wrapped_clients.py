"""A client's own status file, of a client that is the agent's process or was started by it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck.services.status.probes import ProcessFiles
from tests.waiting import wait_for


@pytest.fixture
def shell() -> Iterator[int]:
    """A shell with a program below it, as a wrapper script has."""
    made = subprocess.Popen(["sh", "-c", "sleep 60; true"], start_new_session=True)
    wait_for(lambda: child(made.pid), 5, "the program below the shell")
    yield made.pid
    os.killpg(made.pid, 9)
    made.wait()


def child(pid: int) -> int:
    """The first process below this one, 0 for none."""
    return next(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()), 0)


def test_the_client_below_a_wrapper_is_found_and_no_other(tmp_path: Path, shell: int) -> None:
    files, own = ProcessFiles(), str(tmp_path / f"{shell}.json")
    assert files.read(own) is None
    for pid, status in ((1, "somebody's"), (os.getpid(), "ours"), (child(shell), "busy")):
        (tmp_path / f"{pid}.json").write_text(json.dumps({"status": status}))
    assert files.read(own) == {"status": "busy"}
    (tmp_path / f"{child(shell)}.json").write_text('{"status": "idle"}')
    assert files.read(own) == {"status": "idle"}
    (tmp_path / f"{child(shell)}.json").unlink()
    assert files.read(own) is None


def test_the_agents_own_file_comes_first_and_half_of_one_says_nothing(tmp_path: Path, shell: int) -> None:
    (tmp_path / f"{child(shell)}.json").write_text('{"status": "busy"}')
    own = tmp_path / f"{shell}.json"
    own.write_text('{"status": "idle"}')
    files = ProcessFiles()
    assert files.read(str(own)) == {"status": "idle"}
    own.write_text('{"sta')
    assert files.read(str(own)) is None
