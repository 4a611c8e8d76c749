"""Whole loops with a trainer of milliseconds: real git, real supervisors."""

from __future__ import annotations

from pathlib import Path

from agentdeck.research import report
from tests import labs


def test_a_scripted_loop_keeps_what_is_better_and_moves_only_its_own_branch(tmp_path: Path) -> None:
    repo = labs.scripted(
        tmp_path / "lab",
        ("x nearer", "X = 8.0", "X = 4.0"),
        ("x too far", "X = 4.0", "X = 9.0"),
        ("a slip", "Y = 3", "Y = ("),
        ("y right", "Y = 3", "Y = 1"),
    )
    head = labs.git(repo, "rev-parse", "HEAD")
    place = labs.run(repo)
    found = labs.experiments(place)
    assert [e.outcome for e in found] == ["baseline", "keep", "discard", "crash", "keep"]
    assert [e.value for e in found] == [8.0, 4.0, 9.0, None, 2.0]
    assert found[1].provisional
    assert labs.git(repo, "rev-parse", "HEAD") == head
    assert labs.git(repo, "status", "--porcelain") == ""
    assert labs.git(repo, "rev-parse", "research/lab") == found[4].commit
    assert "X = 4.0\nY = 1" in labs.git(repo, "show", "research/lab:train.py")
    assert labs.git(repo, "rev-parse", "refs/agentdeck/exp/lab/e0003") == found[3].commit
    told = report.standing(place)
    assert (told["best"], told["kept"], told["crashed"], told["state"]) == (2.0, 2, 1, "ended")
    assert report.tsv(found).splitlines()[-1].endswith("\tkeep\ty right")


def test_chance_finds_something_too(tmp_path: Path) -> None:
    place = labs.run(labs.lab(tmp_path / "lab"))
    assert len(labs.experiments(place)) == 6
    assert report.standing(place)["why"] == "5 experiments"
