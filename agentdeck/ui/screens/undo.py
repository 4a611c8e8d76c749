"""What can be undone, newest first, and what undoing it will do."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from agentdeck.models.clock import age, now_ms
from agentdeck.ui.screens.dialog import Dialog
from agentdeck.ui.undoing import Undoable


class UndoDialog(Dialog[Undoable]):
    """Dismisses with the step to undo, for `y` alone."""

    BINDINGS = [Binding("y", "yes", show=False), Binding("n", "cancel", show=False)]
    HEADING = "Undo"
    KEYS = (("y", "undo it"), ("n", "leave it"), ("↑ ↓", "another one"))

    def __init__(self, steps: Sequence[Undoable]) -> None:
        super().__init__()
        self._steps = steps

    def body(self) -> ComposeResult:
        yield OptionList(*(self._option(step) for step in self._steps), compact=True, id="choices")
        yield Static(id="text", markup=False)

    def _option(self, step: Undoable) -> Option:
        ago = f"  {age(now_ms() - step.at)} ago"
        return Option(Content.assemble((step.what, "bold"), (ago, "$foreground-muted")))

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = 0

    @on(OptionList.OptionHighlighted)
    def explain(self, event: OptionList.OptionHighlighted) -> None:
        self.query_one("#text", Static).update(self._steps[event.option_index].effect)

    def action_yes(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None:
            self.dismiss(self._steps[at])
