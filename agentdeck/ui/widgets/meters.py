"""Bars, sparklines and shades in cells, which say what they say without colour too."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

LEVELS = " ▁▂▃▄▅▆▇█"
SHADES = "·░▒▓█"
FILLS = "█▓▒░"
COLOURS = ("$text-accent", "$text-primary", "$text-success", "$text-warning", "$text-secondary")


def bar(share: float, width: int, style: str = "$text-accent", rest: str = "$foreground-muted 40%") -> Content:
    """`share` (0 to 1) of `width` cells, fine to a half; what is above zero always shows."""
    halves = round(min(max(share, 0.0), 1.0) * width * 2) or (1 if share > 0 else 0)
    filled = "━" * (halves // 2) + "╸" * (halves % 2)
    return Content.assemble((filled, style), ("─" * (width - len(filled)), rest))


def gauge(share: float, width: int) -> Content:
    """A bar that changes its colour where it becomes pressing."""
    return bar(share, width, "$text-error" if share >= 0.9 else "$text-warning" if share >= 0.75 else "$text-success")


def spark(values: Sequence[int]) -> str:
    """One bar per value; a value above zero always shows at least the lowest bar."""
    top = max(values, default=0)
    if not top:
        return ""
    return "".join(LEVELS[0] if value == 0 else LEVELS[max(1, round(value / top * 8))] for value in values)


def squeezed(values: Sequence[int], width: int) -> list[int]:
    """The values summed into at most `width` neighbours of the same number of values each."""
    each = max(1, -(-len(values) // max(1, width)))
    first = len(values) % each
    starts = range(first, len(values), each)
    return ([sum(values[:first])] if first else []) + [sum(values[at : at + each]) for at in starts]


def stacked(parts: Sequence[tuple[int, int]], width: int, top: int) -> Content:
    """Parts as (place in the legend, amount) side by side, `top` being the whole width; each has a fill of its own."""
    if top <= 0:
        return Content(" " * width)
    pieces, used, amount = [], 0, 0
    for place, count in parts:
        amount += count
        end = min(width, round(amount / top * width))
        pieces.append((fill(place) * max(0, end - used), COLOURS[place % len(COLOURS)]))
        used = max(used, end)
    if not used and amount:
        pieces, used = [(fill(parts[0][0]), COLOURS[parts[0][0] % len(COLOURS)])], 1
    return Content.assemble(*pieces, " " * (width - used))


def fill(place: int) -> str:
    return FILLS[place % len(FILLS)]


def shade(value: int, top: int) -> str:
    """One of four shades, by the root: what is small beside a peak is still seen. Nothing at all is a dot."""
    if value <= 0 or top <= 0:
        return SHADES[0]
    return SHADES[min(4, 1 + int((value / top) ** 0.5 * 3.999))]
