"""A synthetic trainer with a known sigma: what is kept of edits that change nothing, and of one that helps."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from agentdeck.models.experiment import Experiment, Measurement
from agentdeck.research import noise
from agentdeck.research.contract import Noise
from agentdeck.research.noise import Next, Sigma, Verdict

SIGMA = 0.03


def trials(policy: str, seed: int, count: int, effect: Callable[[int], float] = lambda _: 0.0) -> list[Verdict]:
    """`count` experiments on a trainer whose score is what its tree is worth, and luck; lower is better."""
    rule = Noise(policy="fast" if policy == "fast" else "confirm")
    dice = random.Random(seed)

    def run(who: str, n: int, worth: float) -> Measurement:
        return Measurement("champion" if who == "champion" else "candidate", n, dice.gauss(worth, SIGMA))

    worth, number = 1.0, 0
    runs = tuple(run("candidate", n, worth) for n in range(rule.repeats if policy == "confirm" else 1))
    value = sum(each.value or 0 for each in runs) / len(runs)
    done = [Experiment("e0", 0, "decided", 0, commit="c0", outcome="baseline", value=value, runs=runs)]
    holder, found = done[0], []
    for n in range(1, count + 1):
        candidate, runs = worth - effect(n), ()
        while True:
            champion = noise.champion_mean(done, holder)
            assert champion is not None
            step = noise.step(rule, runs, champion, noise.sigma(done), -1)
            if isinstance(step, Verdict):
                break
            number += step.who == "champion" or not runs
            runs = (*runs, run(step.who, number, worth if step.who == "champion" else candidate))
        each = Experiment(
            f"e{n}",
            n,
            "decided",
            0,
            parent=holder.commit,
            commit=f"c{n}",
            outcome=step.outcome,
            value=step.value,
            runs=runs,
        )
        done.append(each)
        found.append(step)
        if step.outcome == "keep":
            holder, worth = each, candidate
    return found


def keeps(found: list[Verdict]) -> int:
    return sum(each.outcome == "keep" for each in found)


def test_of_200_edits_that_change_nothing_confirm_keeps_two_at_most_and_fast_more() -> None:
    pairs = [(keeps(trials("confirm", seed, 200)), keeps(trials("fast", seed, 200))) for seed in range(4)]
    assert all(confirm <= 2 and fast > confirm for confirm, fast in pairs), pairs
    assert sum(fast for _, fast in pairs) > 10, pairs


def test_what_helps_is_kept() -> None:
    """Each tenth edit is worth four sigma: most are found."""
    found = trials("confirm", 1, 200, lambda n: 4 * SIGMA if n % 10 == 0 else 0.0)
    assert keeps([each for n, each in enumerate(found, 1) if n % 10 == 0]) >= 15


def runs(*values: float | None) -> tuple[Measurement, ...]:
    """The first look, then champion and candidate in turn."""
    who = ["candidate", *["champion", "candidate"] * 9]
    return tuple(Measurement("champion" if w == "champion" else "candidate", (n + 1) // 2, v)
                 for n, (w, v) in enumerate(zip(who, values, strict=False)))  # fmt: skip


def test_the_steps_of_confirm() -> None:
    rule, spread = Noise(pairs=2), Sigma(0.01, 50)
    assert noise.step(rule, (), 1.0, spread, -1) == Next("candidate")
    dropped = noise.step(rule, runs(1.001), 1.0, spread, -1)
    assert isinstance(dropped, Verdict) and dropped.outcome == "discard"
    assert noise.step(rule, runs(0.99), 1.0, spread, -1) == Next("champion")
    assert noise.step(rule, runs(0.99, 1.0), 1.0, spread, -1) == Next("candidate")
    assert noise.step(rule, runs(0.99, 1.0, 0.97), 1.0, spread, -1) == Next("champion")
    kept = noise.step(rule, runs(0.99, 1.0, 0.95, 1.0, 0.95), 1.0, spread, -1)
    assert isinstance(kept, Verdict) and (kept.outcome, kept.provisional, kept.value) == ("keep", False, 0.95)
    luck = noise.step(rule, runs(0.99, 1.0, 0.99, 1.0, 0.99), 1.0, spread, -1)
    assert isinstance(luck, Verdict) and luck.outcome == "discard" and "noise" in luck.reason


def test_a_trainer_without_noise_needs_one_pair() -> None:
    kept = noise.step(Noise(), runs(0.9, 1.0, 0.9), 1.0, Sigma(0.0, 3), -1)
    assert isinstance(kept, Verdict) and kept.outcome == "keep"
    same = noise.step(Noise(), runs(0.9, 1.0, 1.0), 1.0, Sigma(0.0, 3), -1)
    assert isinstance(same, Verdict) and same.outcome == "discard"


def test_a_crash_of_either_decides() -> None:
    crashed = noise.step(Noise(), runs(None), 1.0, None, -1)
    assert isinstance(crashed, Verdict) and crashed.outcome == "crash"
    beside = noise.step(Noise(), runs(0.9, None), 1.0, None, -1)
    assert isinstance(beside, Verdict) and beside.outcome == "discard"


def test_the_bar_is_higher_while_sigma_is_hardly_known() -> None:
    """Student's t at the level of three standard errors; 99.865 % of t(4) is 6.62, of t(30) 3.27."""
    assert noise.bar(3, 4) == pytest.approx(6.62, abs=0.6)
    assert noise.bar(3, 30) == pytest.approx(3.27, abs=0.02)
    assert noise.bar(3, 10**6) == pytest.approx(3, abs=1e-4)
