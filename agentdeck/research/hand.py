"""What a human does to a loop from outside: at once when no process works on it, else between two experiments."""

from __future__ import annotations

import time
import uuid

from agentdeck.errors import AgentDeckError
from agentdeck.research import contract as contracts
from agentdeck.research import ledger, state, trees, view
from agentdeck.research.bench import Bench, Halted, Unable
from agentdeck.research.ledger import Entry
from agentdeck.research.places import Place
from agentdeck.research.state import State
from agentdeck.research.trial import Trials

LOOK_SECONDS = 0.2


def trials(place: Place) -> Trials:
    """The experiments of a loop on which no process works; its lock is the caller's to hold."""
    reader, told = ledger.Reader(place.ledger), state.State()
    told.add(reader.new())
    made = bench(place, told)
    return Trials(place, made.subject, made.contract, made, told, reader, lambda: None)


def bench(place: Place, told: State) -> Bench:
    return Bench(place, trees.of(place, told.begun), contracts.read(place.contract)[0])


def take_back(place: Place, experiment: str) -> None:
    """A keep is bad: the champion becomes what it was before it."""
    ledger.append(place.ledger, "bad", id=experiment)
    if place.running:
        return
    with place.lock():
        known = trials(place)
        known.settle()
        while known.state.open is None and known.state.asked_bad:
            known.take_back(known.state.asked_bad[0])
            known.settle()


def rerun(place: Place, experiment: str) -> Entry:
    """Measure an experiment again, and the entry that says how it went."""
    ask = uuid.uuid4().hex[:8]
    asked = ledger.append(place.ledger, "rerun_asked", id=experiment, ask=ask)
    while place.running:
        found = (e for e in ledger.read(place.ledger) if e["event"] == "rerun" and e.get("ask") == ask)
        if told := next(found, None):
            return told
        time.sleep(LOOK_SECONDS)
    with place.lock():
        known = trials(place)
        done = next((entry for entry in known.state.reruns if entry.get("ask") == ask), None)
        try:
            return done or view.rerun(place, bench(place, known.state), known.state, asked, lambda: None)
        except Halted:
            raise AgentDeckError(f"the run of {experiment} was stopped", "Ask again.") from None
        except Unable as error:
            raise AgentDeckError(str(error), "See `network` in research.toml.") from error
