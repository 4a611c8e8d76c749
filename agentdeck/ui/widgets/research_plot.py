"""The metric over the experiments: kept, discarded and crashed ones, the champion's line, and how far noise reaches."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from agentdeck.research.board import LoopView

if TYPE_CHECKING:
    from textual_plotext import PlotextPlot


def draw_metric(widget: PlotextPlot, view: LoopView) -> None:
    """Outliers would flatten the rest: the scale reaches from the best to a little beyond the baseline."""
    plot = widget.plt
    plot.clear_figure()
    measured = [each for each in view.experiments if each.value is not None]
    if measured:
        _points(plot, view, measured)
        crashed = [each.n for each in view.experiments if each.outcome == "crash"]
        worst, best = _range(view, measured)
        if crashed:
            plot.scatter(crashed, [worst] * len(crashed), marker="x", color="red")
        plot.ylim(min(worst, best), max(worst, best))
    plot.title(f"{view.standing['metric']}, {view.standing['direction']} is better: ● kept  · discarded  x crashed")
    widget.refresh()


def _points(plot: Any, view: LoopView, measured: list[Any]) -> None:
    kept = [each for each in measured if each.kept]
    other = [each for each in measured if not each.kept]
    champions = list(accumulate((e.value for e in kept), max if view.better > 0 else min))
    last = view.experiments[-1].n
    if view.sigma and kept:
        for side in (-1, 1):
            plot.plot([kept[-1].n, last], [champions[-1] + side * view.sigma] * 2, marker="dot", color="gray")
    if other:
        plot.scatter([e.n for e in other], [e.value for e in other], marker="dot", color="gray")
    if kept:
        steps = [(e.n, e.value) for e in kept] + [(last, kept[-1].value)]
        plot.plot([n for n, _ in steps], [value for _, value in steps], marker="braille", color="green")
        plot.scatter([e.n for e in kept], [e.value for e in kept], marker="●", color="green")


def _range(view: LoopView, measured: list[Any]) -> tuple[float, float]:
    """The worst and the best value to show."""
    baseline = measured[0].value
    ranked = sorted((e.value for e in measured), reverse=view.better > 0)
    best = ranked[0]
    room = abs(baseline - best) or abs(baseline) * 0.1 or 1.0
    return baseline - view.better * 0.3 * room, best + view.better * 0.1 * room


def draw_cost(widget: PlotextPlot, view: LoopView) -> None:
    """Dollars spent on proposals so far, by experiment."""
    plot = widget.plt
    plot.clear_figure()
    costs = list(accumulate(each.cost for each in view.experiments))
    if costs:
        plot.plot([each.n for each in view.experiments], costs, marker="braille")
        plot.ylim(0, max(costs[-1] * 1.05, 0.01))
    plot.title("dollars spent on proposals")
    widget.refresh()
