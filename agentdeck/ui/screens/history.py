"""All that an agent's screen showed or that was said in its sessions, full screen, with the keys of a pager."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Label, Static

from agentdeck.errors import AgentDeckError
from agentdeck.models.document import SCREEN, TRANSCRIPT, Document, nearest
from agentdeck.models.locations import Location
from agentdeck.services.fleet import AgentRow
from agentdeck.services.reading import history
from agentdeck.services.reading.locations import locate, located
from agentdeck.ui.actions import HISTORY_KEYS
from agentdeck.ui.badges import GLYPHS, STYLES
from agentdeck.ui.finder import Finder
from agentdeck.ui.held_keys import KeysWanted
from agentdeck.ui.live import Live
from agentdeck.ui.widgets.history_view import HistoryView
from agentdeck.ui.widgets.picking import copy

PATIENCE = 0.5
"""Seconds for which keys wait for the text; then they act on what there is."""
TITLES = {SCREEN: "screen history", TRANSCRIPT: "transcript"}
Opener = Callable[[Path, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Spotlight:
    """Where to begin: line `line` of `source`, which read `text` when it was found by looking for `needle`."""

    source: str
    line: int
    text: str
    needle: str


class HistoryScreen(Screen[None], inherit_bindings=False):
    """`opener` opens a file at a line in the human's editor."""

    CSS_PATH = "history.tcss"
    AUTO_FOCUS = ""
    # Priority: a key acts before the next one is looked at, so that what is typed after `/` is the text.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, show=False, priority=True)
        for keys, action in (
            ("j,down", "rows(1)"), ("k,up", "rows(-1)"), ("d,ctrl+d", "pages(0.5)"), ("u,ctrl+u", "pages(-0.5)"),
            ("space,f,pagedown,ctrl+f", "pages(1)"), ("b,pageup,ctrl+b", "pages(-1)"), ("g,home", "start"),
            ("G,end", "end"), ("slash", "find"), ("n", "seek(1)"), ("N", "seek(-1)"), ("tab", "switch"),
            ("y", "copy"), ("e", "open"), ("r", "reload"), ("q,ctrl+q,ctrl+right_square_bracket", "leave"),
            ("enter", "keep"), ("escape", "back"),
        )
    ]  # fmt: skip

    def __init__(self, row: AgentRow, live: Live | None, opener: Opener, spotlight: Spotlight | None = None) -> None:
        super().__init__()
        self.row = row
        self.view = HistoryView(self._show_bar)
        self.finder = Finder(self.view, lambda: self.query_one(Input), spotlight.needle if spotlight else "")
        self.documents: dict[str, Document] = {}
        self.source = ""
        self._live = live
        self._opener = opener
        self._spotlight = spotlight
        self._trouble = ""
        self._loaded = False
        self._kept_rows = 0  # rows of tmux's history when the screen was read
        self._judged: dict[str, bool] = {}  # paths: whether they are files

    def compose(self) -> ComposeResult:
        yield Static(id="history-bar")
        yield self.view
        with Horizontal(id="history-find"):
            yield Label("/")
            yield Input(placeholder="a capital letter makes case count; Enter keeps it, Esc ends it", compact=True)
        yield Static(_key_words(), id="history-keys")

    def on_mount(self) -> None:
        self.set_interval(0.5, self._show_bar)
        self.action_reload()

    def on_screen_resume(self) -> None:
        if self._loaded:
            self.call_later(self._want_keys)  # a timer of no seconds may divide by them
        else:
            self.set_timer(PATIENCE, self._want_keys)

    def _want_keys(self) -> None:
        self.post_message(KeysWanted())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """While a text is typed only Esc and Enter are ours."""
        return action in ("back", "keep") or not isinstance(self.focused, Input)

    # -- reading --------------------------------------------------------------------------------------------

    def action_reload(self) -> None:
        self.run_worker(self._load(), group="load", exclusive=True)

    async def _load(self) -> None:
        """The screen first: a long transcript takes longer to read."""
        said = asyncio.create_task(asyncio.to_thread(history.conversation, self.row.agent))
        self._trouble, wanted = "", self._wanted
        await self._load_screen()
        if wanted == SCREEN and SCREEN in self.documents:
            await self._show(SCREEN)
            self._settle()
        try:
            found = await said
        except AgentDeckError as error:
            self._trouble = self._trouble or error.title
        else:
            self.documents |= {TRANSCRIPT: found} if found is not None else {}
        shown = self.source == SCREEN == wanted
        if self.documents and not shown:
            await self._show(wanted if wanted in self.documents else next(iter(self.documents)))
        self._settle()

    async def _load_screen(self) -> None:
        try:
            client = self._live.client if self._live else None
            if client is None:
                raise AgentDeckError("there is no connection to tmux")
            self._kept_rows = self._history_rows
            self.documents[SCREEN] = await history.screen(client, self.row.agent)
        except AgentDeckError as error:
            self._trouble = error.title

    def _settle(self) -> None:
        """There is something to act on, or nothing will come."""
        self._loaded = True
        self._show_bar()
        self._want_keys()

    @property
    def _wanted(self) -> str:
        """What was looked at or asked for, else the screen, unless its program leaves nothing behind there."""
        known = self.source or (self._spotlight.source if self._spotlight else "")
        pane = self._live.pane(self.row.agent.pane) if self._live else None
        bare = pane is None or pane.alternate or pane.dead or not pane.history
        return known or (TRANSCRIPT if bare else SCREEN)

    async def _show(self, source: str) -> None:
        document, spot = self.documents[source], self._spotlight
        line = None
        if spot is not None and spot.source == source:
            line = await asyncio.to_thread(nearest, document.texts, spot.line, spot.text)
            self._spotlight = None
        elif source == self.source and not self.view.at_end:
            at = self.view.page[0]
            line = await asyncio.to_thread(nearest, document.texts, at, self.view.document.texts[at])
        self.source = source
        self.view.show(document, line)
        await self.finder.search(self.finder.needle, line if line is not None else len(document.texts))

    def action_switch(self) -> None:
        others = [source for source in self.documents if source != self.source]
        if others:
            self.run_worker(self._show(others[0]), group="load", exclusive=True)
        elif self._loaded:
            alone = "no transcript of this agent can be read"
            words = alone if self.source == SCREEN else self._trouble or "there is no screen to read"
            self.notify(words, timeout=4, markup=False)

    @property
    def _history_rows(self) -> int:
        pane = self._live.pane(self.row.agent.pane) if self._live else None
        return pane.history if pane is not None else self._kept_rows

    # -- moving ---------------------------------------------------------------------------------------------

    def action_rows(self, by: int) -> None:
        self.view.scroll_rows(by)

    def action_pages(self, by: float) -> None:
        self.view.scroll_pages(by)

    def action_start(self) -> None:
        self.view.go_start()

    def action_end(self) -> None:
        self.view.go_end()

    def action_leave(self) -> None:
        self.dismiss()

    # -- searching ------------------------------------------------------------------------------------------

    def action_find(self) -> None:
        self.finder.ask()
        line = self.query_one(Input)
        line.value = ""
        self._show_line(True)
        self.set_focus(line)

    def _show_line(self, shown: bool) -> None:
        # at once, not by a class: what is typed next belongs to it
        self.query_one("#history-find").display = shown
        self.query_one("#history-keys").display = not shown

    def _end_line(self) -> None:
        self._show_line(False)
        self.set_focus(None)
        self._show_bar()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.run_worker(self.finder.catch_up(), group="find", exclusive=True)

    def action_keep(self) -> None:
        """Enter: the text is whole; else a row on."""
        if isinstance(self.focused, Input):
            self._end_line()
        else:
            self.view.scroll_rows(1)

    def action_back(self) -> None:
        """Esc: out of the text that is typed, then what is picked, then out of here."""
        if isinstance(self.focused, Input):
            self._end_line()
            self.run_worker(self.finder.give_up(), group="find", exclusive=True)
        elif self.view.picked is not None:
            self.view.pick(None)
        else:
            self.dismiss()

    def _once_found(self, act: Callable[[], None]) -> None:
        """Do it when all that was typed before is found: the line may have letters still to take in."""
        self.query_one(Input).call_later(lambda: self.run_worker(self.finder.once_found(act), group="once found"))

    def action_seek(self, by: int) -> None:
        def seek() -> None:
            why = self.finder.step(by)
            if why:
                self.notify(why, timeout=2)

        self._once_found(seek)

    # -- copying and opening --------------------------------------------------------------------------------

    def action_copy(self) -> None:
        self._once_found(self._copy)

    def _copy(self) -> None:
        """What is picked, else the line of the current match, else the page."""
        texts, current = self.view.document.texts, self.view.current
        first, last = self.view.page
        if self.view.picked is not None:
            self.view.copy_picked()
        elif current is not None and first <= current.line <= last:
            copy(self.app, texts[current.line])
        elif texts:
            copy(self.app, "\n".join(texts[first : last + 1]), "the page")

    def action_open(self) -> None:
        self._once_found(lambda: self._start_open(self.view.pointed_locations(), self.view.locations()))

    @on(HistoryView.Pointed)
    def _pointed(self, event: HistoryView.Pointed) -> None:
        self._start_open([event.location])

    def _start_open(self, *choices: list[Location]) -> None:
        self.run_worker(self._open(choices), group="open", exclusive=True)

    async def _open(self, choices: tuple[list[Location], ...]) -> None:
        """Open the file of the first of `choices` that names one; which of several is the human's to say."""
        from agentdeck.ui.screens.location_picker import LocationPicker

        tree = Path(self.row.agent.worktree)
        files: list[tuple[Location, Path]] = []
        for named in choices:
            files = files or await asyncio.to_thread(located, named, tree)
        if not files:
            self.notify("no file:line on this page names a file of the worktree", timeout=3)
            return
        chosen = files[0] if len(files) == 1 else await self.app.push_screen_wait(LocationPicker(files))
        if chosen is not None:
            try:
                await self._opener(chosen[1], chosen[0].line)
            except AgentDeckError as error:
                self.notify(error.hint, title=error.title, severity="error", timeout=12, markup=False)

    async def _judge(self, paths: list[str]) -> None:
        """Which of the paths on the page are files, so that those are underlined."""
        tree = Path(self.row.agent.worktree)
        self._judged |= await asyncio.to_thread(lambda: {path: locate(path, tree) is not None for path in paths})
        self.view.underline({path for path, there in self._judged.items() if there})

    # -- the bar --------------------------------------------------------------------------------------------

    def _show_bar(self) -> None:
        if not self.is_mounted:
            return
        self.query_one("#history-bar", Static).update(self._bar(self.size.width), layout=False)
        unknown = list({each.path for each in self.view.locations()} - self._judged.keys())
        if unknown:
            self._judged |= dict.fromkeys(unknown, False)
            self.run_worker(self._judge(unknown), group="judge")

    def _bar(self, width: int) -> Content:
        agent, state = self.row.agent, self.row.status.state
        new = self._history_rows - self._kept_rows if self.source == SCREEN else 0
        left = Content.assemble((f" {GLYPHS[state]} ", STYLES[state]), (agent.name, "bold"), f"  {self._where()}")
        news = (f" {new} new lines: r reads them " if new > 0 else "", "$text-warning")
        right = Content.assemble(news, (self.finder.count, "$text-accent"))
        gap = max(1, width - left.cell_length - right.cell_length)
        return Content.assemble(left, " " * gap, right).truncate(width, ellipsis=True)

    def _where(self) -> str:
        if not self.source:
            return (self._trouble or "there is nothing to read yet") if self._loaded else "reading ..."
        first, last = self.view.page
        total = len(self.view.document.texts)
        return f"{TITLES[self.source]}  {first + 1}-{last + 1} of {total} lines" if total else TITLES[self.source]


def _key_words() -> Content:
    pairs = [((f" {key}", "bold $text-accent"), (f" {words}  ", "$foreground-muted")) for key, words, _ in HISTORY_KEYS]
    return Content.assemble(*(part for pair in pairs for part in pair))
