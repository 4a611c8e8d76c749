"""The metric over the experiments: kept, discarded and crashed ones, the champion's line, and how far noise reaches."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from agentdeck.research.board import LoopView

if TYPE_CHECKING:
    from textual_plotext import PlotextPlot


MOST = 400
"""Points of a kind that are drawn."""


def draw_metric(widget: PlotextPlot, view: LoopView) -> None:
    """Outliers would flatten the rest: the scale reaches from the best to a little beyond the baseline."""
    plot = widget.plt
    plot.clear_figure()
    measured = [each for each in view.experiments if each.value is not None]
    if measured:
        _points(plot, view, measured)
        crashed = [each.n for each in view.experiments if each.outcome == "crash"]
        crashed = crashed[:: -(-len(crashed) // MOST) or 1]
        worst, best = _range(view, measured)
        if crashed:
            plot.scatter(crashed, [worst] * len(crashed), marker="x", color="red")
        plot.ylim(min(worst, best), max(worst, best))
        _number(plot, view.experiments[-1].n)
    plot.title(f"{view.standing['metric']}, {view.standing['direction']} is better: ● kept  · discarded  x crashed")
    widget.refresh()


def _points(plot: Any, view: LoopView, measured: list[Any]) -> None:
    kept = [each for each in measured if each.kept]
    other = thinned([each for each in measured if not each.kept], view.better)
    champions = list(accumulate((e.value for e in kept), max if view.better > 0 else min))
    last = view.experiments[-1].n
    if view.sigma and kept:
        for side in (-1, 1):
            plot.plot([kept[-1].n, last], [champions[-1] + side * view.sigma] * 2, marker="dot", color="gray")
    if other:
        plot.scatter([e.n for e in other], [e.value for e in other], marker="dot", color="gray")
    if kept:
        kept = kept[-MOST:]
        ends = [each.n for each in kept[1:]] + [last]
        steps = [(n, each.value) for each, end in zip(kept, ends, strict=True) for n in (each.n, end)]
        plot.plot([n for n, _ in steps], [value for _, value in steps], marker="braille", color="green")
        plot.scatter([e.n for e in kept], [e.value for e in kept], marker="●", color="green")


def thinned(points: list[Any], better: int) -> list[Any]:
    """Of many points the best of each stretch: a terminal has no room for more, and drawing them all takes seconds."""
    step = -(-len(points) // MOST) or 1
    stretches = (points[n : n + step] for n in range(0, len(points), step))
    return [max(stretch, key=lambda each: better * each.value) for stretch in stretches]


def _number(plot: Any, last: int) -> None:
    """Whole numbers below: there is no half experiment."""
    step = max(1, last // 5)
    plot.xticks(list(range(0, last + 1, step)), [str(n) for n in range(0, last + 1, step)])


def _range(view: LoopView, measured: list[Any]) -> tuple[float, float]:
    """The worst and the best value to show."""
    baseline = measured[0].value
    best = max((e.value for e in measured), key=lambda value: view.better * value)
    room = abs(baseline - best) or abs(baseline) * 0.1 or 1.0
    return baseline - view.better * 0.3 * room, best + view.better * 0.1 * room


def draw_cost(widget: PlotextPlot, view: LoopView) -> None:
    """Dollars spent on proposals so far, by experiment."""
    plot = widget.plt
    plot.clear_figure()
    costs = list(accumulate(each.cost for each in view.experiments))
    if costs:
        step = -(-len(costs) // MOST)
        plot.plot([each.n for each in view.experiments][::step], costs[::step], marker="braille")
        plot.ylim(0, max(costs[-1] * 1.05, 0.01))
        _number(plot, view.experiments[-1].n)
    plot.title("dollars spent on proposals")
    widget.refresh()
