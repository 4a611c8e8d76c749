"""Where the filter is typed: its effect shows with every key, Enter keeps it, Esc clears it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Input, Label

from agentdeck.ui.held_keys import KeysWanted

if TYPE_CHECKING:
    from agentdeck.ui.screens.deck import DeckScreen


class FilterLine(Horizontal):
    def __init__(self, value: str) -> None:
        super().__init__(id="filter")
        self._value = value

    def compose(self) -> ComposeResult:
        yield Label("/")
        yield FilterInput(self._value)

    def take_focus(self) -> None:
        self.call_after_refresh(self._take_focus)

    def _take_focus(self) -> None:
        line = self.query_one(FilterInput)
        if line.has_focus:
            self.post_message(KeysWanted())  # no focus will come that says so
        line.focus()


class FilterInput(Input):
    BINDINGS = [Binding("escape", "clear_filter", show=False)]

    def __init__(self, value: str) -> None:
        words = "name, team, harness, branch, task or status; Enter keeps it, Esc clears it"
        super().__init__(value, placeholder=words, compact=True, select_on_focus=False)

    @property
    def deck(self) -> DeckScreen:
        return cast("DeckScreen", self.screen)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.deck.filter_by(event.value.strip())

    def on_focus(self) -> None:
        self.post_message(KeysWanted())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.deck.set_filter(event.value.strip())

    def action_clear_filter(self) -> None:
        self.deck.set_filter("")
