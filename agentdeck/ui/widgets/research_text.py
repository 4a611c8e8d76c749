"""The words of the research screen: how a loop stands, and one line an experiment."""

from __future__ import annotations

from textual.content import Content

from agentdeck.models.clock import age, now_ms
from agentdeck.models.experiment import Experiment
from agentdeck.research.board import LoopView

STYLES = {
    "keep": "$text-success", "baseline": "$text-accent", "crash": "$text-error", "refused": "$text-warning",
    "discard": "$foreground-muted",
}  # fmt: skip
FILTERS = ("all", "kept", "discarded", "crashed", "not run")
_OF = {
    "kept": ("keep", "baseline"), "discarded": ("discard",), "crashed": ("crash",),
    "not run": ("refused", "repeated", "empty", "failed", "interrupted"),
}  # fmt: skip
COLUMNS = {
    "id": 6, "outcome": 9, "value": 9, "gain": 10, "audit": 8, "runs": 4, "took": 5, "cost": 7, "hypothesis": 48,
    "reason": 60,
}  # fmt: skip
"""Each with its width in cells."""


def shown(experiments: list[Experiment], chosen: str) -> list[Experiment]:
    """Those that a filter lets through, the newest first."""
    return [each for each in reversed(experiments) if chosen == "all" or each.outcome in _OF[chosen]]


def number(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{value:{sign}.5g}"


def cells(each: Experiment) -> tuple[Content, ...]:
    """One row of the table."""
    outcome = "bad" if each.bad else each.outcome or each.stage
    mark = f"{outcome}?" if each.provisional and not each.bad else outcome
    took = age(each.ended - each.at) if each.ended else ""
    cost = f"${each.cost:.3f}" if each.cost else ""
    told = (
        each.id, mark, number(each.value), number(each.gain, "+"), number(each.audit), str(len(each.runs)), took, cost,
        each.hypothesis, each.reason,
    )  # fmt: skip
    style = "$text-warning" if each.bad else STYLES.get(each.outcome, "")
    return tuple(Content.styled(text, style if at < 3 else "") for at, text in enumerate(told))


def standing(view: LoopView) -> Content:
    """What the loop does, and what came of it, in a line or two."""
    told = view.standing
    state = told["state"]
    look = {"working": "$text-success", "blocked": "bold $text-error", "paused": "$text-warning"}.get(
        state, "$foreground-muted"
    )
    rate = f"{told['keep_rate']:.0%} kept" if told["keep_rate"] is not None else ""
    pace = f"{told['per_hour']:g} an hour" if told["per_hour"] else ""
    price = f"${told['cost_per_keep_usd']:.2f} a kept gain" if told["cost_usd"] else ""
    noise = f"noise ±{view.sigma:.3g}" if view.sigma else ""
    parts = [f"{told['experiments']} experiments", rate, pace, price, noise]
    best = f"{told['metric']} {number(told['baseline'])} → {number(told['best'])}"
    audit = f"  audit {number(told['audit'])}" if told["audit"] is not None else ""
    return Content.assemble(
        (f"{state} ", look), f"{told['why']}{remaining(view)}\n", (best, "bold"), audit, "   ",
        ("  ".join(part for part in parts if part), "$foreground-muted"),
    )  # fmt: skip


def remaining(view: LoopView) -> str:
    """`  12 of 60 s` of the run that goes on."""
    running = view.standing["running"] or {}
    if view.standing["state"] != "working" or not running.get("seconds"):
        return ""
    return f"  {max(0, now_ms() - int(running['since'])) // 1000} of {running['seconds']:g} s"
