"""The usage screen: groups and spans by keys, every block in its words, at the smallest size too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Static

from agentdeck.models.budget import Amounts, Budget, Standing
from agentdeck.models.clock import now_ms
from agentdeck.models.usage import Tokens
from agentdeck.services.fleet import UsageSum
from agentdeck.services.usage.usage_view import Fill, Limit, Line, Outcome, UsageView, Warmth
from agentdeck.ui.screens.usage import UsageScreen
from agentdeck.ui.widgets import cost_plot, meters, usage_text
from tests.ui.deck_fakes import fake, make_app, row, until

NOW = 1_790_000_000_000
SUM = UsageSum(Tokens(1000, 8000, 1000, 0, 500), 12, 4_200_000_000, 0)
BLIND = UsageSum(Tokens(700, 0, 0, 0, 50), 3, 0, 750)
VIEW = UsageView(
    "agent", "today", NOW,
    lines=(Line("a", "ann", SUM, (("opus", 10_000), ("haiku", 500))), Line("b", "bob", BLIND, (("local", 750),))),
    total=SUM + BLIND, models=(Line("opus", "opus", SUM), Line("local", "local", BLIND)),
    burn=(0,) * 59 + (1200,), spend=(0,) * 59 + (10_000_000,), heat={(0, 1): 50, (2, 13): 900},
    course=(("00", 5), ("01", 4_200_000_000)),
    limits=(Limit("claude", "me", "5h", 63.0, NOW + 9_000_000, NOW, NOW + 3_000_000),),
    warmth=(Warmth("ann", NOW + 40_000, 0.93, 84_000),), fills=(Fill("ann", 150_000, 200_000),),
    budgets=(("today", Standing(Budget("day", "", Amounts(usd=5)), "usd", 4_200_000_000, 5_000_000_000, 750)),),
    outcome=Outcome(4_200_000_000, 0, 100, 2, 3),
)  # fmt: skip


def test_every_block_says_what_it_has_to() -> None:
    width = 60
    assert usage_text.totals(VIEW, 90).plain.split("\n")[0] == "$4.20+?  11.2k tokens  15 responses  cache hit 75%"
    assert "1 min 1.2k/min $0.60/h" in usage_text.burn(VIEW, 80).plain
    table = usage_text.table(VIEW, width).plain.split("\n")
    assert table[1].startswith("ann")
    assert table[1].endswith("$4.20")
    assert table[2].endswith("unpriced")
    assert {len(line) for line in table} == {width}
    assert "full at" in usage_text.limits(VIEW.limits, NOW, width).plain
    assert "goes cold in 40s, then 84.0k again" in usage_text.caches(VIEW.warmth, NOW, width).plain
    assert "75%" in usage_text.contexts(VIEW.fills, width).plain
    budget = usage_text.budget(VIEW, width).plain
    assert "84% $4.20 of $5.00" in budget
    assert "750 tokens without a price" in budget
    came = usage_text.outcome(VIEW, 120, width).plain
    assert "$2.10 per accepted task" in came
    assert "$0.04 per merged line" in came
    assert "█" in usage_text.heat(VIEW, width).plain


def test_of_a_path_the_end_is_shown_and_of_a_name_the_beginning() -> None:
    assert usage_text.shortened("/src/customers/engine-room", 14, path=True) == "…/engine-room"
    assert usage_text.shortened("/src/a-rather-long-name", 12, path=True) == "…r-long-name"
    assert usage_text.shortened(f"{Path.home()}/src/shop", 14, path=True) == "~/src/shop"
    assert usage_text.shortened("a-long-name-of-an-agent", 10) == "a-long-na…"
    assert usage_text.shortened("ann", 10) == "ann"


def test_nothing_says_where_more_may_be() -> None:
    empty = UsageView("agent", "today", NOW)
    assert "] and [ choose another" in usage_text.table(empty, 78).plain
    assert "agentdeck usage import" in usage_text.table(replace(empty, span="all"), 78).plain


def test_the_pace_of_what_has_no_price_is_not_called_free() -> None:
    free = replace(VIEW, spend=(0,) * 60)
    assert "1 min 1.2k/min unpriced" in usage_text.burn(free, 90).plain


def test_the_chart_has_the_days_limit_only_where_all_of_it_counts_under_it() -> None:
    assert cost_plot._limit(VIEW, 4.2) == (5.0, "; limit $5.00")
    assert cost_plot._limit(VIEW, 14.2) == (0.0, "; agents $4.20 of $5.00")
    assert cost_plot._limit(replace(VIEW, span="30 days"), 14.2) == (0.0, "")


def test_blocks_never_outgrow_their_width() -> None:
    long = replace(VIEW, lines=tuple(replace(line, name="x" * 90) for line in VIEW.lines))
    for width in (40, 52, 78, 120):
        for text in (usage_text.table(long, width), usage_text.totals(long, width), usage_text.budget(long, width),
                     usage_text.limits(long.limits, NOW, width), usage_text.contexts(long.fills, width)):  # fmt: skip
            assert max(map(len, text.plain.split("\n"))) <= width


def test_meters_show_the_least_and_hold_at_the_most() -> None:
    assert meters.bar(0.001, 10).plain == "╸" + "─" * 9
    assert meters.bar(7.0, 10).plain == "━" * 10
    assert meters.bar(0.0, 4).plain == "────"
    assert meters.squeezed([1] * 60, 20) == [3] * 20
    assert meters.stacked([(0, 1), (1, 1)], 10, 4).plain == "██▓▓▓     " or len(meters.stacked([(0, 1)], 10, 4)) == 10
    assert meters.shade(0, 9) == "·"
    assert meters.shade(9, 9) == "█"


def words(screen: UsageScreen, name: str) -> str:
    return str(screen.query_one(f"#usage-{name}", Static).content)


async def opened(pilot: Pilot[int]) -> UsageScreen:
    await until(pilot, lambda: pilot.app.deck.ready)  # type: ignore[attr-defined]
    await pilot.press("u")
    await until(pilot, lambda: isinstance(pilot.app.screen, UsageScreen) and pilot.app.screen._view is not None)
    assert isinstance(pilot.app.screen, UsageScreen)
    return pilot.app.screen


async def test_keys_choose_group_and_span_and_where_one_was_is_kept() -> None:
    UsageScreen.chosen = ("agent", "today")
    app = make_app(row("ann"))
    async with app.run_test(size=(80, 24)) as pilot:
        fake(app).usage = replace(VIEW, now=now_ms())
        screen = await opened(pilot)
        assert "ann" in words(screen, "table")
        await pilot.press("right", "right", "]")
        await until(pilot, lambda: fake(app).looks[-1] == ("team", "7 days"))
        await pilot.press("7", "left", "[")
        await until(pilot, lambda: fake(app).looks[-1] == ("repo", "today"))
        await pilot.press("q")
        await until(pilot, lambda: app.screen is app.deck)
        await opened(pilot)
        assert fake(app).looks[-1] == ("repo", "today")
        await pilot.press("escape")


async def test_a_large_terminal_has_the_chart() -> None:
    app = make_app(row("ann"))
    async with app.run_test(size=(200, 60)) as pilot:
        fake(app).usage = replace(VIEW, now=now_ms())
        screen = await opened(pilot)
        await until(pilot, lambda: screen.has_class("-chart"), "the chart")
        await until(pilot, lambda: screen.query_one("#usage-plot").region.height > 10, "its room")
        assert not screen.query_one("#usage-course").display
