"""One line of text: a one-line task, a new name."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input, Static

from agentdeck.ui.screens.dialog import Dialog


class LineDialog(Dialog[str]):
    """The line, never empty. `check` gives '' or what is wrong with it, shown as it is typed."""

    def __init__(
        self, heading: str, note: str, verb: str, value: str = "", check: Callable[[str], str] = lambda text: ""
    ) -> None:
        super().__init__()
        self._heading = heading
        self._note = note
        self._value = value
        self._check = check
        self.KEYS = (("Enter", verb),)

    def heading(self) -> str:
        return self._heading

    def body(self) -> ComposeResult:
        yield Static(self._note, markup=False, id="text")
        yield Input(self._value, compact=True, id="line")

    @on(Input.Changed)
    def judge(self, event: Input.Changed) -> None:
        self.say(self._check(event.value.strip()) if event.value.strip() else "")

    @on(Input.Submitted)
    def done(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        wrong = self._check(text) if text else "nothing is written yet"
        if wrong:
            self.say(wrong)
        else:
            self.dismiss(text)
