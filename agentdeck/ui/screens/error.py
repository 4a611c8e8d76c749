"""A failure that must not pass unseen: its title, the next step, and a key that copies both."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from agentdeck.ui.screens.dialog import Dialog


class ErrorDialog(Dialog[None]):
    BINDINGS = [Binding("c,y", "copy", show=False), Binding("enter,q", "cancel", show=False)]
    KEYS = (("c", "copy"), ("Enter", "close"))

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__(classes="-error")
        self._title_text = title
        self._hint = hint

    def heading(self) -> str:
        return "That did not work"

    def body(self) -> ComposeResult:
        with VerticalScroll(id="scroll"):
            yield Static(self._title_text, markup=False, id="text")
            yield Static(self._hint, markup=False, id="hint")

    def action_copy(self) -> None:
        self.app.copy_to_clipboard("\n".join(filter(None, (self._title_text, self._hint))))
        self.notify("copied")
