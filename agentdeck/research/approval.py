"""A contract that is edited while its loop runs: not in force before a human has approved that very text."""

from __future__ import annotations

from pathlib import Path

from agentdeck.errors import UsageError
from agentdeck.research import contract as contracts
from agentdeck.research import ledger, places, proposers
from agentdeck.research.contract import Contract
from agentdeck.research.places import Place
from agentdeck.research.state import State

MEASURING = (
    "run", "score", "audit", "metric", "budget", "artifacts", "hidden", "hidden_audit", "seeds", "env", "device",
    "network", "writable",
)  # fmt: skip
"""What a result depends on: results before and after a change of these could not be compared."""


def edited(state: State) -> str:
    """The digest of a research.toml that is not the approved one, nor one that a human has declined; else ''."""
    try:
        text = (Path(state.begun["directory"]) / contracts.FILE).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""  # another branch is checked out there, say: that is no edit
    found = contracts.digest(text)
    return "" if found in (state.contract, state.declined) else found


def approve(place: Place, state: State) -> Contract:
    """Put the research.toml that is now in the loop's directory in force, from its next experiment on."""
    directory = Path(state.begun["directory"])
    file = directory / contracts.FILE
    new, digest = contracts.read(file)
    if digest == state.contract:
        raise UsageError(f"{file} is what was approved already", "Edit it first.")
    old = contracts.read(place.contract)[0]
    differ = [key for key in MEASURING if getattr(old, key) != getattr(new, key)]
    differ += ["noise.policy"] if old.noise.policy != new.noise.policy else []
    if differ:
        raise UsageError(
            f"{', '.join(differ)} changed: results before and after could not be compared",
            f"Begin another loop with it: agentdeck research fork {place.name} EXPERIMENT --as NAME",
        )
    proposers.check(new, directory)
    text = file.read_text(encoding="utf-8")
    if contracts.digest(text) != digest:
        raise UsageError(f"{file} is being edited", "Approve it when it is as you want it.")
    if new.proposer.script:
        places.put(place.root / "script.toml", (directory / new.proposer.script).read_text(encoding="utf-8"))
    places.put(place.contract, text)
    ledger.append(place.ledger, "approved", contract=digest)
    return new
