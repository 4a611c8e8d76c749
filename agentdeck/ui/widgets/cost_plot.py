"""Money spent over the span as a rising line, with the day's limit: the one picture that cells cannot draw."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from agentdeck.services.usage.usage_view import UsageView

if TYPE_CHECKING:
    from textual_plotext import PlotextPlot

MARKS = 8  # along the line of time
STEPS = 4  # along that of money


def make(name: str) -> PlotextPlot:
    """A plot that shows nothing yet. Loads plotext (40 ms) unless somebody has done that in a thread."""
    from textual_plotext import PlotextPlot

    return PlotextPlot(id=name)


def draw(widget: PlotextPlot, view: UsageView) -> None:
    """The sum of the cost up to each hour or day; the limit of the day where there is one."""
    plot, today = widget.plt, view.span == "today"
    values = [cost / 1e9 for cost in accumulate(cost for _, cost in view.course)]
    limit, note = _limit(view, values[-1] if values else 0.0)
    places = [float(number) for number in range(len(values))]
    plot.clear_figure()
    plot.plot(places, values, marker="braille")
    if limit:
        plot.hline(limit)
    top = max(values[-1] if values else 0.0, limit) or 1.0
    plot.ylim(0, top * 1.05)
    every = max(1, -(-len(places) // MARKS))
    labels = [name if today else name[5:] for name, _ in view.course]
    plot.xticks(places[::every], labels[::every])
    marks = [top * part / STEPS for part in range(STEPS + 1)]
    plot.yticks(marks, [f"${mark:.2f}" for mark in marks])
    plot.title(f"spent, {view.span}{note}")
    widget.refresh()


def _limit(view: UsageView, spent: float) -> tuple[float, str]:
    """Where to draw the day's limit, and what is said of it. Sessions outside do not count under it: then no line."""
    days = (one for _, one in view.budgets if (one.budget.scope, one.unit) == ("day", "usd"))
    day = next(days, None) if view.span == "today" else None
    if day is None:
        return 0.0, ""
    limit, used = day.limit / 1e9, day.used / 1e9
    if spent - used >= 0.01:
        return 0.0, f"; agents ${used:.2f} of ${limit:.2f}"
    return limit, f"; limit ${limit:.2f}"
