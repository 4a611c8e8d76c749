"""A spec's text, changed in place: settings and all."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import TextArea

from agentdeck.errors import UsageError
from agentdeck.ui.screens.dialog import Dialog


class SpecEditor(Dialog[str]):
    """Dismisses with a text that is a spec; what is wrong with it is said before it closes."""

    KEYS = (("Ctrl+S", "keep as the new version"),)
    BINDINGS = [Binding("ctrl+s", "keep", show=False, priority=True)]

    def __init__(self, heading: str, text: str, path: str = "") -> None:
        super().__init__(classes="-large -tall")
        self._heading = heading
        self._text = text
        self._path = path

    def heading(self) -> str:
        return self._heading

    def body(self) -> ComposeResult:
        yield TextArea(self._text, compact=True, id="message")

    def action_keep(self) -> None:
        self.after_typing(self._keep)

    def _keep(self) -> None:
        from agentdeck.services.queue import specs

        text = self.query_one(TextArea).text
        try:
            specs.parse(text, self._path)
        except UsageError as error:
            self.say(error.title, error.hint)
            return
        self.dismiss(text)
