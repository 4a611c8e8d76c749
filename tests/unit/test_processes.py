"""Process trees, one by one and all at once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from agentdeck.adapters import processes
from agentdeck.adapters.processes import Process
from tests.waiting import wait_for


@pytest.fixture
def family() -> Iterator[subprocess.Popen[bytes]]:
    """A shell with two children, one of which has a child."""
    with subprocess.Popen(["sh", "-c", "sleep 60 & sh -c 'sleep 60; :' & wait"], start_new_session=True) as shell:
        try:
            yield shell
        finally:
            os.killpg(shell.pid, 9)


def test_all_trees_at_once_are_those_one_by_one(family: subprocess.Popen[bytes]) -> None:
    root, me = processes.identify(family.pid), processes.identify(os.getpid())
    assert root and me
    wait_for(lambda: len(processes.tree(root)) == 4, what="four processes")
    found = processes.trees([root, me, Process(root.pid, root.start - 9), Process(2**22 + 1, 0.0)])
    assert set(found[root.pid]) == set(processes.tree(root)) and found[root.pid][0] == root
    assert set(found[me.pid]) >= {me, root}
    assert set(found) == {root.pid, me.pid}
    assert processes.trees([Process(root.pid, root.start - 9)]) == {}
