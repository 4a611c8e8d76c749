"""A loop's course as a picture (SVG): every experiment's value, the champion's line, and how far noise reaches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from agentdeck.models.experiment import MEASURED, Experiment

WIDTH, HEIGHT = 860, 380
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 46, 62
KEPT, OTHER, CRASHED, INK, GRID = "#1a7f37", "#8c959f", "#cf222e", "#24292f", "#d8dee4"
BAND = f'fill="{KEPT}" fill-opacity="0.15"'


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a value and a number of an experiment stand in the picture. `low` .. `high` is what is shown."""

    low: float
    high: float
    last: int

    def y(self, value: float) -> float:
        """Values beyond the edge stand on it."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def x(self, n: float) -> float:
        return LEFT + 12 + n / max(1, self.last) * (WIDTH - LEFT - RIGHT - 24)

    def beyond(self, value: float) -> bool:
        return not self.low <= value <= self.high


def reach(values: Sequence[float], better: int) -> tuple[float, float]:
    """The least and the greatest value to show: from the best to a little beyond the first, for outliers flatten."""
    best = max(values, key=lambda value: better * value)
    room = abs(values[0] - best) or abs(best) * 0.1 or 1.0
    ends = (values[0] - better * 0.3 * room, best + better * 0.1 * room)
    return min(ends), max(ends)


def svg(title: str, metric: str, better: int, experiments: Sequence[Experiment], sigma: float | None) -> str:
    """The whole picture; one without a measured value says so."""
    measured = [each for each in experiments if each.value is not None]
    body: list[str] = []
    if measured:
        low, high = reach([each.value or 0.0 for each in measured], better)
        scale = Scale(low, high, experiments[-1].n)
        body += [*_grid(scale), *_champion(scale, experiments, sigma), *_points(scale, experiments, better)]
    else:
        body.append(_text(WIDTH / 2, HEIGHT / 2, "nothing was measured yet", "middle"))
    head = f"{metric}, {'lower' if better < 0 else 'higher'} is better"
    body += [_text(LEFT, 22, title, weight=600), _text(WIDTH - RIGHT, 22, head, "end"), *_legend(sigma)]
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    font = 'font-family="system-ui, sans-serif" font-size="13"'
    back = f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff"/>'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>', back, *body, "</svg>", ""])


def ticks(low: float, high: float, count: int = 5) -> Iterator[float]:
    """Round numbers between two."""
    step = 10 ** math.floor(math.log10((high - low) / count))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= count)
    for n in range(math.ceil(low / step), math.floor(high / step) + 1):
        yield round(n * step, 12)


def _grid(scale: Scale) -> Iterator[str]:
    for value in ticks(scale.low, scale.high):
        y = scale.y(value)
        yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{GRID}"/>'
        yield _text(LEFT - 8, y + 4, f"{value:.6g}", "end")
    for n in ticks(0, max(1, scale.last), 10):
        if n == int(n):
            yield _text(scale.x(n), HEIGHT - BOTTOM + 18, f"{n:g}", "middle")


def _champion(scale: Scale, experiments: Sequence[Experiment], sigma: float | None) -> Iterator[str]:
    """Its line goes on until the next is kept; the band around it is one standard deviation of a single run."""
    kept = [(each.n, each.value) for each in experiments if each.kept and each.value is not None]
    ends = [n for n, _ in kept[1:]] + [scale.last]
    for (n, value), end in zip(kept, ends, strict=True):
        if sigma and end > n:
            top, foot = scale.y(value + sigma), scale.y(value - sigma)
            size = f'width="{scale.x(end) - scale.x(n):.1f}" height="{foot - top:.1f}"'
            yield f'<rect x="{scale.x(n):.1f}" y="{top:.1f}" {size} {BAND}/>'
    corners = [f"{scale.x(at):.1f},{scale.y(value):.1f}" for (n, value), end in zip(kept, ends, strict=True)
               for at in (n, end)]  # fmt: skip
    if corners:
        yield f'<polyline points="{" ".join(corners)}" fill="none" stroke="{KEPT}" stroke-width="2"/>'


def _points(scale: Scale, experiments: Sequence[Experiment], better: int) -> Iterator[str]:
    worst = scale.low if better > 0 else scale.high
    for each in experiments:
        x, words = scale.x(each.n), f"<title>{escape(_words(each))}</title>"
        if each.outcome == "crash":
            cross = f"M{x - 4:.1f},{scale.y(worst) - 4:.1f} l8,8 m0,-8 l-8,8"
            yield f'<path d="{cross}" stroke="{CRASHED}" stroke-width="2">{words}</path>'
        elif each.value is not None and each.outcome in MEASURED:
            y = scale.y(each.value)
            if scale.beyond(each.value):
                up = -1 if scale.y(each.value) < HEIGHT / 2 else 1
                yield f'<path d="M{x - 4:.1f},{y:.1f} h8 l-4,{6 * up} z" fill="{OTHER}">{words}</path>'
            else:
                look = f'r="5" fill="{KEPT}"' if each.kept else f'r="3.5" fill="{OTHER}"'
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" {look}>{words}</circle>'


def _words(each: Experiment) -> str:
    value = "" if each.value is None else f" {each.value:.5g}"
    return f"{each.id} {each.outcome}{value}: {each.hypothesis or 'the code as it was'}"


def _legend(sigma: float | None) -> Iterator[str]:
    y, x = HEIGHT - 14, LEFT + 12
    marks = [
        (f'<circle cx="{{x}}" cy="{y - 4}" r="5" fill="{KEPT}"/>', "kept"),
        (f'<circle cx="{{x}}" cy="{y - 4}" r="3.5" fill="{OTHER}"/>', "discarded"),
        (f'<path d="M{{x}},{y - 8} m-4,0 l8,8 m0,-8 l-8,8" stroke="{CRASHED}" stroke-width="2"/>', "crashed"),
    ]
    if sigma:
        band = f'<rect x="{{x}}" y="{y - 10}" width="16" height="12" {BAND}/>'
        marks.append((band, f"  ± {sigma:.3g}, one run's standard deviation"))
    for mark, words in marks:
        yield mark.replace("{x}", str(x))
        yield _text(x + 12, y, words)
        x += 40 + 7 * len(words)
    yield _text(WIDTH - RIGHT, y, "experiments", "end")


def _text(x: float, y: float, words: str, anchor: str = "start", weight: int = 400) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-weight="{weight}" fill="{INK}" xml:space="preserve">{escape(words)}</text>'
