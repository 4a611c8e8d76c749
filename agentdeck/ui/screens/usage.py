"""What everything costs, full screen: by agent, task, team, model, harness, repository or day, and at which pace."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.events import Click, Resize
from textual.screen import Screen
from textual.widgets import Static

from agentdeck.services.usage.usage_view import BYS, SPANS, By, Span, UsageView
from agentdeck.ui.actions import USAGE_KEYS
from agentdeck.ui.clicks import does, under
from agentdeck.ui.held_keys import KeysWanted
from agentdeck.ui.screens.standing import stands
from agentdeck.ui.widgets import cost_plot
from agentdeck.ui.widgets import usage_text as words

if TYPE_CHECKING:
    from textual_plotext import PlotextPlot

AGAIN = 1.0  # seconds between two looks
REST = 20  # so many times as long as a look took is waited until the next, if that is more
CHART = (100, 36)  # the least columns and rows with room for the chart
Loader = Callable[[By, Span], Awaitable[tuple[UsageView, int]]]
"""Gives the view and the lines that landed tasks have merged."""
_SUMS = ("totals", "burn", "table", "models")
_COURSE = ("course", "outcome", "heat")
_BOUNDS = ("budgets", "limits", "caches", "contexts")


class UsageScreen(Screen[None], inherit_bindings=False):
    """Looks again each second, off the loop. `chosen` is where one was the last time."""

    CSS_PATH = "usage.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (190, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, show=False)
        for keys, action in (
            ("right,l,tab", "by(1)"), ("left,h,shift+tab", "by(-1)"), ("right_square_bracket", "span(1)"),
            ("left_square_bracket", "span(-1)"), ("down,j", "scroll(1)"), ("up,k", "scroll(-1)"),
            ("pagedown,space", "page(1)"), ("pageup", "page(-1)"), ("home,g", "home"), ("end,G", "end"),
            ("u,q,escape,ctrl+q,ctrl+right_square_bracket", "leave"),
            *((str(number), f"by_number({number})") for number in range(1, len(BYS) + 1)),
        )
    ]  # fmt: skip

    chosen: ClassVar[tuple[By, Span]] = ("agent", "today")

    def __init__(self, load: Loader) -> None:
        super().__init__()
        self._load = load
        self._view: UsageView | None = None
        self._merged = 0
        self._drawn: dict[str, Content] = {}
        self._plot: PlotextPlot | None = None
        self._plotted: object = None

    def compose(self) -> ComposeResult:
        yield Static(id="usage-tabs")
        with VerticalScroll(id="usage-page", can_focus=False), Container(id="usage-columns"):
            with Container(id="usage-left"):
                yield from _column("sums", _SUMS)
                yield from _column("course", _COURSE)
            yield from _column("bounds", _BOUNDS)
        yield Static(_key_words(), id="usage-keys")

    def on_mount(self) -> None:
        self._draw_tabs()
        self._again = self.set_timer(AGAIN, self._look)
        self._look()
        self.run_worker(self._bring_plot, group="plot")

    def on_screen_resume(self) -> None:
        self.post_message(KeysWanted())

    def on_resize(self, event: Resize) -> None:
        self._make_room()
        self._draw_tabs()
        self.call_after_refresh(self._draw)

    # -- looking

    def _look(self) -> None:
        self.run_worker(self._fetch, group="usage", exclusive=True)

    async def _fetch(self) -> None:
        started = time.monotonic()
        by, span = self.chosen
        view, merged = await self._load(by, span)
        if (view.by, view.span) == self.chosen:
            self._view, self._merged = view, merged
            self._draw()
        self._again.stop()
        self._again = self.set_timer(max(AGAIN, REST * (time.monotonic() - started)), self._look)

    async def _bring_plot(self) -> None:
        await asyncio.to_thread(importlib.import_module, "textual_plotext")
        if not stands(self):
            return
        self._plot = cost_plot.make("usage-plot")
        await self.query_one("#usage-column-course").mount(self._plot, before=0)
        self._make_room()
        self.call_after_refresh(self._draw)

    def _make_room(self) -> None:
        fits = self.app.size.width >= CHART[0] and self.app.size.height >= CHART[1]
        self.set_class(fits and self._plot is not None, "-chart")

    # -- drawing

    def _draw_tabs(self) -> None:
        by, span = self.chosen
        left = [(" Usage ", "bold"), *(_tab(each, each == by, f"by:{each}") for each in BYS)]
        right = [_tab(each, each == span, f"span:{each}") for each in SPANS]
        first, last = Content.assemble(*left), Content.assemble(*right)
        room = self.app.size.width - first.cell_length - last.cell_length
        if room < 1:  # only what is chosen
            last = _tab(span, True, "span:next")
            room = self.app.size.width - first.cell_length - last.cell_length
        if room < 1:
            first = Content.assemble(*left[1:])
            room = self.app.size.width - first.cell_length - last.cell_length
        self.query_one("#usage-tabs", Static).update(Content.assemble(first, " " * max(room, 1), last), layout=False)

    def _draw(self) -> None:
        view = self._view
        if view is None or not stands(self):
            return
        with self.app.batch_update():
            for name in (*_SUMS, *_COURSE, *_BOUNDS):
                self._draw_block(self.query_one(f"#usage-{name}", Static), name, view)
        if self._plot is not None and self.has_class("-chart"):
            what = (view.span, view.course, view.budgets)
            if what != self._plotted:
                self._plotted = what
                cost_plot.draw(self._plot, view)

    def _draw_block(self, block: Static, name: str, view: UsageView) -> None:
        column = block.parent.content_region.width if isinstance(block.parent, Container) else 0
        text = self._text(name, view, column or self.size.width - 2)
        if self._drawn.get(name) != text:
            self._drawn[name] = text
            block.update(text)
        block.display = bool(text.plain) and not (name == "course" and self.has_class("-chart"))

    def _text(self, name: str, view: UsageView, width: int) -> Content:
        return {
            "totals": lambda: words.totals(view, width),
            "burn": lambda: words.burn(view, width),
            "table": lambda: words.table(view, width),
            "models": lambda: words.models(view, width) if view.by != "model" else Content(""),
            "budgets": lambda: words.budget(view, width),
            "limits": lambda: words.limits(view.limits, view.now, width),
            "caches": lambda: words.caches(view.warmth, view.now, width),
            "contexts": lambda: words.contexts(view.fills, width),
            "course": lambda: words.course(view, width),
            "outcome": lambda: words.outcome(view, self._merged, width),
            "heat": lambda: words.heat(view, width),
        }[name]()

    # -- keys

    def _choose(self, by: By | None = None, span: Span | None = None) -> None:
        UsageScreen.chosen = (by or self.chosen[0], span or self.chosen[1])
        self._draw_tabs()
        self._look()

    def action_by(self, step: int) -> None:
        self._choose(by=BYS[(BYS.index(self.chosen[0]) + step) % len(BYS)])

    def action_by_number(self, number: int) -> None:
        self._choose(by=BYS[number - 1])

    def action_span(self, step: int) -> None:
        self._choose(span=SPANS[(SPANS.index(self.chosen[1]) + step) % len(SPANS)])

    def action_scroll(self, step: int) -> None:
        self._page.scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        self._page.scroll_relative(y=step * (self._page.size.height - 1), animate=False)

    def action_home(self) -> None:
        self._page.scroll_home(animate=False)

    def action_end(self) -> None:
        self._page.scroll_end(animate=False)

    def action_leave(self) -> None:
        self.dismiss(None)

    @property
    def _page(self) -> VerticalScroll:
        return self.query_one("#usage-page", VerticalScroll)

    def on_click(self, event: Click) -> None:
        kind, _, what = under(event).partition(":")
        if kind == "by":
            self._choose(by=next(each for each in BYS if each == what))
        elif kind == "span":
            found = next((each for each in SPANS if each == what), None)
            self._choose(span=found) if found else self.action_span(1)
        elif kind == "leave":
            self.action_leave()


def _column(column: str, names: tuple[str, ...]) -> ComposeResult:
    with Container(classes="column", id=f"usage-column-{column}"):
        for name in names:
            yield Static(classes="block", id=f"usage-{name}")


def _tab(text: str, chosen: bool, what: str) -> Content:
    return does(Content.styled(f" {text} ", "bold reverse $text-accent" if chosen else "$foreground-muted"), what)


def _key_words() -> Content:
    pairs = [
        Content.assemble((f" {key}", "bold $text-accent"), (f" {said}  ", "$foreground-muted"))
        for key, said, _ in USAGE_KEYS
    ]
    return Content("").join([*pairs[:-1], does(pairs[-1], "leave")])
