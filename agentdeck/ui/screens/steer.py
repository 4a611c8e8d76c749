"""A note to a loop's proposer, and how a loop is ended."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Input, Static

from agentdeck.ui.screens.dialog import Dialog


class SteerDialog(Dialog[str]):
    """The note, which may be empty; None when nothing is to change."""

    KEYS = (("Enter", "say it; an empty line takes the note back"),)

    def __init__(self, name: str, note: str) -> None:
        super().__init__()
        self._loop, self._note = name, note

    def heading(self) -> str:
        return f"Steer {self._loop}"

    def body(self) -> ComposeResult:
        words = "Its proposer reads this before everything else, in every prompt until you change it."
        yield Static(words, markup=False, id="text")
        yield Input(
            self._note, placeholder="such as: leave the optimiser alone, look at the data", compact=True, id="line"
        )

    @on(Input.Submitted)
    def done(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())


class StopDialog(Dialog[str]):
    """`boundary`, `now`, or None."""

    BINDINGS = [Binding("y", "end('boundary')", show=False), Binding("x", "end('now')", show=False)]
    KEYS = (("y", "when this experiment is over"), ("x", "now"))

    def __init__(self, name: str) -> None:
        super().__init__()
        self._loop = name

    def heading(self) -> str:
        return f"End {self._loop}?"

    def body(self) -> ComposeResult:
        words = (
            "Its branch, ledger and champion stay, and p goes on with it later. Ended now, the run that goes on is "
            "thrown away and done anew then."
        )
        yield Static(words, markup=False, id="text")

    def action_end(self, when: str) -> None:
        self.dismiss(when)
