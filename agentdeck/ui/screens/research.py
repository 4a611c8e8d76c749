"""AutoResearch, full screen: one loop's metric over its experiments, its ledger, and any experiment up close."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click, Resize
from textual.screen import Screen
from textual.widgets import Input, Static

from agentdeck.models.experiment import Experiment
from agentdeck.research.board import Board, LoopView
from agentdeck.ui.actions import RESEARCH_KEYS
from agentdeck.ui.clicks import does, under
from agentdeck.ui.held_keys import KeysWanted
from agentdeck.ui.screens.standing import stands
from agentdeck.ui.verbs.research import Verbs
from agentdeck.ui.widgets import research_plot
from agentdeck.ui.widgets import research_text as words
from agentdeck.ui.widgets.research_table import ResearchTable

if TYPE_CHECKING:
    from textual_plotext import PlotextPlot

    from agentdeck.ui.screens.deck import DeckScreen

AGAIN = 1.0  # seconds between two looks
CHART = (80, 30)  # the least columns and rows with room for the charts
COST_FROM = 150  # columns
EMPTY = """\
No loop yet. A loop proposes a change to your code, measures it, and keeps it only when it is better:

  cd YOUR-REPOSITORY
  agentdeck research init       writes research.toml and program.md: what may change, how it is measured, what you want
  git add -A && git commit      a loop starts from a commit
  agentdeck research start      shows the commands it will run, and runs them here

`agentdeck demo` has one that runs without a model. docs/research.md tells the rest."""


class ResearchScreen(Screen[None], inherit_bindings=False):
    """Looks again each second, off the loop. `wanted` is the loop to show first; `deck` starts processes of loops."""

    CSS_PATH = "research.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, show=False)
        for keys, action in (
            ("tab,right,right_square_bracket", "loop(1)"), ("shift+tab,left,left_square_bracket", "loop(-1)"),
            ("down,j", "move(1)"), ("up,k", "move(-1)"), ("pagedown,space", "page(1)"), ("pageup", "page(-1)"),
            ("home,g", "move(-1000000000)"), ("end,G", "move(1000000000)"), ("f", "filter"), ("slash", "search"),
            ("enter,d", "look('diff')"), ("l", "look('log')"), ("i", "look('prompt')"), ("o", "look('proposer')"),
            ("p", "do('pause')"), ("s", "do('steer')"), ("x", "do('stop')"), ("B", "do('bad')"), ("F", "do('fork')"),
            ("R", "do('rerun')"), ("escape", "back"), ("r,q,ctrl+q,ctrl+right_square_bracket", "leave"),
        )
    ]  # fmt: skip

    def __init__(self, wanted: str = "", deck: DeckScreen | None = None) -> None:
        super().__init__()
        self._board = Board()
        self._views: list[LoopView] = []
        self._wanted = wanted
        self._filter = words.FILTERS[0]
        self._text = ""
        self._plots: list[PlotextPlot] = []
        self._filled: object = None
        self._plotted: object = None
        self._verbs = Verbs(self, deck)

    def compose(self) -> ComposeResult:
        yield Static(id="research-tabs")
        yield Static("looking", id="research-standing")
        yield Horizontal(id="research-charts")
        yield ResearchTable(id="research-table")
        yield Static(id="research-detail")
        yield Static(_key_words(), id="research-keys")

    def on_mount(self) -> None:
        self.set_interval(AGAIN, self.look_again)
        self.look_again()
        self.run_worker(self._bring_plots, group="plot")

    def on_screen_resume(self) -> None:
        self.post_message(KeysWanted())

    def on_resize(self, event: Resize) -> None:
        self._make_room()

    # -- looking

    def look_again(self) -> None:
        """Unless a look goes on: the first one at a long ledger takes longer than a second."""
        if not any(worker.group == "research" and worker.is_running for worker in self.workers):
            self.run_worker(self._fetch, group="research")

    async def _fetch(self) -> None:
        self._views = await asyncio.to_thread(self._board.load)
        self.draw()

    async def _bring_plots(self) -> None:
        plotext = await asyncio.to_thread(importlib.import_module, "textual_plotext")
        if not stands(self):
            return
        self._plots = [plotext.PlotextPlot(id="research-metric"), plotext.PlotextPlot(id="research-cost")]
        await self.query_one("#research-charts").mount(*self._plots)
        self._make_room()
        self.call_after_refresh(self.draw)

    def _make_room(self) -> None:
        size = self.app.size
        self.set_class(size.width >= CHART[0] and size.height >= CHART[1] and bool(self._plots), "-chart")
        self._plotted = None
        self.call_after_refresh(self.draw)

    @property
    def view(self) -> LoopView | None:
        """The loop that is shown."""
        named = (each for each in self._views if each.place.name == self._wanted)
        return next(named, self._views[0] if self._views else None)

    @property
    def table(self) -> ResearchTable:
        return self.query_one(ResearchTable)

    @property
    def chosen(self) -> Experiment | None:
        """The experiment under the cursor, as it is now."""
        return self.table.chosen

    # -- drawing

    def draw(self) -> None:
        if not stands(self):
            return
        view = self.view
        self.set_class(view is None, "-empty")
        tabs = [(" Research ", "bold"), *(_tab(each, each is view) for each in self._views)]
        self.query_one("#research-tabs", Static).update(Content.assemble(*tabs), layout=False)
        text = Content(EMPTY) if view is None else words.standing(view)
        self.query_one("#research-standing", Static).update(text)
        if view is None:
            return
        self._fill(view)
        self._plot(view)

    def _fill(self, view: LoopView) -> None:
        what = (view.place.name, view.age, self._filter, self._text)
        if what != self._filled:
            self._filled = what
            self.run_worker(self._sift(view), group="sift", exclusive=True)
        self._tell_chosen()

    async def _sift(self, view: LoopView) -> None:
        """In a thread: of fifty thousand it takes a tenth of a second."""
        found = await asyncio.to_thread(words.shown, view.experiments, self._filter, self._text)
        if stands(self):
            self.table.fill(found, len(view.experiments))
            self._tell_chosen()

    @on(ResearchTable.Moved)
    def _tell_chosen(self) -> None:
        view, each = self.view, self.chosen
        told = words.detail(each, view.reruns.get(each.id, ())) if view and each else Content("")
        self.query_one("#research-detail", Static).update(told, layout=False)

    def _plot(self, view: LoopView) -> None:
        what = (view.place.name, view.age)
        if not self._plots or not self.has_class("-chart") or what == self._plotted:
            return
        self._plotted = what
        spent = view.standing["cost_usd"] > 0 and self.app.size.width >= COST_FROM
        self._plots[1].display = spent
        research_plot.draw_metric(self._plots[0], view)
        if spent:
            research_plot.draw_cost(self._plots[1], view)

    # -- keys

    def action_loop(self, step: int) -> None:
        view = self.view
        if view is not None:
            self._show(self._views[(self._views.index(view) + step) % len(self._views)].place.name)

    def _show(self, name: str) -> None:
        self._wanted = name
        self.table.at = 0
        self.draw()

    def action_move(self, step: int) -> None:
        self.table.move(step)

    def action_page(self, step: int) -> None:
        self.table.move(step * (self.table.room - 1))

    def action_filter(self) -> None:
        self._filter = words.FILTERS[(words.FILTERS.index(self._filter) + 1) % len(words.FILTERS)]
        self.notify(f"Showing {self._filter}", timeout=2)
        self.draw()

    def action_search(self) -> None:
        """A line to type in; what is typed shows at once."""
        found = self.query(Input)
        line = found.first() if found else Input(self._text, placeholder="words, outcome or id", compact=True)
        if not found:
            self.mount(line, before=self.query_one("#research-keys"))
        line.focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._text = event.value.strip()
        self.draw()

    @on(Input.Submitted)
    def _kept(self, event: Input.Submitted) -> None:
        event.stop()
        self.query(Input).remove()

    def action_back(self) -> None:
        """Esc: first the filter goes, then the screen."""
        if self.query(Input) or self._text or self._filter != words.FILTERS[0]:
            self.query(Input).remove()
            self._text, self._filter = "", words.FILTERS[0]
            self.draw()
        else:
            self.action_leave()

    @on(ResearchTable.Opened)
    def _opened(self) -> None:
        self.action_look("diff")

    def action_look(self, what: str) -> None:
        self.run_worker(self._verbs.look(what), group="verb", exclusive=True)

    def action_do(self, what: str) -> None:
        self.run_worker(self._verbs.do(what), group="verb", exclusive=True)

    def action_leave(self) -> None:
        self.dismiss(None)

    def on_click(self, event: Click) -> None:
        kind, _, what = under(event).partition(":")
        if kind == "loop":
            self._show(what)
        elif kind == "leave":
            self.action_leave()


def _tab(view: LoopView, chosen: bool) -> Content:
    look = "bold reverse $text-accent" if chosen else "$foreground-muted"
    state = view.standing["state"]
    sign = {"blocked": " ?", "paused": " ‖", "working": " ●"}.get(state, "")
    name = Content.assemble((f" {view.place.name}", look), (sign, words.LOOKS.get(state, "")), (" ", look))
    return does(name, f"loop:{view.place.name}")


def _key_words() -> Content:
    pairs = [
        Content.assemble((f" {key}", "bold $text-accent"), (f" {said} ", "$foreground-muted"))
        for key, said, _ in RESEARCH_KEYS
    ]
    return Content("").join([*pairs[:-1], does(pairs[-1], "leave")])
