"""`kill -9` of a loop before and after everything it writes; then it is resumed, and ends as if nothing had been.

A fork of this process is the loop: the function that writes is wrapped so that the process kills itself there.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentdeck.research import bench, ledger, loop, runner, start, state, trees
from agentdeck.research.places import Place
from tests import labs

WRITES = (
    "allocated",
    "proposed",
    "checked",
    "running",
    "measured",
    "decided",
    "applied",
    "opened",
    "reverted",
    "moved",
)
CALLS: dict[str, tuple[Any, str]] = {
    "a trial's ref": (trees, "keep"), "the champion's move": (trees, "move"), "a run's begin": (runner, "begin"),
    "the objects": (trees.Subject, "store"), "the tidying": (bench.Bench, "tidy"),
}  # fmt: skip
HUMAN = ("reverted", "moved")


def points() -> list[tuple[str, str]]:
    sides = [(name, side) for name in (*WRITES, *CALLS) for side in ("before", "after")]
    return [("decided", "torn"), ("measured", "torn"), *sides]


def script(count: int) -> str:
    """Each step is better than all before it, and so applies to any champion; each fifth is worse."""
    values = (900 if n % 5 == 4 else 500 - n for n in range(count))
    edits = (json.dumps(f"X = {value}") for value in values)
    return "\n".join(
        f'[[step]]\nhypothesis = "step {n}"\nedit = [{{ file = "train.py", regex = "^X = .*$", new = {edit} }}]'
        for n, edit in enumerate(edits, 1)
    )


def dies(real: Callable[..., Any], when: Callable[..., bool], side: str) -> Callable[..., Any]:
    """`real`, at whose first call that is meant this process dies: before it, after it, or in the midst of a line."""

    def wrapped(*args: Any, **given: Any) -> Any:
        if not when(*args):
            return real(*args, **given)
        if side == "torn":
            with open(args[0], "ab") as file:
                file.write(b'{"at": 1, "event": "deci')
        if side == "after":
            real(*args, **given)
        return os.kill(os.getpid(), signal.SIGKILL)

    return wrapped


def killed(place: Place, name: str, side: str) -> None:
    """A loop in a fork, which must die there."""
    owner, function = CALLS.get(name, (ledger, "append"))

    def run() -> None:
        when = (lambda *_: True) if name in CALLS else lambda _, event: event == name
        setattr(owner, function, dies(getattr(owner, function), when, side))
        loop.Loop(place, patient=False).run()

    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    child.join(30)
    if child.exitcode is None:
        child.kill()
        child.join()
        raise AssertionError((name, side, place.now(), *ledger.read(place.ledger)[-4:]))
    assert child.exitcode == -signal.SIGKILL, (name, side, *ledger.read(place.ledger)[-4:])


def last_keep(place: Place) -> str:
    return next(each.id for each in reversed(labs.experiments(place)) if each.kept and each.stage == "applied")


def whole(place: Place, repo: Path, at: object) -> None:
    """The promises, at any moment: the champion was measured, and no keep that is in the ledger is lost."""
    told = state.fold(ledger.read(place.ledger))
    tip = labs.git(repo, "rev-parse", "research/lab")
    measured = {each.commit: each for each in told.experiments.values() if each.value is not None}
    assert tip == told.begun["base"] or tip in measured, at
    kept = [each.commit for each in told.experiments.values() if each.kept]
    line = labs.git(repo, "rev-list", kept[-1] if kept else tip).split()
    assert {*kept} <= {*line}, at
    assert not kept or tip in line or told.pending, at


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_loop_killed_on_either_side_of_a_write_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    count = 24
    text = labs.CONTRACT.replace('kind = "random"', 'kind = "scripted"\nscript = "script.toml"')
    text = text.replace("experiments = 5", "experiments = 0")
    repo = labs.lab(
        tmp_path / "lab", text, **{"script.toml": script(count), "train.py": "X = 800\nprint('loss:', X)\n"}
    )
    place = start.begin("lab", repo)
    bad = []
    for name, side in points():
        if name in HUMAN:
            bad.append(last_keep(place))
            ledger.append(place.ledger, "bad", id=bad[-1])
        killed(place, name, side)
        whole(place, repo, (name, side))
    loop.Loop(place, patient=False).run()
    whole(place, repo, "the end")
    found = labs.experiments(place)
    assert [each.outcome for each in found] == [
        "baseline",
        *("discard" if n % 5 == 4 else "keep" for n in range(count)),
    ]
    assert {*bad} <= {each.id for each in found if each.bad}
    assert labs.git(repo, "rev-parse", "research/lab") == next(each.commit for each in found[::-1] if each.kept)
    assert not list(place.root.glob("runs/*/tree")) + list(place.root.glob("candidate"))
    decided = [entry["id"] for entry in ledger.read(place.ledger) if entry["event"] == "decided"]
    assert len(decided) == len({*decided}) == count + 1
    labs.git(repo, "fsck", "--no-dangling", "--no-progress")
