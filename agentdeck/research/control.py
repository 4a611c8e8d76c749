"""What a human asks of a loop: it goes into the ledger, and is heard at the next boundary, or at the next start."""

from __future__ import annotations

from collections.abc import Iterable

from agentdeck.models.experiment import Experiment
from agentdeck.research import hand, ledger
from agentdeck.research.places import Place


def pause(place: Place, why: str = "by hand") -> bool:
    """Let the experiment that goes on end, and begin no other. This and the others: whether a process hears it."""
    return _say(place, "paused", why=why)


def resume(place: Place) -> bool:
    """Go on; False when its process has to be started first."""
    return _say(place, "resumed")


def steer(place: Place, text: str) -> bool:
    """A note to the proposer, from the next experiment on; '' takes it back."""
    return _say(place, "steered", text=text)


def stop(place: Place, *, now: bool = False) -> bool:
    """End the loop at the boundary, or `now`, where what goes on is done anew after a resume.

    Of one that does not run, only what outlived it is ended, by `now`.
    """
    if place.running:
        return _say(place, "stop", when="now" if now else "boundary")
    if now:
        hand.trials(place).halt()
    return False


def take_back(place: Place, each: Experiment) -> bool:
    """Say that a keep is bad; `why_no_keep` must be ''. Where no process works on the loop it is done now: False."""
    running = place.running
    hand.take_back(place, each.id)
    return running


def _say(place: Place, event: str, **fields: object) -> bool:
    ledger.append(place.ledger, event, **fields)
    return place.running


def why_no_keep(each: Experiment) -> str:
    """Why it cannot be taken back, or ''."""
    if each.outcome == "baseline":
        return f"{each.id} is the code as it was"
    if each.bad:
        return f"{each.id} was taken back already"
    return "" if each.kept else f"{each.id} is no keep"


def gone_with(each: Experiment, experiments: Iterable[Experiment]) -> list[Experiment]:
    """The later keeps, which stand on this one and go with it."""
    return [e for e in experiments if e.kept and e.n > each.n]
