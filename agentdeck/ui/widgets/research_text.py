"""The words of the research screen: how a loop stands, one line an experiment, and what is known of the chosen one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from textual.content import Content

from agentdeck.models.clock import age, now_ms
from agentdeck.models.experiment import Experiment
from agentdeck.research import report
from agentdeck.research.board import LoopView
from agentdeck.ui.badges import tokens

STYLES = {
    "keep": "$text-success", "baseline": "$text-accent", "crash": "$text-error", "refused": "$text-warning",
    "discard": "$foreground-muted", "failed": "$text-warning", "repeated": "$text-warning", "empty": "$text-warning",
}  # fmt: skip
LOOKS = {"working": "$text-success", "blocked": "bold $text-error", "paused": "bold $text-warning"}
FILTERS = ("all", "kept", "discarded", "crashed", "not run")
_OF = {
    "kept": ("keep", "baseline"), "discarded": ("discard",), "crashed": ("crash",),
    "not run": ("refused", "repeated", "empty", "failed", "interrupted"),
}  # fmt: skip
WIDTHS = {
    "id": 6, "outcome": 9, "value": 9, "gain": 9, "audit": 8, "runs": 4, "took": 5, "cost": 8, "hypothesis": 30,
    "reason": 30,
}  # fmt: skip
"""Cells of each column; the last two share what is left."""
NUMBERS = ("value", "gain", "audit", "runs", "took", "cost")
_GIVES_WAY = ("reason", "runs", "took", "cost", "audit")
LEAST = 30
"""Cells that a hypothesis gets before a column is shown beside it."""


def shown(experiments: Sequence[Experiment], chosen: str, text: str = "") -> list[Experiment]:
    """Those that the filter and every word of `text` let through, the newest first; capitals do not count."""
    wanted = text.lower().split()
    found = (each for each in reversed(experiments) if chosen == "all" or each.outcome in _OF[chosen])
    return [each for each in found if not wanted or _holds(each, wanted)]


def _holds(each: Experiment, wanted: Iterable[str]) -> bool:
    told = f"{each.id} {each.outcome or each.stage} {each.hypothesis} {each.reason} {each.commit}".lower()
    return all(word in told for word in wanted)


def nothing(total: int) -> str:
    return "nothing fits the filter; Esc takes it away" if total else "no experiment yet: the baseline comes first"


def number(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{value:{sign}.5g}"


# -- the table


def columns(width: int) -> dict[str, int]:
    """Columns that fit, with their cells."""
    found = dict(WIDTHS)
    for name in _GIVES_WAY:
        if sum(found.values()) + len(found) <= width:
            break
        del found[name]
    spare = width - sum(found.values()) - len(found)
    if "reason" in found:
        found["reason"] += spare - spare // 2
        spare //= 2
    found["hypothesis"] = max(8, found["hypothesis"] + spare)
    return found


def header(columns: Mapping[str, int], width: int, where: str) -> str:
    """The columns' names, and at the right edge where one is."""
    names = " ".join(name.rjust(cells) if name in NUMBERS else name.ljust(cells) for name, cells in columns.items())
    room = max(0, width - len(where) - 1)
    return f"{names[:room]:{room}} {where}"


def line(each: Experiment, columns: Mapping[str, int]) -> Content:
    """One experiment."""
    told = cells(each)
    style = "$text-warning" if each.bad else STYLES.get(each.outcome, "")
    parts: list[tuple[str, str]] = []
    for name, width in columns.items():
        text = Content(told[name]).truncate(width, ellipsis=True, pad=True).plain
        text = text.strip().rjust(width) if name in NUMBERS else text
        parts.append((f"{text} ", style if name in ("id", "outcome", "value") else ""))
    return Content.assemble(*parts)


def cells(each: Experiment) -> dict[str, str]:
    """Its columns by name. A mark `?` is on what one run alone has decided."""
    outcome = "bad" if each.bad else each.outcome or each.stage
    cost = f"${each.cost:.3f}" if each.cost else f"{tokens(each.tokens)} tok" if each.tokens else ""
    return {
        "id": each.id, "outcome": f"{outcome}?" if each.provisional and not each.bad else outcome,
        "value": number(each.value), "gain": number(each.gain, "+"), "audit": number(each.audit),
        "runs": str(len(each.runs) or ""), "took": age(each.ended - each.at) if each.ended else "", "cost": cost,
        "hypothesis": clean(each.hypothesis or ("the code as it is" if each.n == 0 else "")),
        "reason": clean(each.reason),
    }  # fmt: skip


def clean(text: str) -> str:
    """Words of a model or of a program, with nothing in them that a terminal would obey."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text)


def detail(each: Experiment, reruns: Sequence[Mapping[str, Any]]) -> Content:
    """The chosen experiment in three lines: what was expected, what was decided, and every run, reruns too."""
    runs = "  ".join(_run(run.who, run.seed, run.value, run.reason) for run in each.runs)
    again = "".join(f"  again: {number(one.get('value')) or one.get('reason')}" for one in reruns)
    said = clean(each.hypothesis) or ("the code as it is" if each.n == 0 else "no proposal yet")
    outcome = ("taken back by you" if each.bad else each.outcome) or each.stage
    spent = [f"${each.cost:.4f}"] * bool(each.cost) + [f"{tokens(each.tokens)} tokens"] * bool(each.tokens)
    cost = f"  proposal {', '.join(spent)}" if spent else ""
    return Content.assemble(
        (f"{each.id} ", "bold"), said, "\n", (f"{outcome}: ", STYLES.get(each.outcome, "")), clean(each.reason),
        (cost, "$foreground-muted"), "\n", (clean(runs + again) or "nothing was run", "$foreground-muted"),
    )  # fmt: skip


def _run(who: str, seed: int, value: float | None, reason: str) -> str:
    name = "" if who == "candidate" else "champion "
    return f"{name}{number(value) if value is not None else reason} (seed {seed})"


# -- how it stands


def standing(view: LoopView) -> Content:
    """What the loop does, what to do about it, and what came of it so far."""
    told = view.standing
    state = told["state"]
    head = Content.assemble(
        (f"{state} ", LOOKS.get(state, "$foreground-muted")), clean(str(told["why"])), (remaining(view), "bold")
    )  # fmt: skip
    todo = advice(view)
    hint = (
        Content.assemble("\n", (todo, "$text-warning" if state == "blocked" else "$foreground-muted")) if todo else ""
    )
    return Content.assemble(head, hint, "\n", results(view))


def results(view: LoopView) -> Content:
    """The metric and its course, then counts, pace, price and noise."""
    told = view.standing
    values = [each.value for each in view.experiments if each.kept and each.value is not None]
    best = (
        f"{told['metric']} {number(told['baseline'])} → {number(told['best'])} " if values else "nothing measured yet "
    )
    audit = f" audit {number(told['audit'])} " if told["audit"] is not None else ""
    rate = f"{told['keep_rate']:.0%} kept" if told["keep_rate"] is not None else ""
    pace = f"{told['per_hour']:g} an hour" if told["per_hour"] else ""
    spent = f"${told['cost_usd']:.2f}" if told["cost_usd"] else ""
    burnt = f"{tokens(told['tokens'])} tokens" if told["tokens"] else ""
    price = f"${told['cost_per_keep_usd']:.2f} a kept gain" if told["cost_per_keep_usd"] else ""
    noise = f"noise ±{view.sigma:.3g}" if view.sigma else ""
    note = f"note: {clean(told['steering'])[:60]}" if told["steering"] else ""
    parts = [f"{told['experiments']} experiments", rate, pace, spent, burnt, price, noise, note]
    return Content.assemble(
        (best, "bold"), (report.spark(values) if len(values) > 1 else "", "$text-success"), audit,
        "  ", ("  ".join(part for part in parts if part), "$foreground-muted"),
    )  # fmt: skip


def advice(view: LoopView) -> str:
    """What its human can do now, where something is to be done."""
    state, branch = view.standing["state"], view.standing["branch"]
    if state == "blocked":
        return "Mend that (l: what the last run printed), then p lets it go on; x ends it."
    if state == "paused":
        return "p lets it go on, s gives its proposer a note, x ends it."
    if state == "stopped":
        return "Its process is gone and nothing is lost: p starts it again."
    if state == "ended" and view.standing["kept"]:
        return f"Take what it found: git merge {branch}   p goes on with it."
    return "p goes on with it." if state == "ended" else ""


def remaining(view: LoopView) -> str:
    """`  ▰▰▰▱▱▱ 12 s, about 18 s left` of the run that goes on."""
    running = view.standing["running"] or {}
    if view.standing["state"] != "working" or not running.get("seconds"):
        return ""
    passed = max(0, now_ms() - int(running["since"])) / 1000
    return f"  {report.progress(passed, view.standing['run_seconds'] or float(running['seconds']))}"
