"""The words and bars of the usage screen, block by block, for a given width. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from textual.content import Content

from agentdeck.models.clock import age
from agentdeck.services.budgets import budgets
from agentdeck.services.usage.usage_view import (
    HEAT_DAYS,
    Fill,
    Limit,
    Line,
    Outcome,
    UsageView,
    Warmth,
    hit_ratio,
    rate,
)
from agentdeck.ui.badges import dollars, tokens
from agentdeck.ui.widgets.meters import COLOURS, fill, gauge, shade, spark, squeezed, stacked

MUTED = "$foreground-muted"
Part = Content | str | tuple[str, str]
HEADS = {"agent": "AGENT", "task": "TASK", "team": "TEAM", "model": "MODEL", "harness": "HARNESS", "repo": "REPOSITORY",
         "day": "DAY"}  # fmt: skip
MOST = 200  # lines of a table
OLD_MS = 300_000  # a limit's figure older than this says so
COLD_MS = 60_000  # a cache that goes cold within this time stands out


def heading(text: str, note: str = "") -> Content:
    return Content.assemble((text, "bold $text-secondary"), (f"  {note}" if note else "", MUTED), "\n")


def block(*lines: Content) -> Content:
    return Content("\n").join(lines) if lines else Content("")


def totals(view: UsageView, width: int) -> Content:
    """The sums of the span, how much of the input came from the cache, and what has no price."""
    total, counts = view.total, view.total.tokens
    hit = hit_ratio(counts)
    parts: list[Part] = [
        (dollars(total.cost, total.unpriced_tokens), "bold $text-success"),
        ("  ", ""), (f"{tokens(counts.total)} tokens", "bold"),
        (f"  {total.messages:,} responses", MUTED),
        (f"  cache hit {hit:.0%}" if hit is not None else "", "$text-accent"),
    ]  # fmt: skip
    first = Content.assemble(*parts).truncate(width, ellipsis=True)
    writes = counts.cache_write_5m + counts.cache_write_1h
    classes = (
        ("input", counts.input), ("cached", counts.cache_read), ("written", writes), ("output", counts.output),
    )  # fmt: skip
    second = Content("  ").join(Content.assemble((name, MUTED), f" {tokens(count)}") for name, count in classes)
    lines = [first, second.truncate(width, ellipsis=True)]
    if total.unpriced_tokens:
        lines.append(Content.styled(f"{total.unpriced_tokens:,} tokens have no known price", "$text-warning"))
    return block(*lines)


def burn(view: UsageView, width: int) -> Content:
    """Tokens a minute and dollars an hour over 1, 5 and 15 minutes, and the last hour as a sparkline."""
    cells = []
    for minutes in (1, 5, 15):
        money, pace = round(rate(view.spend, minutes) * 60), round(rate(view.burn, minutes))
        price = f"{dollars(money)}/h" if money or not pace else "unpriced"
        cells.append(
            Content.assemble(
                (f"{minutes} min ", MUTED), (f"{tokens(pace)}/min", "bold"), (f" {price}", "$text-success"),
            )
        )  # fmt: skip
    shown = spark(squeezed(view.burn, min(width, 60)))
    line = Content.styled(shown, "$text-accent") if shown.strip() else Content.styled("nothing in the last hour", MUTED)
    words = Content("  ").join(cells)
    if words.cell_length > width:
        words = Content("\n").join(cells)
    return block(Content.assemble(heading("burn rate", "the last hour" if shown.strip() else ""), words), line)


def table(view: UsageView, width: int) -> Content:
    """A line a group: name, its share with the models in it, tokens, cache hit, cost."""
    if not view.lines:
        return block(heading(f"by {view.by}"), *(Content.styled(text, MUTED) for text in _nothing(view)))
    legend = places(view.models)
    top = max(line.used.tokens.total for line in view.lines)
    wide, cost = width >= 76, 11
    numbers = 9 + cost + (6 + 18 if wide else 0)
    name = max(8, min(max(len(line.name) for line in view.lines), 28, (width - numbers) * 2 // 3))
    room = max(0, width - numbers - name - 2)
    head = f"{HEADS[view.by]:<{name}}  {'':<{room}}{'TOKENS':>9}" + (f"{'IN':>9}{'OUT':>9}{'HIT':>6}" if wide else "")
    lines = [Content.styled(f"{head}{'COST':>{cost}}", MUTED)]
    for line in view.lines[:MOST]:
        shown = shortened(line.name, name, path=view.by == "repo")
        lines.append(_line(line, shown, legend, (name, room, cost), top, wide))
    more = len(view.lines) - MOST
    if more > 0:
        lines.append(Content.styled(f"and {more} more: `agentdeck usage --by {view.by}` lists all", MUTED))
    return block(*lines)


def _nothing(view: UsageView) -> tuple[str, ...]:
    if view.span != "all":
        return ("nothing was used in this time; ] and [ choose another",)
    return "nothing was counted yet", "`agentdeck usage import` takes in what clients have on this machine"


def shortened(name: str, room: int, *, path: bool = False) -> str:
    """A name in `room` cells: of a path the end counts, of another name the beginning."""
    text = f"~{name.removeprefix(str(Path.home()))}" if path and name.startswith(f"{Path.home()}/") else name
    if len(text) <= room:
        return text
    if not path:
        return f"{text[: room - 1]}…"
    end = text[1 - room :]
    begin = end.find("/")
    return f"…{end[begin:] if 0 <= begin < room // 2 else end}"


def _line(line: Line, shown: str, legend: dict[str, int], sizes: tuple[int, int, int], top: int, wide: bool) -> Content:
    name, room, cost = sizes
    counts, hit = line.used.tokens, hit_ratio(line.used.tokens)
    parts = [(legend.get(model, len(legend)), count) for model, count in line.models]
    share = stacked(sorted(parts), room, top) if room else Content("")
    more = f"{tokens(counts.total - counts.output):>9}{tokens(counts.output):>9}{_percent(hit):>6}" if wide else ""
    money = dollars(line.used.cost, line.used.unpriced_tokens)
    return Content.assemble(
        (f"{shown:<{name}}  ", "italic" if line.outside else ""), share, f"{tokens(counts.total):>9}", (more, MUTED),
        (f"{money:>{cost}}", "$text-success"),
    )  # fmt: skip


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def places(models: Sequence[Line]) -> dict[str, int]:
    """Each model's place in the legend: the one with the most tokens first."""
    by_tokens = sorted(models, key=lambda line: -line.used.tokens.total)
    return {line.key: place for place, line in enumerate(by_tokens)}


def models(view: UsageView, width: int) -> Content:
    """One bar over all models, and what each took."""
    whole = view.total.tokens.total
    if not whole:
        return Content("")
    legend = places(view.models)
    ordered = sorted(view.models, key=lambda line: legend[line.key])
    parts = [(legend[line.key], line.used.tokens.total) for line in ordered]
    lines = [heading("models"), stacked(parts, width, whole), Content("")]
    name = max(8, min(30, width - 30))
    for line in ordered[:8]:
        place = legend[line.key]
        money = dollars(line.used.cost, line.used.unpriced_tokens)
        row = Content.assemble(
            (f"{fill(place)} ", COLOURS[place % len(COLOURS)]), f"{line.name[:name]:<{name}}",
            f"{line.used.tokens.total / whole:>6.0%}{tokens(line.used.tokens.total):>9}",
            (f"{money:>10}", "$text-success"),
        )  # fmt: skip
        lines.append(row)
    return Content.assemble(lines[0], block(*lines[1:2], *lines[3:]))


def outcome(view: UsageView, merged: int, width: int) -> Content:
    """What a task that was accepted has cost, and a line that was merged, failures included."""
    found: Outcome = view.outcome
    if not found.tried:
        return Content("")
    lines = []
    if found.accepted:
        each = dollars(round(found.cost / found.accepted), found.unpriced)
        lines.append(Content.assemble((each, "bold $text-success"), " per accepted task"))
    else:
        lines.append(Content.styled("no task was accepted", MUTED))
    if merged:
        each = dollars(round(found.cost / merged), found.unpriced)
        lines.append(Content.assemble((each, "bold $text-success"), " per merged line"))
    said = f"{found.accepted} of {found.tried} accepted" + (f", {merged:,} lines merged" if merged else "")
    lines.append(Content.styled(f"{said}; {dollars(found.cost, found.unpriced)} in all, failures included", MUTED))
    return Content.assemble(heading("what came of it"), block(*lines))


def limits(found: Sequence[Limit], now: int, width: int) -> Content:
    """The clients' own limits as they told them, with reset and forecast."""
    if not found:
        return Content("")
    shown = found[:8]
    name = longest([f"{one.harness} {one.window}" for one in shown])
    lines, room = [], max(6, width - name - 8)
    for one in shown:
        label = f"{one.harness} {one.window}"
        share = gauge(one.used_percent / 100, room)
        lines.append(Content.assemble(f"{label:<{name}}  ", share, (f"{one.used_percent:>5.0f}%", "bold")))
        ahead = f"full at {clock(one.forecast, now)}, " if one.forecast else ""
        resets = f"resets {clock(one.resets_at, now)}" if one.resets_at else "no reset is told"
        old = f", told {age(now - one.at)} ago" if now - one.at > OLD_MS else ""
        note = Content.assemble(" " * (name + 2), (ahead, "bold $text-warning"), (resets + old, MUTED))
        lines.append(note.truncate(width, ellipsis=True))
    return Content.assemble(heading("limits", "told by the clients"), block(*lines))


def longest(names: Sequence[str]) -> int:
    """Columns for names."""
    return max((min(18, len(name)) for name in names), default=0)


def clock(ms: int, now: int) -> str:
    """A time for one glance: `18:50`, on another day `Thu 18:50`."""
    when, today = datetime.fromtimestamp(ms / 1000), datetime.fromtimestamp(now / 1000)
    return f"{when:%H:%M}" if when.date() == today.date() else f"{when:%a %H:%M}"


def caches(found: Sequence[Warmth], now: int, width: int) -> Content:
    """Whose prompt cache goes cold when, and what it takes to fill it again."""
    if not found:
        return Content("")
    lines, name = [], longest([one.agent for one in found[:8]])
    for one in found[:8]:
        left = max(0, one.expires_at - now)
        style = "bold $text-warning" if left < COLD_MS else ""
        again = f", then {tokens(one.recache_tokens)} again" if one.recache_tokens else ""
        hit = f"  hit {one.hit_ratio:.0%}" if one.hit_ratio is not None else ""
        cold = (f"goes cold in {age(left)}", style)
        text = Content.assemble(f"{one.agent[:18]:<{name}}  ", cold, (again + hit, MUTED))
        lines.append(text.truncate(width, ellipsis=True))
    return Content.assemble(heading("prompt cache"), block(*lines))


def contexts(found: Sequence[Fill], width: int) -> Content:
    """How full each agent's context is, the fullest first."""
    if not found:
        return Content("")
    shown = found[:12]
    lines, name = [], longest([one.agent for one in shown])
    room = max(6, width - name - 24)
    for one in shown:
        size = f"{tokens(one.used)} of {tokens(one.window)}" if one.window else tokens(one.used)
        share = one.used / one.window if one.window else 0.0
        meter = gauge(share, room) if one.window else Content(" " * room)
        percent = f"{share:>5.0%}" if one.window else " " * 5
        lines.append(Content.assemble(f"{one.agent[:18]:<{name}}  ", meter, percent, (f" {size:>16}", MUTED)))
    more = len(found) - len(shown)
    if more > 0:
        lines.append(Content.styled(f"and {more} more", MUTED))
    return Content.assemble(heading("context"), block(*lines))


def budget(view: UsageView, width: int) -> Content:
    """Every limit of ours, the nearest first."""
    if not view.budgets:
        note = "none; `agentdeck budget set day --usd 50` sets one"
        return Content.assemble(heading("budgets"), Content.styled(note, MUTED))
    found = sorted(view.budgets, key=lambda pair: -pair[1].share)[:10]
    words = [budgets.used_of(one.unit, one.used, one.limit) for _, one in found]
    name, last = longest([label for label, _ in found]), max(len(text) for text in words)
    lines, room = [], max(6, width - name - last - 9)
    for (label, one), text in zip(found, words, strict=True):
        meter = gauge(one.share, room)
        lines.append(Content.assemble(f"{label[:18]:<{name}}  ", meter, f"{one.share:>6.0%} ", (text, MUTED)))
        if one.blind:
            note = f"{' ' * (name + 2)}and {tokens(one.blind)} tokens without a price"
            lines.append(Content.styled(note, "$text-warning"))
    return Content.assemble(heading("budgets"), block(*lines))


def heat(view: UsageView, width: int) -> Content:
    """Tokens by day and hour, the newest day first."""
    if not view.heat:
        return Content("")
    top, each = max(view.heat.values()), 2 if width >= 54 else 1
    now = datetime.fromtimestamp(view.now / 1000)
    lines = []
    for ago in range(HEAT_DAYS):
        day = datetime.fromtimestamp(view.now / 1000 - ago * 86_400)
        cells = []
        for hour in range(24):
            ahead = ago == 0 and hour > now.hour
            sign = " " if ahead else shade(view.heat.get((ago, hour), 0), top)
            cells.append((sign * each, MUTED if sign == "·" else "$text-accent"))
        lines.append(Content.assemble((f"{day:%a} ", MUTED), *cells))
    ticks = "".join(f"{hour:02}".ljust(3 * each) for hour in range(0, 24, 3))
    return Content.assemble(
        heading("when", f"tokens by hour, most {tokens(top)}"), block(*lines, Content.styled(f"    {ticks}", MUTED))
    )


def course(view: UsageView, width: int) -> Content:
    """The cost over the span as a sparkline, where there is no room for a chart."""
    values = [cost for _, cost in view.course]
    if not any(values):
        return Content("")
    unit = "hour" if view.span == "today" else "day"
    return Content.assemble(
        heading(f"cost by {unit}", f"most {dollars(max(values))}"),
        (spark(squeezed(values, width)), "$text-success"),
    )
