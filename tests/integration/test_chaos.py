"""Random kill -9 of dashboard, engine, tmux server and git loses nothing: the benchmark, scaled down."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.chaos import VICTIMS, Chaos, chaos
from benchmarks.chaos_world import see
from tests import repos
from tests.deck import Deck

KILLS = 3


def killed(run: Chaos) -> int:
    return sum(n for (victim, _), n in run.killed.items() if victim in VICTIMS)


def somebody(run: Chaos) -> bool:
    """Whether an agent with files of its own is listed now: without one there would be nothing to lose."""
    listed = see(run.deck).listed
    return any(kept.files and kept.id in listed for kept in run.world.kept.values())


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_after_every_kill_all_is_found_and_what_is_said_is_true(git_repo: Path) -> None:
    with chaos(Deck(git_repo), seed=11) as run:
        lines = []
        while killed(run) < KILLS or not somebody(run):
            lines.append(run.round())
        assert run.faults == [], "\n".join(lines)
        _the_look_is_not_blind(run)


def _the_look_is_not_blind(run: Chaos) -> None:
    """What this test would say if a file, a commit, a row or a tree were lost."""
    sight = see(run.deck)
    one = next(kept for kept in run.world.kept.values() if kept.files and kept.id in sight.listed)
    tree = Path(sight.tree(one.id))
    name, content = next(iter(one.files.items()))
    (tree / name).unlink()
    one.commits["0" * 40] = ("x", b"")
    repos.git(run.deck.repo, "worktree", "add", "-q", "--detach", str(tree.with_name("nobodys")))
    faults = "\n".join(run.world.faults(sight))
    for said in (f"{name} is lost", "no ref holds commit 0000000000", "nobody accounts for"):
        assert said in faults
    (tree / name).write_bytes(content)
    repos.git(run.deck.repo, "worktree", "remove", str(tree.with_name("nobodys")))
