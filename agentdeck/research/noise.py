"""Whether a difference is one. Pure: from the runs so far to the next run, or to the decision."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from agentdeck.models.experiment import Experiment, Measurement
from agentdeck.research.contract import Noise

EARLY = 1.5  # so many standard errors more than `z` accept before all pairs are run
HOPELESS = 0.6  # a share of `z` that the mean so far would have to reach when all pairs are run


@dataclass(frozen=True, slots=True)
class Sigma:
    """The standard deviation of one run, and of how many degrees of freedom the estimate is."""

    value: float
    freedom: int

    @property
    def of_difference(self) -> float:
        return self.value * math.sqrt(2)


@dataclass(frozen=True, slots=True)
class Next:
    """Run this now."""

    who: Literal["candidate", "champion"]


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Literal["keep", "discard", "crash"]
    reason: str
    value: float | None = None
    gain: float | None = None
    provisional: bool = False


def sigma(experiments: Iterable[Experiment]) -> Sigma | None:
    """Pooled over the repeats of baselines and the differences within each experiment's pairs; None before any."""
    squares, freedom = 0.0, 0
    for each in experiments:
        if each.outcome == "baseline":
            sample, share = [run.value for run in each.runs if run.value is not None], 1.0
        else:
            sample, share = differences(each.runs, 1), 0.5
        if len(sample) > 1:
            mean = sum(sample) / len(sample)
            squares += share * sum((x - mean) ** 2 for x in sample)
            freedom += len(sample) - 1
    return Sigma(math.sqrt(squares / freedom), freedom) if freedom else None


def differences(runs: Iterable[Measurement], better: int) -> list[float]:
    """By how much the candidate was better than the champion, pair by pair (same seed)."""
    champion = {run.seed: run.value for run in runs if run.who == "champion" and run.value is not None}
    found = []
    for run in runs:
        beside = champion.get(run.seed)
        if run.who == "candidate" and run.value is not None and beside is not None:
            found.append(better * (run.value - beside))
    return found


def champion_mean(experiments: Iterable[Experiment], holder: Experiment) -> float | None:
    """The champion's value: the mean over what it was decided by and all its repeats since."""
    values = [run.value for run in holder.runs if run.who == "candidate"]
    if len(values) > 1 and holder.outcome == "keep":
        values = values[1:]  # the first look is why the others were made: it is too good on average
    values += [
        run.value for each in experiments if each.parent == holder.commit for run in each.runs if run.who == "champion"
    ]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else holder.value


def bar(z: float, freedom: int) -> float:
    """`z` standard errors when sigma itself is an estimate: the quantile of Student's t (Cornish-Fisher)."""
    if freedom <= 0:
        return math.inf
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def step(
    rule: Noise, runs: tuple[Measurement, ...], champion: float, spread: Sigma | None, better: int
) -> Next | Verdict:
    """What to do after these runs of a candidate; `champion` is its parent's value."""
    for run in runs:
        if run.value is None:
            outcome = "crash" if run.who == "candidate" else "discard"
            return Verdict(outcome, run.reason if run.who == "candidate" else f"the champion crashed: {run.reason}")
    if not runs:
        return Next("candidate")
    first = runs[0].value
    assert first is not None  # looked at above
    gain = better * (first - champion)
    if gain <= 0:
        return Verdict("discard", f"{first:.6g} is no better than {champion:.6g}", first, gain)
    if rule.policy == "fast":
        return Verdict("keep", f"{first:.6g} after {champion:.6g}, one run each", first, gain, provisional=True)
    return _pairs(rule, runs, spread, better)


def _pairs(rule: Noise, runs: tuple[Measurement, ...], spread: Sigma | None, better: int) -> Next | Verdict:
    if len(runs) % 2 == 0:
        return Next("candidate")
    found = differences(runs[1:], better)
    if not found:
        return Next("champion")
    count, mean = len(found), sum(found) / len(found)
    value = sum(run.value or 0.0 for run in runs[1:] if run.who == "candidate") / count
    error = spread.of_difference / math.sqrt(count) if spread else math.inf
    score = mean / error if error else math.copysign(math.inf, mean) if mean else 0.0
    told = f"{mean:+.4g} in {count} pair{'s' if count > 1 else ''}, z {score:.1f}"
    freedom = spread.freedom if spread else 0
    last = count >= rule.pairs
    if score >= bar(rule.z + (0 if last else EARLY), freedom) or (score == math.inf):
        return Verdict("keep", told, value, mean)
    if last or mean <= 0 or (count > 1 and score * math.sqrt(rule.pairs / count) < HOPELESS * rule.z):
        return Verdict("discard", f"{told}: within the noise", value, mean)
    return Next("champion")
