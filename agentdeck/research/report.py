"""A loop as people and scripts read it; nothing here loads more than its ledger."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from statistics import median
from typing import Any

from agentdeck.models.clock import iso, now_ms
from agentdeck.models.experiment import MEASURED, Experiment
from agentdeck.research import ledger, state
from agentdeck.research.places import Place
from agentdeck.research.state import State

HEAD = ("commit", "val", "memory_gb", "status", "description")


def standing(place: Place, known: State | None = None) -> dict[str, Any]:
    """{name, state, why, ...}: how a loop stands."""
    told = known or state.fold(ledger.read(place.ledger))
    better = int(told.begun.get("better", -1))
    done = [e for e in told.experiments.values() if e.outcome and e.n]
    measured = [e for e in done if e.outcome in MEASURED]
    kept = [e for e in measured if e.kept]
    baseline = next(iter(told.experiments.values()), None)
    best = told.best(better)
    cost = sum(e.cost for e in done)
    return {
        "name": place.name,
        **doing(place, told),
        "metric": told.begun.get("metric", ""),
        "direction": "lower" if better < 0 else "higher",
        "experiments": len(done),
        "kept": len(kept),
        "crashed": sum(e.outcome == "crash" for e in done),
        "keep_rate": round(len(kept) / len(measured), 4) if measured else None,
        "per_hour": rate(told),
        "run_seconds": run_seconds(told),
        "baseline": baseline.value if baseline else None,
        "best": best.value if best else None,
        "best_id": best.id if best else None,
        "audit": best.audit if best else None,
        "cost_usd": round(cost, 6),
        "tokens": sum(e.tokens for e in done),
        "cost_per_keep_usd": round(cost / len(kept), 6) if kept else None,
        "steering": told.steering,
        "branch": told.begun.get("branch", ""),
        "champion": told.champion,
        "directory": told.begun.get("directory", ""),
        "contract": told.contract,
        "machine": told.machine,
        "began": iso(int(told.begun.get("at", 0))),
    }


def doing(place: Place, told: State) -> dict[str, Any]:
    """{state, why, running}: what it does at this moment."""
    now, running = place.now(), place.running
    return {
        "state": now.get("state", "working") if running else ("ended" if told.ended else "stopped"),
        "why": (now.get("why", "") if running else told.ended or "no process works on it"),
        "running": {key: now.get(key) for key in ("experiment", "since", "seconds")} if running else None,
    }


def glance(told: State) -> str:
    """A loop in one line, for its tile: the metric and its course, keep rate, pace, price of a kept gain."""
    better = int(told.begun.get("better", -1))
    done = [e for e in told.experiments.values() if e.outcome and e.n]
    measured = [e for e in done if e.outcome in MEASURED]
    kept = [e for e in told.experiments.values() if e.kept and e.value is not None]
    best, cost = told.best(better), sum(e.cost for e in done)
    if best is None:
        return "the baseline is measured first"
    parts = [f"{told.begun['metric']} {kept[0].value:.4g} → {best.value:.4g} {spark([e.value or 0 for e in kept])}"]
    if measured:
        parts.append(f"{sum(e.kept for e in measured) / len(measured):.0%} of {len(done)} kept")
    if pace := rate(told):
        parts.append(f"{pace:.0f}/h")
    if cost and len(kept) > 1:
        parts.append(f"${cost / (len(kept) - 1):.2f} a gain")
    return " · ".join(parts)


def spark(values: list[float]) -> str:
    """The last values as bars, the smallest lowest."""
    values = values[-16:]
    low, high = min(values, default=0.0), max(values, default=0.0)
    room = (high - low) or 1.0
    return "".join("▁▂▃▄▅▆▇█"[round(7 * (value - low) / room)] for value in values)


def rate(told: State) -> float | None:
    """Experiments per hour of work: by what the last fifty took, so that a night's pause does not count."""
    recent = list(islice((e for e in reversed(told.experiments.values()) if e.ended and e.n), 50))
    hours = sum(e.ended - e.at for e in recent) / 3_600_000
    return round(len(recent) / hours, 1) if hours > 0 else None


def run_seconds(told: State) -> float | None:
    """How long a run takes by the clock on the wall: the median of the last nine. Processor time may be much less."""
    recent = list(islice(reversed(told.experiments.values()), 30))
    walls = [run.wall for each in recent for run in reversed(each.runs) if run.value is not None and run.wall][:9]
    return round(median(walls), 1) if walls else None


def progress(passed: float, expected: float) -> str:
    """`▰▰▰▱▱▱▱▱ 12 s, about 18 s left`."""
    full = min(8, int(8 * passed / expected)) if expected > 0 else 0
    left = f"about {expected - passed:.0f} s left" if passed < expected else "longer than most"
    return f"{'▰' * full}{'▱' * (8 - full)} {passed:.0f} s, {left}"


def row(each: Experiment) -> dict[str, Any]:
    """One line of `research ledger --json`."""
    return {
        "id": each.id, "n": each.n, "stage": each.stage, "outcome": each.outcome or None, "value": each.value,
        "gain": each.gain, "audit": each.audit, "provisional": each.provisional, "bad": each.bad,
        "hypothesis": each.hypothesis, "reason": each.reason, "proposer": each.proposer, "cost_usd": each.cost,
        "tokens": each.tokens,
        "commit": each.commit, "parent": each.parent, "tree": each.tree, "began": iso(each.at),
        "ended": iso(each.ended),
        "runs": [
            {
                "who": run.who, "seed": run.seed, "value": run.value, "reason": run.reason, "wall_seconds": run.wall,
                "cpu_seconds": run.cpu, "memory_bytes": run.memory, "place": run.place, "values": dict(run.values),
            }
            for run in each.runs
        ],
    }  # fmt: skip


def tsv(experiments: Iterable[Experiment]) -> str:
    """The ledger in the five columns of the original's results.tsv: commit, value, memory, status, description."""
    lines: list[str] = ["\t".join(HEAD)]
    for each in experiments:
        if each.outcome not in MEASURED:
            continue
        memory = max((run.memory for run in each.runs), default=0) / (1 << 30)
        status = "keep" if each.outcome == "baseline" else each.outcome
        value = f"{each.value or 0.0:.6f}"
        words = " ".join((each.hypothesis or "baseline").split())
        lines.append("\t".join((each.commit[:7], value, f"{memory:.1f}", status, words)))
    return "\n".join(lines) + "\n"


def age_seconds(since: int) -> float:
    return max(0.0, (now_ms() - since) / 1000)
