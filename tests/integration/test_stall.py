"""A dashboard and an engine that were stopped hold up no agent: the benchmark, scaled down."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.rig import rig
from benchmarks.stall import fill, stall

MOVES = 0.2
"""Share of the unwatched rate: far below what it takes (0.7, by the benchmark), far above that of a frozen agent."""


@pytest.mark.slow
def test_agents_work_on_while_dashboard_and_engine_are_stopped(git_repo: Path) -> None:
    with rig(git_repo) as deck:
        fill(deck, agents=3)
        found = stall(deck, seconds=3.0)
    assert set(found.ratios) == {"flood-0", "typical-1", "typical-2"}
    assert all(rate > 0 for rate in found.unwatched.values()), found
    assert min(found.ratios.values()) > MOVES, found
