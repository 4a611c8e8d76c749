"""Before something is ended or removed: what exactly will happen, and a key that is not Enter."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from agentdeck.ui.screens.dialog import Dialog


class ConfirmDialog(Dialog[bool]):
    """True only for `y`; Enter does nothing, since it is pressed by habit."""

    BINDINGS = [Binding("y", "yes", show=False), Binding("n", "cancel", show=False)]
    KEYS = (("y", "yes"), ("n", "no"))

    def __init__(self, heading: str, text: str) -> None:
        super().__init__()
        self._heading = heading
        self._text = text

    def heading(self) -> str:
        return self._heading

    def body(self) -> ComposeResult:
        yield Static(self._text, markup=False, id="text")

    def action_yes(self) -> None:
        self.dismiss(True)
