"""What a client really did, moment by moment, against the statuses that the deck gave it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

# Seconds that a status may lag behind the truth, and never be wrong after.
LATE = {"needs_input": 1.0, "working": 1.0, "retrying": 1.0, "idle": 2.0, "failed": 2.0, "exited": 2.0, "hung": 5.0}
BUSY = ("working", "retrying", "needs_input")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """From `at` (seconds since 1970) on, `state` is true ('': nobody can say), because of `event`."""

    at: float
    state: str
    event: str


@dataclass(slots=True)
class Figures:
    """Seconds for which the truth was known, and of these wrong and unknown; false statuses; seconds late by event."""

    known: float = 0.0
    wrong: float = 0.0
    unknown: float = 0.0
    false_idle: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)  # said to work while it was blocked
    lies: list[str] = field(default_factory=list)
    late: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def share(self) -> float:
        """Wrong and unknown, of all the time for which the truth was known."""
        return (self.wrong + self.unknown) / self.known if self.known else 0.0


def compare(marks: Iterable[Mark], statuses: Sequence[tuple[float, str]], end: float) -> Figures:
    """`statuses` are (since when, state), oldest first; `end` is when the looking ended."""
    figures = Figures()
    for mark, until in _spans(sorted(marks), end):
        if not mark.state:
            continue
        figures.known += until - mark.at
        before = [state for at, state in statuses if at <= mark.at][-1:]
        inside = [(at, state) for at, state in statuses if mark.at < at < until]
        _late(figures, mark, before, inside)
        shown = [(mark.at, state) for state in before] + inside
        ends = [at for at, _ in shown[1:]] + [until]
        for (at, state), its_end in zip(shown, ends, strict=True):
            seconds = its_end - max(at, mark.at + LATE[mark.state])
            if state != mark.state and seconds > 0:
                _wrong(figures, mark, state, seconds)
        if mark.state in BUSY:
            figures.false_idle += [
                f"{mark.event}: idle after {at - mark.at:.2f} s" for at, state in inside if state == "idle"
            ]
    return figures


def _spans(marks: Sequence[Mark], end: float) -> Iterator[tuple[Mark, float]]:
    """Each mark with when its truth ends: at the next one that says another thing."""
    merged: list[Mark] = []
    for mark in marks:
        if not merged or merged[-1].state != mark.state:
            merged.append(mark)
    for mark, after in zip(merged, [*merged[1:], Mark(end, "", "end")], strict=True):
        yield mark, max(mark.at, after.at)


def _late(figures: Figures, mark: Mark, before: list[str], inside: Sequence[tuple[float, str]]) -> None:
    at = next((at for at, state in inside if state == mark.state), None)
    if before != [mark.state] and at is not None:
        figures.late[mark.event].append(at - mark.at)


def _wrong(figures: Figures, mark: Mark, state: str, seconds: float) -> None:
    told = f"{mark.event}: {mark.state}, but {state} for {seconds:.2f} s"
    if state == "unknown":
        figures.unknown += seconds
    else:
        figures.wrong += seconds
        figures.lies.append(told)
    if mark.state == "needs_input" and state == "working":
        figures.blind.append(told)
