"""A human in the loop, and what a kill leaves: pause, steer, take back, fork, do again, go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from agentdeck.cli import main
from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.research import hand, ledger, loop, places, report, start, state, view
from agentdeck.research.places import Place
from tests import labs
from tests.waiting import wait_for

STEPS = (("x nearer", "X = 8.0", "X = 4.0"), ("y nearer", "Y = 3", "Y = 2"), ("y right", "Y = 2", "Y = 1"))


def cli(*words: str) -> str:
    done = CliRunner().invoke(main, ["research", *words])
    assert done.exit_code == 0, done.output
    return done.output


def resumed(place: Place) -> list[str]:
    """Go on to the end; the outcomes."""
    loop.Loop(place, patient=False).run()
    return [each.outcome for each in labs.experiments(place)]


def test_a_keep_that_a_human_takes_back_goes_with_all_that_stand_on_it(tmp_path: Path) -> None:
    repo = labs.scripted(tmp_path / "lab", *STEPS)
    place = labs.run(repo)
    tip = labs.git(repo, "rev-parse", "research/lab")
    cli("bad", "lab", "e0002")
    loop.Loop(place, patient=False).run()
    told = state.fold(ledger.read(place.ledger))
    assert [each.bad for each in told.experiments.values()] == [False, False, True, True]
    assert labs.git(repo, "rev-parse", "research/lab") == told.champion == told.experiments["e0001"].commit
    assert labs.git(repo, "cat-file", "-t", tip) == "commit"
    assert CliRunner().invoke(main, ["research", "bad", "lab", "e0000"]).exit_code == 2


def test_fork_begins_from_any_experiment_and_rerun_finds_the_same(tmp_path: Path) -> None:
    repo = labs.scripted(tmp_path / "lab", *STEPS)
    place = labs.run(repo)
    first = labs.experiments(place)[1]
    other = start.begin("again", repo, base=first.commit)
    loop.Loop(other, patient=False).run()
    assert [e.outcome for e in labs.experiments(other)] == ["baseline", "failed", "keep", "keep"]
    assert labs.experiments(other)[0].value == first.value
    assert hand.rerun(place, first.id)["value"] == first.value
    assert "-X = 8.0" in view.diff(place, first)
    assert "loss: 4.0" in view.log(place, first)


def test_a_note_reaches_the_proposer_and_an_empty_ledger_line_hurts_nobody(tmp_path: Path) -> None:
    contract = labs.CONTRACT.replace(
        'kind = "random"', "kind = \"command\"\ncommand = '''cat >> src/heard.txt; echo HYPOTHESIS: I heard'''"
    ).replace("experiments = 5", "experiments = 1")
    repo = labs.lab(tmp_path / "lab", contract, **{"src__heard.txt": "\n"})
    place = start.begin("lab", repo)
    cli("steer", "lab", "Try the square root.")
    with open(place.ledger, "ab") as file:
        file.write(b'{"event": "decided", "id": "e00')  # a killed writer
    loop.Loop(place, patient=False).run()
    each = labs.experiments(place)[1]
    told = view.diff(place, each)
    assert each.hypothesis == "I heard"
    assert "Try the square root." in told and "Make it small." in told and "src/**" in told


def test_a_loop_that_is_blocked_says_why_and_counts_no_experiment(tmp_path: Path) -> None:
    contract = labs.CONTRACT.replace("[metric]", 'preflight = "echo no data here; test -e data"\n[metric]')
    repo = labs.lab(tmp_path / "lab", contract)
    with pytest.raises(AgentDeckError, match="no data here"):
        labs.run(repo)
    assert labs.experiments(places.find("lab")) == []
    assert report.standing(places.find("lab"))["state"] == "stopped"


def test_a_baseline_that_crashes_blocks(tmp_path: Path) -> None:
    with pytest.raises(AgentDeckError, match="the baseline crashed: run ended with exit code 1"):
        labs.run(labs.lab(tmp_path / "lab", **{"train.py": "X = 1\nraise ValueError\n"}))


def test_what_is_not_committed_or_not_right_is_said_before_anything_is_made(tmp_path: Path) -> None:
    repo = labs.lab(tmp_path / "lab")
    (repo / "train.py").write_text("X = 2\n")
    with pytest.raises(AgentDeckError, match="not committed: train.py"):
        start.begin("lab", repo)
    labs.git(repo, "checkout", "-q", "train.py")
    with pytest.raises(UsageError, match="cannot name"):
        start.begin("No Good", repo)
    (repo / "research.toml").write_text(
        "run = 'x'\neditable = ['train.py']\n[metric]\nregex = '('\n[budget]\nseconds = 1\n"
    )
    with pytest.raises(UsageError, match=r"line 3: metric: regex"):
        start.begin("lab", repo)
    assert not places.every()


def test_a_branch_that_somebody_moved_stops_the_loop(tmp_path: Path) -> None:
    repo = labs.scripted(tmp_path / "lab", *STEPS)
    place = start.begin("lab", repo)
    (repo / "other.txt").write_text("x\n")
    labs.git(repo, "add", "-A")
    labs.git(repo, "commit", "-qm", "other")
    labs.git(repo, "branch", "-f", "research/lab", "HEAD")
    with pytest.raises(AgentDeckError, match="research/lab is at .* not at the champion"):
        loop.Loop(place, patient=False).run()
    assert labs.experiments(place)[1].outcome == "keep"
    labs.git(repo, "branch", "-f", "research/lab", "HEAD~1")
    ledger.append(place.ledger, "resumed")
    assert resumed(place) == ["baseline", "keep", "keep", "keep"]


SLOW = "import os, time\nX = 8.0\nY = 3\ntime.sleep(1.5)\nprint('loss:', X)\n"


def test_a_run_survives_its_loop_and_is_adopted(tmp_path: Path) -> None:
    repo = labs.scripted(tmp_path / "lab", STEPS[0], **{"train.py": SLOW})
    place = start.begin("lab", repo)
    argv = [sys.executable, "-P", "-m", "agentdeck", "research", "run", str(place.root)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    wait_for((place.run("e0000.0") / "run.log").exists, 20)
    process.kill()
    process.wait()
    assert resumed(place) == ["baseline", "keep"]
    runs = [entry for entry in ledger.read(place.ledger) if entry["event"] in ("running", "died")]
    assert [(entry["event"], entry["id"]) for entry in runs] == [("running", "e0000"), ("running", "e0001")]


def test_a_run_whose_supervisor_is_killed_is_done_anew_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    repo = labs.scripted(tmp_path / "lab", STEPS[0], **{"train.py": SLOW})
    place = start.begin("lab", repo)
    argv = [sys.executable, "-P", "-m", "agentdeck", "research", "run", str(place.root)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    wait_for((place.run("e0000.0") / "run.log").exists, 20)
    os.kill(int((place.run("e0000.0") / "lock").read_text()), signal.SIGKILL)
    assert process.wait(60) == 0
    assert [entry["event"] for entry in ledger.read(place.ledger)].count("died") == 1
    assert [each.outcome for each in labs.experiments(place)] == ["baseline", "keep"]


def test_one_loop_one_process(tmp_path: Path) -> None:
    place = start.begin("lab", labs.lab(tmp_path / "lab"))
    with place.lock(), pytest.raises(AgentDeckError, match="runs already"):
        loop.Loop(place).run()


def test_a_baseline_that_crashes_asks_once_and_is_measured_again_when_that_is_mended(tmp_path: Path) -> None:
    train = 'import os\nX = 8.0\nopen(os.environ["DATA"])\nprint("loss:", X)\n'
    contract = labs.CONTRACT.replace("[metric]", 'env = ["DATA"]\n[metric]').replace(
        "experiments = 5", "experiments = 1"
    )
    repo = labs.lab(tmp_path / "lab", contract, **{"train.py": train})
    place = start.begin("lab", repo)
    environ = {**os.environ, "DATA": str(tmp_path / "data")}
    argv = [sys.executable, "-P", "-m", "agentdeck", "research", "run", "lab"]
    process = subprocess.Popen(argv, env=environ, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: report.standing(place)["state"] == "blocked", 20)
        assert "the baseline crashed" in report.standing(place)["why"]
        (tmp_path / "data").touch()
        cli("resume", "lab")
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    found = labs.experiments(place)
    assert [each.outcome for each in found][:1] == ["baseline"] and [run.value for run in found[0].runs] == [None, 8.0]
    events = [entry["event"] for entry in ledger.read(place.ledger)]
    assert events.count("blocked") == 1
