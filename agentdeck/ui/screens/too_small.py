"""What a terminal shows that is too small for a deck; it goes away when there is room again."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Static

LEAST = (40, 10)


class TooSmall(Screen[None]):
    BINDINGS = [Binding("q,ctrl+c", "app.leave", show=False)]

    def compose(self) -> ComposeResult:
        yield Static(id="too-small")

    def on_resize(self, event: Resize) -> None:
        cols, rows = LEAST
        long = f"too small: agentdeck needs {cols}x{rows} cells, this is {event.size.width}x{event.size.height}"
        text = long if event.size.width >= len(long) else f"needs {cols}x{rows}"
        self.query_one("#too-small", Static).update(text)
