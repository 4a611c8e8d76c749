"""A human's hand on a loop, by the command line: while it is at work, and when no process works on it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner, Result

from agentdeck.cli import main
from agentdeck.research import ledger, loop, places, runner, start, state
from agentdeck.research.places import Place
from agentdeck.research.state import State
from tests import labs
from tests.waiting import wait_for

ENDLESS = labs.CONTRACT.replace("experiments = 5", "experiments = 0")
STEPS = (("x nearer", "X = 8.0", "X = 4.0"), ("y nearer", "Y = 3", "Y = 2"), ("y right", "Y = 2", "Y = 1"))


def asked(*words: str) -> Result:
    return CliRunner().invoke(main, ["research", *words])


def cli(*words: str) -> str:
    done = asked(*words)
    assert done.exit_code == 0, done.output
    return done.output


def refused(code: int, what: str, *words: str) -> None:
    done = asked(*words)
    assert (done.exit_code, what in done.output) == (code, True), done.output


def folded(place: Place) -> State:
    return state.fold(ledger.read(place.ledger))


@contextmanager
def at_work(place: Place) -> Iterator[threading.Thread]:
    """The loop in a thread of this process; it is stopped at the end, where the test has not done so."""
    one = loop.Loop(place)
    thread = threading.Thread(target=one.run)
    thread.start()
    wait_for(lambda: place.running and folded(place).experiments)
    try:
        yield thread
    finally:
        if thread.is_alive():
            ledger.append(place.ledger, "stop", when="now")
        thread.join(40)
        assert not thread.is_alive()


def standing(name: str = "lab") -> str:
    return str(json.loads(cli("status", name, "--json"))["state"])


def test_pause_resume_steer_and_stop_a_loop_that_is_at_work(tmp_path: Path) -> None:
    place = start.begin("lab", labs.lab(tmp_path / "lab", ENDLESS))
    with at_work(place) as thread:
        cli("pause", "lab", "I look at it")
        wait_for(lambda: standing() == "paused")
        assert folded(place).open is None
        assert "paused already: I look at it" in cli("pause", "lab")
        count = len(folded(place).experiments)
        cli("steer", "lab", "Try the root.")
        cli("resume", "lab")
        wait_for(lambda: len(folded(place).experiments) > count + 1)
        assert folded(place).steering == "Try the root."
        assert "at work already" in cli("resume", "lab")
        cli("stop", "lab")
        thread.join(20)
    told = folded(place)
    assert told.ended == "stopped by hand" and told.open is None
    refused(1, "lab is not running", "pause", "lab")
    assert "lab is not running" in cli("stop", "lab")
    assert "hears of it when it is" in cli("steer", "lab", "")
    refused(2, "no loop is called 'other'", "stop", "other")


SLOW = "import time\nX = 8.0\nY = 3\ntime.sleep({seconds})\nprint('loss:', X)\n"


def test_stop_now_ends_the_run_and_counts_nothing_against_it(tmp_path: Path) -> None:
    contract = labs.CONTRACT.replace("seconds = 5.0", "seconds = 500.0")
    repo = labs.scripted(tmp_path / "lab", STEPS[0], contract=contract, **{"train.py": SLOW.format(seconds=60)})
    place = start.begin("lab", repo)

    def runs() -> bool:
        goes_on = folded(place).running
        return goes_on is not None and (place.run(goes_on["place"]) / "run.log").exists()

    for n in range(4):  # as often as would make it a crash, were it the run's fault
        with at_work(place) as thread:
            wait_for(runs)
            cli("stop", "lab", "--now")
            thread.join(20)
        assert folded(place).ended == "stopped by hand", n
    told = folded(place)
    assert [each.runs for each in told.experiments.values()] == [()]
    assert told.deaths == 0


def test_stop_now_ends_a_proposer_too_and_it_is_asked_anew(tmp_path: Path) -> None:
    mark = tmp_path / "asked"
    wait = f"echo x >> {mark}; test $(wc -l < {mark}) -gt 1 || sleep 60"
    command = f"{wait}; sed -i s/8.0/4.0/ train.py; echo HYPOTHESIS: x"
    contract = labs.CONTRACT.replace('kind = "random"', f"kind = \"command\"\ncommand = '''{command}'''")
    place = start.begin("lab", labs.lab(tmp_path / "lab", contract.replace("experiments = 5", "experiments = 1")))
    with at_work(place) as thread:
        wait_for(mark.exists)
        cli("stop", "lab", "--now")
        thread.join(20)
    assert folded(place).experiments["e0001"].stage == "allocated"
    loop.Loop(place, patient=False).run()
    found = folded(place).experiments["e0001"]
    assert (found.outcome, found.hypothesis, mark.read_text()) == ("keep", "x", "x\nx\n")


def test_stop_now_ends_a_run_that_outlived_its_loop(tmp_path: Path) -> None:
    contract = labs.CONTRACT.replace("seconds = 5.0", "seconds = 500.0")
    repo = labs.scripted(tmp_path / "lab", STEPS[0], contract=contract, **{"train.py": SLOW.format(seconds=60)})
    place = start.begin("lab", repo)
    one = loop.Loop(place)
    one.trials.allocate()
    for stage in ("allocated", "proposed"):
        assert folded(place).experiments["e0000"].stage == stage
        one.trials.advance("e0000")
    each = folded(place).experiments["e0000"]
    one.trials.write("running", id=each.id, k=0, who="candidate", seed=42, place="e0000.0")
    one.trials.bench.begin("e0000.0", each.tree, 42)
    cli("stop", "lab", "--now")
    wait_for(lambda: not runner.at_work(place.run("e0000.0")))


def test_a_keep_is_taken_back_at_once_when_nothing_runs_and_between_two_experiments_otherwise(tmp_path: Path) -> None:
    repo = labs.scripted(tmp_path / "lab", *STEPS)
    place = labs.run(repo)
    cli("bad", "lab", "e0003")
    told = folded(place)
    assert labs.git(repo, "rev-parse", "research/lab") == told.champion == told.experiments["e0002"].commit
    refused(2, "e0003 was taken back already", "bad", "lab", "e0003")
    refused(2, "e0000 is the code as it was", "bad", "lab", "e0000")
    refused(2, "lab has no experiment e9", "bad", "lab", "e9")
    other = start.begin("other", labs.lab(tmp_path / "other", ENDLESS))
    with at_work(other):
        kept = wait_for(lambda: [e.id for e in folded(other).experiments.values() if e.n and e.kept], 40)[0]
        cli("bad", "other", kept)
        wait_for(lambda: folded(other).experiments[kept].bad and not folded(other).pending)
        assert folded(other).champion == folded(other).experiments["e0000"].commit


def test_rerun_finds_the_same_whether_the_loop_works_or_not(tmp_path: Path) -> None:
    place = labs.run(labs.scripted(tmp_path / "lab", *STEPS))
    told = json.loads(cli("rerun", "lab", "e0001", "--json"))
    each = folded(place).experiments["e0001"]
    assert (told["value"], told["was"], told["seed"], told["tree"]) == (4.0, 4.0, 42, each.tree)
    assert "train.py" in told["command"] and told["machine"] == told["machine_then"] != ""
    refused(2, "lab has no experiment e0009", "rerun", "lab", "e0009")
    other = start.begin("other", labs.lab(tmp_path / "other", ENDLESS))
    with at_work(other):
        wait_for(lambda: "e0002" in folded(other).experiments)
        cli("pause", "other")
        wait_for(lambda: standing("other") == "paused")
        assert cli("rerun", "other", "e0000") == "e0000 seed 42: 8, was 8\n"
        cli("resume", "other")
        assert cli("rerun", "other", "e0000") == "e0000 seed 42: 8, was 8\n"
    assert len(folded(other).reruns) == 2 and not folded(other).asked_reruns
    assert not [each for each in folded(other).experiments.values() if each.id.endswith("rerun")]


def test_fork_says_what_it_cannot_begin(tmp_path: Path) -> None:
    contract = labs.CONTRACT.replace('kind = "random"', 'kind = "command"\ncommand = "true"\npatience = 9')
    place = labs.run(labs.lab(tmp_path / "lab", contract.replace("experiments = 5", "experiments = 1")))
    assert folded(place).experiments["e0001"].outcome == "empty"
    refused(2, "e0001 was never stored", "fork", "lab", "e0001", "--as", "new", "--foreground")
    refused(2, "e0001 was never run", "rerun", "lab", "e0001")
    refused(2, "there is a loop 'lab' already", "fork", "lab", "e0000", "--as", "lab", "--foreground")
    cli("fork", "lab", "e0000", "--as", "new", "--foreground")
    assert [each.outcome for each in labs.experiments(places.find("new"))] == ["baseline", "empty"]


def test_a_contract_that_is_edited_asks_again_and_is_in_force_when_it_is_approved(tmp_path: Path) -> None:
    repo = labs.lab(tmp_path / "lab", ENDLESS)
    place, file = start.begin("lab", repo), repo / "research.toml"
    text = file.read_text()
    with at_work(place) as thread:
        file.write_text(text.replace("experiments = 0", "experiments = 0\nplateau = 1000"))
        wait_for(lambda: standing() == "blocked")
        assert "research approve lab" in folded(place).blocked
        cli("resume", "lab")  # without it
        count = len(folded(place).experiments)
        wait_for(lambda: len(folded(place).experiments) > count + 1)
        assert not folded(place).blocked and folded(place).contract == folded(place).begun["contract"]
        file.write_text(text.replace("experiments = 0", f"experiments = {count + 4}"))
        wait_for(lambda: standing() == "blocked")
        assert "run       " in cli("approve", "lab")
        thread.join(40)
    told = folded(place)
    assert told.ended == f"{count + 4} experiments" and told.contract != told.begun["contract"]
    refused(2, "is what was approved already", "approve", "lab")
    file.write_text(text.replace('train.py"\neditable', 'train.py --fast"\neditable'))
    refused(2, "run changed: results before and after could not be compared", "approve", "lab")
    file.write_text("run = 1")
    refused(2, "research.toml", "approve", "lab")
    assert place.contract.read_text() == text.replace("experiments = 0", f"experiments = {count + 4}")
