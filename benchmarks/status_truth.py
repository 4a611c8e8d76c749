"""What a client really did, moment by moment, against the statuses that the deck gave it: pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

# Seconds that a status may lag behind the evidence, and never be wrong after.
LATE = {"needs_input": 1.0, "working": 1.0, "retrying": 1.0, "hung": 5.0}
LATE_ELSE = 2.0
EARLY = 1.0
BUSY = ("working", "retrying", "needs_input")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """From `at` on `state` is true ('': nobody can say), because of `event`; times in seconds since 1970.

    `seen` is when the client first let anybody know, by a hook or on its screen: before it nobody could tell.
    """

    at: float
    state: str
    event: str
    seen: float


@dataclass(slots=True)
class Figures:
    """Seconds for which the truth was known, and of these wrong and unknown; lies; seconds late by kind of transition.

    `lag` are the seconds of `wrong` states that the time limits allow: those until the status has followed.
    """

    known: float = 0.0
    wrong: float = 0.0
    unknown: float = 0.0
    lag: float = 0.0
    false_idle: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)  # said to work while it was blocked
    lies: list[str] = field(default_factory=list)
    late: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def share(self) -> float:
        """Wrong and unknown, of all the time for which the truth was known."""
        return (self.wrong + self.unknown) / self.known if self.known else 0.0

    def add(self, other: Figures) -> None:
        self.known += other.known
        self.wrong += other.wrong
        self.unknown += other.unknown
        self.lag += other.lag
        self.false_idle += other.false_idle
        self.blind += other.blind
        self.lies += other.lies
        for event, seconds in other.late.items():
            self.late[event] += seconds


def compare(marks: Sequence[Mark], statuses: Sequence[tuple[float, str]], end: float, patience: float = 1.0) -> Figures:
    """`statuses` are (since when, state), oldest first; `end` is when the looking ended.

    `patience` stretches the time limits, for a test on a machine that has other things to do.
    """
    figures = Figures()
    before = Mark(0.0, "", "", 0.0)
    for mark, until in spans(marks, end):
        if mark.state:
            _span(figures, mark, before, list(statuses), until, patience)
        before = mark
    return figures


def spans(marks: Sequence[Mark], end: float) -> Iterator[tuple[Mark, float]]:
    """Each mark with when its truth ends: at the next one that says another thing."""
    merged: list[Mark] = []
    for mark in sorted(marks):
        if not merged or merged[-1].state != mark.state:
            merged.append(mark)
    for mark, after in zip(merged, [*merged[1:], Mark(end, "", "end", end)], strict=True):
        yield mark, max(mark.at, after.at)


def _span(
    figures: Figures, mark: Mark, before: Mark, statuses: list[tuple[float, str]], until: float, patience: float
) -> None:
    figures.known += until - mark.at
    told = [(at, state) for at, state in statuses if at <= mark.at][-1:]
    shown = [state for _, state in told]
    inside = [(at, state) for at, state in statuses if mark.at < at < until]
    reached = next((at for at, state in inside if state == mark.state), None)
    if shown != [mark.state] and reached is not None:
        figures.late[mark.event].append(max(0.0, reached - mark.seen))
    elif shown == [mark.state] and mark.at - told[0][0] <= EARLY:
        figures.late[mark.event].append(0.0)  # the deck knew it before the screen was looked at
    pieces = [(mark.at, state) for state in shown] + inside
    limit = mark.seen + LATE.get(mark.state, LATE_ELSE) * patience
    for place, ((at, state), its_end) in enumerate(zip(pieces, [*(at for at, _ in pieces[1:]), until], strict=True)):
        if state != mark.state:
            stood = place < len(shown)  # since before: it may be that of a truth which was over at once
            _other(figures, mark, before, state, (at, its_end), limit, stood)


def _other(
    figures: Figures, mark: Mark, before: Mark, state: str, shown: tuple[float, float], limit: float, stood: bool
) -> None:
    """A status that is not the truth: what was true before, or was said, may stand up to a limit.

    Anything else is wrong at once.
    """
    start, end = shown
    old = stood or state == before.state or not before.state or (before.state == mark.state and state != "idle")
    figures.lag += max(0.0, min(end, limit) - max(start, mark.seen)) if old else 0.0
    seconds = end - max(start, limit) if old else end - start
    told = f"{mark.event}: {mark.state}, but {state} for {seconds:.2f} s, {start - mark.at:.2f} s after it"
    if seconds <= 0:
        return
    if state == "unknown":
        figures.unknown += seconds
    else:
        figures.wrong += seconds
    figures.lies.append(told)
    if mark.state in BUSY and state == "idle":
        figures.false_idle.append(told)
    if mark.state == "needs_input" and state == "working":
        figures.blind.append(told)
