"""The table of `benchmarks/status.md`, from the figures of each client."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from statistics import quantiles

from benchmarks.status_truth import Figures

HEAD = """\
# Is the status true?

Real clients in real panes of a real deck with no dashboard, by `python -m benchmarks.status`. The truth is what the
scripted model server answered and what was pressed, and when. A status may lag behind the first sign that the client
gave (a hook, or its screen as looked at 20 times a second): needs_input and working 1 s, idle and an end 2 s, a
hang 5 s. What is wrong after that, and at once what was not true before either, counts as wrong.
"""


def report(found: Mapping[str, Figures]) -> str:
    """The whole file, for the figures by client."""
    day, load = datetime.now(UTC).strftime("%Y-%m-%d"), os.getloadavg()[0]
    parts = [
        HEAD,
        f"Measured {day}, load average {load:.1f} at the end, {os.cpu_count()} processors.\n",
        *_shares(found),
    ]
    for name, figures in found.items():
        parts += [f"\n## {name}\n", *_delays(figures)]
        parts += ["", *(f"- wrong: {lie}" for lie in figures.lies)] if figures.lies else []
    return "\n".join(parts) + "\n"


def _shares(found: Mapping[str, Figures]) -> list[str]:
    rows = [
        "| client | known | false idle (0) | working while blocked (0) | wrong | unknown | share (3 %) | lag |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, f in found.items():
        blind, idle = len(f.blind), len(f.false_idle)
        lag = f.lag / f.known if f.known else 0.0
        shares = f"{f.wrong:.1f} s | {f.unknown:.1f} s | {f.share:.1%} | {lag:.1%}"
        rows.append(f"| {name} | {f.known:.0f} s | {idle} | {blind} | {shares} |")
    return rows


def _delays(figures: Figures) -> list[str]:
    rows = ["| transition | times | median | p95 |", "|---|---|---|---|"]
    for event, seconds in sorted(figures.late.items()):
        rows.append(f"| {event} | {len(seconds)} | {_share(seconds, 50):.2f} s | {_share(seconds, 95):.2f} s |")
    return rows


def _share(seconds: list[float], percent: int) -> float:
    if len(seconds) == 1:
        return seconds[0]
    return quantiles(seconds, n=100, method="inclusive")[percent - 1]
