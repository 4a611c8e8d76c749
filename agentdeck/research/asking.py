"""Asks a proposer for one experiment: its prompt, its process, its session, and what it cost."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentdeck.models.experiment import Experiment
from agentdeck.research import bundle, noise, places, proposers, runner, spent
from agentdeck.research.bench import Halted
from agentdeck.research.contract import Contract
from agentdeck.research.places import Place
from agentdeck.research.proposers import Heard, Proposal, Unusable
from agentdeck.research.runner import Bounds, Stage
from agentdeck.research.spent import Session, Spent
from agentdeck.research.state import State

BOUNDS = Bounds(memory=0, disk=1 << 33, log=1 << 26, processes=512)
PROGRAM = "proposer"
"""The stage, and with it the log, of a proposer's process."""
CRASHES, TAIL, CURVE = 3, 4096, 12  # crashes told of, bytes of each, lines of the champion's run


@dataclass(frozen=True, slots=True)
class Asking:
    """`meanwhile` is called often while the proposer works, and may raise: its process goes on and is found again."""

    place: Place
    contract: Contract
    meanwhile: Callable[[], None]

    def ask(self, each: Experiment, state: State) -> Proposal:
        """One proposal, made in the candidate's directory. Raises Unusable, Halted."""
        proposer, candidate = self.contract.proposer, self.place.candidate
        if proposer.kind == "scripted":
            script = self.place.root / "script.toml"
            return proposers.scripted(script.read_text(encoding="utf-8"), each.n - 1, candidate)
        if proposer.kind == "random":
            return proposers.chance(self.contract, candidate, f"{self.contract.seed(0)}:{each.n}")
        home = home_of(self.place, each.id)
        mark = f"{self.place.root}/{each.id}.proposer"
        if not home.is_dir():
            home.mkdir(parents=True, mode=0o700)
            file = home / "prompt.md"
            file.write_text(prompt(self.place, self.contract, state), encoding="utf-8")
            runner.begin(home, [self._stage(home, file)], BOUNDS, mark)
        ended = runner.wait(home, self.meanwhile)
        runner.sweep(mark)
        if runner.stopped(home) if ended is None else ended[0].trouble == "stopped":
            raise Halted
        printed = runner.printed(home, PROGRAM, BOUNDS.log)
        heard = proposers.heard(proposer, printed)
        cost = self._spent(home, heard)
        if ended is None:
            raise Unusable("the proposer was killed", cost.dollars, cost.tokens)
        if ended[0].reason:
            why = f"{ended[0].reason}: {_last_line(heard.hypothesis or printed)}"
            raise Unusable(why, cost.dollars, cost.tokens)
        return Proposal(heard.hypothesis, cost.dollars, cost.tokens)

    def _stage(self, home: Path, file: Path) -> Stage:
        """With the human's own environment and home: that is where a client's login is."""
        proposer, session = self.contract.proposer, str(uuid.uuid4())
        command = proposers.command(proposer, session, str(home / "transcript.jsonl"))
        if session in command:
            (home / "session").write_text(session, encoding="utf-8")
            self._note(home, session)
        return Stage(
            PROGRAM, command, str(self.place.candidate), spent.environment(), proposer.seconds, stdin=str(file)
        )  # fmt: skip

    def _spent(self, home: Path, heard: Heard) -> Spent:
        session = heard.session or _text(home / "session").strip()
        if self.contract.proposer.kind != "harness" or not session:
            return Spent(0, heard.dollars or 0.0)
        from agentdeck.harnesses import loader

        told = self._note(home, session)
        return spent.count(loader.get(self.contract.proposer.harness), told, heard.dollars)

    def _note(self, home: Path, session: str) -> Session:
        from agentdeck.harnesses import loader

        harness = loader.get(self.contract.proposer.harness)
        own = "{transcript}" in harness.transcript.path
        told = spent.session(harness, session, str(home / "transcript.jsonl") if own else "", os.environ)
        spent.note(self.place, told)
        return told


def home_of(place: Place, experiment: str) -> Path:
    """Where the prompt of an experiment is, and what its proposer printed."""
    return place.run(f"{experiment}.proposer")


def forget(place: Place, experiment: str) -> None:
    """Away with a proposer that was ended before it was done, and what it has left running: it is asked anew."""
    home = home_of(place, experiment)
    if home.is_dir() and not runner.at_work(home):
        ended = runner.result(home)
        if ended is None or ended[0].trouble == "stopped":
            runner.sweep(f"{place.root}/{experiment}.proposer")
            places.clear(home)


def prompt(place: Place, contract: Contract, state: State) -> str:
    """What the proposer of the next experiment is told."""
    holder = state.holder()
    assert holder is not None  # nothing is proposed before the baseline
    experiments = list(state.experiments.values())
    crashed = [each for each in reversed(experiments) if each.outcome == "crash" and each.runs][:CRASHES]
    tails = {each.id: runner.printed(place.run(each.runs[-1].place), "run", TAIL) for each in crashed}
    spread = noise.sigma(experiments)
    return bundle.text(
        contract, experiments, holder, goal=_text(place.candidate / contract.goal), steering=state.steering,
        sigma=spread.value if spread else None, tails=tails, curve=_curve(place, holder),
    )  # fmt: skip


def _curve(place: Place, holder: Experiment) -> str:
    """Some lines of what the champion's run printed, the first and the last among them."""
    ours = [run for run in holder.runs if run.who == "candidate" and run.value is not None]
    lines = runner.printed(place.run(ours[-1].place), "run", 1 << 16).strip().splitlines() if ours else []
    if len(lines) <= CURVE:
        return "\n".join(lines)
    return "\n".join(lines[round(n * (len(lines) - 1) / (CURVE - 1))] for n in range(CURVE))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"
