"""Specs of every kind over built-in agents, nobody at the keys: the benchmark, scaled down."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fleet import ENDS, fleet
from tests import repos


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_every_kind_of_work_ends_where_it_should_without_a_key(git_repo: Path) -> None:
    with fleet(git_repo, 13, 4) as run:
        assert {job.kind for job in run.jobs} == set(ENDS)
        run.finish(120)
        assert run.faults() == [], f"{run.states()}\n{run.deck.story()}"
        [(head,)] = run.deck.sql("SELECT head_oid FROM attempts WHERE task = 4 ORDER BY n DESC LIMIT 1")
        repos.git(git_repo, "update-ref", "-d", "refs/heads/none")
        run.deck.write("UPDATE attempts SET head_oid = ? WHERE task = 4", repos.git(git_repo, "rev-parse", "main"))
        assert any("job 4" in fault for fault in run.faults()), f"the look is not blind: {head}"
