"""What a terminal shows that is too small for a deck; it goes away when there is room again."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

LEAST = (40, 10)


class TooSmall(Screen[None]):
    BINDINGS = [Binding("q,ctrl+c", "app.leave", show=False)]

    def compose(self) -> ComposeResult:
        yield Static(_words(self.app.size), id="too-small")

    def on_resize(self, event: Resize) -> None:
        for line in self.query("#too-small").results(Static):  # the first resize may come before it is composed
            line.update(_words(event.size))


def _words(size: Size) -> str:
    cols, rows = LEAST
    long = f"too small: agentdeck needs {cols}x{rows} cells, this is {size.width}x{size.height}"
    return long if size.width >= len(long) else f"needs {cols}x{rows}"
