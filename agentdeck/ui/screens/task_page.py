"""One task in full: its spec, every attempt, what the gate found, what verify printed; as it goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from agentdeck.ui.screens.dialog import Dialog

EVERY = 1.0


class TaskPage(Dialog[None]):
    """`load` gives the text as it is now."""

    KEYS = (("j k", "scroll"), ("g G", "ends"))
    BINDINGS = [
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
        Binding("pagedown,space", "scroll(20)", show=False),
        Binding("pageup", "scroll(-20)", show=False),
        Binding("g,home", "scroll(-100000)", show=False),
        Binding("G,end", "scroll(100000)", show=False),
        Binding("q", "cancel", show=False),
    ]

    def __init__(self, heading: str, text: str, load: Callable[[], Awaitable[str]]) -> None:
        super().__init__(classes="-large")
        self._heading = heading
        self._text = text
        self._load = load

    def heading(self) -> str:
        return self._heading

    def body(self) -> ComposeResult:
        with VerticalScroll(id="scroll"):
            yield Static(self._text, id="text", markup=False)

    def on_mount(self) -> None:
        self.set_interval(EVERY, self._refresh)

    async def _refresh(self) -> None:
        text = await self._load()
        if text != self._text and self.is_attached:
            self._text = text
            self.query_one("#text", Static).update(text)
            self.call_after_refresh(self.fit)

    def action_scroll(self, rows: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)
