"""One experiment looked at closely: what it changed, what it printed, and whether it does so again."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path
from typing import Any

from agentdeck.adapters import git
from agentdeck.models.experiment import Experiment
from agentdeck.research import asking, follow, ledger, runner, state, trees
from agentdeck.research import contract as contracts
from agentdeck.research.bench import Bench
from agentdeck.research.places import Place

NOTHING = "nothing was stored\n"


def diff(place: Place, each: Experiment) -> str:
    """What an experiment changed, as git shows it."""
    if not each.commit or each.commit == each.parent:
        return NOTHING
    begun = state.fold(ledger.read(place.ledger)).begun
    words = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", each.parent, each.commit, "--")
    return os.fsdecode(git.run(Path(begun["repo"]), *words)[1])


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


def rerun(place: Place, each: Experiment) -> dict[str, Any]:
    """Its first run once more, beside the loop: {id, seed, was, value, reason, machine}; the ledger gets it."""
    begun = state.fold(ledger.read(place.ledger)).begun
    bench = Bench(place, trees.of(place, begun), contracts.read(place.contract)[0])
    first = each.runs[0]
    name = f"{each.id}.rerun-{os.getpid()}"
    bench.begin(name, each.tree, first.seed)
    found = bench.finish(name, each.tree, "candidate", first.seed, lambda: None)
    bench.tidy(name)
    value, reason = (found.value, found.reason) if found else (None, "it was stopped")
    told = {"id": each.id, "seed": first.seed, "was": first.value, "value": value, "reason": reason}
    ledger.append(place.ledger, "rerun", **told, tree=each.tree, machine=machine())
    return {**told, "machine": machine()}


def machine() -> str:
    """A short fingerprint of where this runs; results of two machines are not compared."""
    told = "|".join((platform.machine(), platform.release(), platform.python_version(), str(os.cpu_count())))
    return hashlib.sha256(told.encode()).hexdigest()[:12]
