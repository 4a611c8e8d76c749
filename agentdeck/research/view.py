"""One experiment looked at closely: what it changed, what it printed, and whether it does so again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from agentdeck.adapters import git
from agentdeck.models.experiment import Experiment
from agentdeck.research import asking, follow, ledger, machine, runner
from agentdeck.research.bench import Bench
from agentdeck.research.ledger import Entry
from agentdeck.research.places import Place
from agentdeck.research.state import State

NOTHING = "nothing was stored\n"


def diff(place: Place, each: Experiment) -> str:
    """What an experiment changed, as git shows it."""
    if not each.commit or each.commit == each.parent:
        return NOTHING
    words = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", each.parent, each.commit, "--")
    return os.fsdecode(git.run(Path(ledger.begun(place.ledger)["repo"]), *words)[1])


def log(place: Place, each: Experiment) -> str:
    """What its runs printed, one after the other."""
    found = []
    for run in each.runs:
        for stage, part in (("run", run.place), ("score", f"{run.place}/score")):
            text = runner.printed(place.run(part), stage)
            if text:
                found.append(f"== {run.place} {run.who} seed {run.seed} {stage}\n{text.rstrip()}\n")
    said = "\n".join(follow.said(place, each))
    return "".join([f"== proposer\n{said.rstrip()}\n" if said else "", *found]) or "nothing was printed\n"


def prompt(place: Place, each: Experiment) -> str:
    """What its proposer was told."""
    file = asking.home_of(place, each.id) / "prompt.md"
    if not file.is_file():
        return "no prompt: it was not proposed by a program\n"
    return file.read_text(encoding="utf-8", errors="replace")


def rerun(place: Place, bench: Bench, told: State, asked: Entry, meanwhile: Callable[[], None]) -> Entry:
    """The first run of an experiment once more: its tree, command and seed; the ledger gets it beside the first.

    Raises Halted, Unable. {id, ask, seed, tree, command, was, value, reason, machine, machine_then}
    """
    each = told.experiments[asked["id"]]
    first, name = each.runs[0], f"{each.id}.rerun"
    bench.begin(name, each.tree, first.seed)
    found = bench.finish(name, each.tree, "candidate", first.seed, meanwhile)
    bench.tidy(name)
    value, reason = (found.value, found.reason) if found else (None, "its supervisor was killed")
    return ledger.append(
        place.ledger, "rerun", id=each.id, ask=asked["ask"], seed=first.seed, tree=each.tree,
        command=bench.contract.run, was=first.value, value=value, reason=reason, machine=machine.fingerprint(),
        machine_then=told.machines.get(each.id, ""),
    )  # fmt: skip
