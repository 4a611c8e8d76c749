"""AutoResearch, full screen: one loop's metric over its experiments, its ledger, and any experiment up close."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Click, Resize
from textual.screen import Screen
from textual.widgets import DataTable, Static

from agentdeck.errors import AgentDeckError
from agentdeck.research.board import Board, LoopView
from agentdeck.ui.actions import RESEARCH_KEYS
from agentdeck.ui.clicks import does, under
from agentdeck.ui.held_keys import KeysWanted
from agentdeck.ui.screens.standing import stands
from agentdeck.ui.widgets import research_plot
from agentdeck.ui.widgets import research_text as words

if TYPE_CHECKING:
    from textual_plotext import PlotextPlot

AGAIN = 1.0  # seconds between two looks
CHART = (80, 26)  # the least columns and rows with room for the charts
COST_FROM = 150  # columns
EMPTY = "No loop yet. Write a contract with `agentdeck research init`, then `agentdeck research start`."


class ResearchScreen(Screen[None], inherit_bindings=False):
    """Looks again each second, off the loop. `wanted` is the loop to show first."""

    CSS_PATH = "research.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, show=False)
        for keys, action in (
            ("tab,right,right_square_bracket", "loop(1)"), ("shift+tab,left,left_square_bracket", "loop(-1)"),
            ("down,j", "move('cursor_down')"), ("up,k", "move('cursor_up')"), ("pagedown,space", "move('page_down')"),
            ("pageup", "move('page_up')"), ("home,g", "move('scroll_top')"), ("end,G", "move('scroll_bottom')"),
            ("f,slash", "filter"), ("enter,d", "diff"), ("l", "log"), ("p", "pause"),
            ("r,q,escape,ctrl+q,ctrl+right_square_bracket", "leave"),
        )
    ]  # fmt: skip

    def __init__(self, wanted: str = "") -> None:
        super().__init__()
        self._board = Board()
        self._views: list[LoopView] = []
        self._wanted = wanted
        self._filter = words.FILTERS[0]
        self._plots: list[PlotextPlot] = []
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        yield Static(id="research-tabs")
        yield Static(EMPTY, id="research-standing")
        yield Horizontal(id="research-charts")
        table: DataTable[Content] = DataTable(id="research-table", cursor_type="row", zebra_stripes=False)
        table.can_focus = False
        for name, width in words.COLUMNS.items():
            table.add_column(name, key=name, width=width)
        yield table
        yield Static(_key_words(), id="research-keys")

    def on_mount(self) -> None:
        self.set_interval(AGAIN, self._look)
        self._look()
        self.run_worker(self._bring_plots, group="plot")

    def on_screen_resume(self) -> None:
        self.post_message(KeysWanted())

    def on_resize(self, event: Resize) -> None:
        self._make_room()

    # -- looking

    def _look(self) -> None:
        self.run_worker(self._fetch, group="research", exclusive=True)

    async def _fetch(self) -> None:
        self._views = await asyncio.to_thread(self._board.load)
        self._draw()

    async def _bring_plots(self) -> None:
        plotext = await asyncio.to_thread(importlib.import_module, "textual_plotext")
        if not stands(self):
            return
        self._plots = [plotext.PlotextPlot(id="research-metric"), plotext.PlotextPlot(id="research-cost")]
        await self.query_one("#research-charts").mount(*self._plots)
        self._make_room()
        self._drawn = None
        self.call_after_refresh(self._draw)

    def _make_room(self) -> None:
        size = self.app.size
        self.set_class(size.width >= CHART[0] and size.height >= CHART[1] and bool(self._plots), "-chart")

    @property
    def view(self) -> LoopView | None:
        """The loop that is shown."""
        named = (each for each in self._views if each.place.name == self._wanted)
        return next(named, self._views[0] if self._views else None)

    # -- drawing

    def _draw(self) -> None:
        view = self.view
        if view is None or not stands(self):
            return
        tabs = [(" Research ", "bold"), *(_tab(each, each is view) for each in self._views)]
        self.query_one("#research-tabs", Static).update(Content.assemble(*tabs), layout=False)
        self.query_one("#research-standing", Static).update(words.standing(view))
        last = view.experiments[-1] if view.experiments else None
        what = (view.place.name, self._filter, len(view.experiments), last, self.has_class("-chart"))
        if what != self._drawn:
            self._drawn = what
            self._fill(view)
            if self._plots and self.has_class("-chart"):
                spent = view.standing["cost_usd"] > 0 and self.app.size.width >= COST_FROM
                self._plots[1].display = spent
                research_plot.draw_metric(self._plots[0], view)
                if spent:
                    research_plot.draw_cost(self._plots[1], view)

    def _fill(self, view: LoopView) -> None:
        table = self.query_one(DataTable)
        chosen = self._chosen()
        table.clear()
        found = words.shown(list(view.experiments), self._filter)
        for each in found:
            table.add_row(*words.cells(each), key=each.id)
        place = next((n for n, each in enumerate(found) if each.id == chosen), 0)
        table.move_cursor(row=place, animate=False)

    def _chosen(self) -> str:
        """The id of the experiment under the cursor, or ''."""
        table = self.query_one(DataTable)
        if not table.row_count:
            return ""
        return str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value)

    # -- keys

    def action_loop(self, step: int) -> None:
        view = self.view
        if view is not None:
            at = self._views.index(view)
            self._wanted = self._views[(at + step) % len(self._views)].place.name
            self._draw()

    def action_move(self, how: str) -> None:
        getattr(self.query_one(DataTable), f"action_{how}")()

    def action_filter(self) -> None:
        self._filter = words.FILTERS[(words.FILTERS.index(self._filter) + 1) % len(words.FILTERS)]
        self.notify(f"Showing {self._filter}", timeout=2)
        self._draw()

    def action_diff(self) -> None:
        self._close_look("diff")

    def action_log(self) -> None:
        self._close_look("log")

    def _close_look(self, what: str) -> None:
        view, chosen = self.view, self._chosen()
        each = next((e for e in view.experiments if e.id == chosen), None) if view is not None else None
        if view is not None and each is not None:
            from agentdeck.research import view as looks

            read = looks.diff if what == "diff" else looks.log
            title = f" {view.place.name} {each.id}  {each.outcome}  {each.hypothesis}"
            self.app.push_screen(ResearchText(title, lambda: read(view.place, each)))

    def action_pause(self) -> None:
        view = self.view
        if view is not None:
            self.run_worker(self._pause(view), group="pause")

    async def _pause(self, view: LoopView) -> None:
        from agentdeck.research import ledger

        paused = view.standing["state"] in ("paused", "blocked")
        try:
            await asyncio.to_thread(ledger.append, view.place.ledger, "resumed" if paused else "paused")
        except AgentDeckError as error:
            self.notify(error.title, severity="error")
            return
        self.notify("It goes on" if paused else "It pauses when this experiment is over")
        self._look()

    def action_leave(self) -> None:
        self.dismiss(None)

    def on_click(self, event: Click) -> None:
        kind, _, what = under(event).partition(":")
        if kind == "loop":
            self._wanted = what
            self._draw()
        elif kind == "leave":
            self.action_leave()


class ResearchText(Screen[None], inherit_bindings=False):
    """A diff or a log, to scroll through."""

    CSS_PATH = "research.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, show=False)
        for keys, action in (
            ("down,j", "go('scroll_down')"), ("up,k", "go('scroll_up')"), ("pagedown,space", "go('page_down')"),
            ("pageup,b", "go('page_up')"), ("home,g", "go('scroll_home')"), ("end,G", "go('scroll_end')"),
            ("q,escape,d,l,ctrl+q,ctrl+right_square_bracket", "leave"),
        )
    ]  # fmt: skip

    def __init__(self, title: str, read: Callable[[], str]) -> None:
        super().__init__()
        self._title, self._read = title, read

    def compose(self) -> ComposeResult:
        yield Static(Content(self._title), id="research-tabs")
        with VerticalScroll(id="research-page", can_focus=False):
            yield Static("reading", id="research-text")

    async def on_mount(self) -> None:
        self.run_worker(self._fetch)

    def on_screen_resume(self) -> None:
        self.post_message(KeysWanted())

    async def _fetch(self) -> None:
        try:
            text = await asyncio.to_thread(self._read)
        except AgentDeckError as error:
            text = f"{error.title}\n{error.hint}"
        lines = [_coloured(line) for line in text[-200_000:].splitlines()]
        if stands(self):
            self.query_one("#research-text", Static).update(Content("\n").join(lines))

    def action_go(self, how: str) -> None:
        page = self.query_one("#research-page", VerticalScroll)
        if how.startswith("page"):
            page.scroll_relative(y=(page.size.height - 1) * (1 if how == "page_down" else -1), animate=False)
        else:
            getattr(page, how)(animate=False)

    def action_leave(self) -> None:
        self.dismiss(None)


def _coloured(line: str) -> Content:
    """As git colours a diff; control characters of a log are left out."""
    clean = "".join(c for c in line.expandtabs() if c >= " ")
    styles = {"+": "$text-success", "-": "$text-error", "@": "$text-accent", "=": "bold"}
    return Content.styled(clean, styles.get(line[:1], ""))


def _tab(view: LoopView, chosen: bool) -> Content:
    look = "bold reverse $text-accent" if chosen else "$foreground-muted"
    return does(Content.styled(f" {view.place.name} ", look), f"loop:{view.place.name}")


def _key_words() -> Content:
    pairs = [
        Content.assemble((f" {key}", "bold $text-accent"), (f" {said}  ", "$foreground-muted"))
        for key, said, _ in RESEARCH_KEYS
    ]
    return Content("").join([*pairs[:-1], does(pairs[-1], "leave")])
