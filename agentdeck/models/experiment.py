"""One trial of an AutoResearch loop, as its ledger tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Stage = Literal["allocated", "proposed", "checked", "running", "measured", "decided", "applied"]
Outcome = Literal["", "baseline", "keep", "discard", "crash", "refused", "repeated", "empty", "failed", "interrupted"]
"""`failed`: the proposer gave nothing usable; `interrupted`: its loop was killed and nothing was measured."""

MEASURED: tuple[Outcome, ...] = ("baseline", "keep", "discard", "crash")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of one tree. `value` is None when it crashed, and `reason` says why.

    `who`: the candidate or the champion beside it. `wall` and `cpu` are seconds of the training stage, `memory`
    bytes at most resident in one process; `values` holds what the constraints ask for.
    """

    who: Literal["candidate", "champion"]
    seed: int
    value: float | None
    reason: str = ""
    wall: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    place: str = ""
    values: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Experiment:
    """`tree` and `parent_tree` are of the contract's directory, `commit` and `parent` whole commits.

    `value` is what was decided by: the mean over the candidate's runs. A keep is `provisional` until it was
    confirmed by paired repeats, and `bad` when a human took it back. `cost` is in dollars and `tokens`
    of all classes, what its proposal took; times are UTC milliseconds.
    """

    id: str
    n: int
    stage: Stage
    at: int
    proposer: str = ""
    parent: str = ""
    parent_tree: str = ""
    commit: str = ""
    tree: str = ""
    hypothesis: str = ""
    cost: float = 0.0
    tokens: int = 0
    runs: tuple[Measurement, ...] = ()
    outcome: Outcome = ""
    reason: str = ""
    value: float | None = None
    audit: float | None = None
    gain: float | None = None
    provisional: bool = False
    bad: bool = False
    ended: int = 0

    @property
    def kept(self) -> bool:
        """Whether it stands on the way to the champion."""
        return self.outcome in ("keep", "baseline") and not self.bad
