"""Find an action by name; the disabled ones are shown with the reason."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.fuzzy import Matcher
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from agentdeck.ui.actions import ACTIONS, Action, keys_of
from agentdeck.ui.deck_state import DeckState
from agentdeck.ui.screens.choosing import ARROWS
from agentdeck.ui.screens.dialog import Dialog


def found(text: str, actions: Sequence[Action] = ACTIONS) -> list[Action]:
    """Actions that match, best first; all of them, in their own order, for no text."""
    offered = [action for action in actions if action.id not in ("jump", "palette")]
    if not text.strip():
        return offered
    matcher, plain = Matcher(text), text.strip().lower()
    scored = [(matcher.match(action.label) or float(plain in action.help.lower()) / 10, action) for action in offered]
    return [action for score, action in sorted(scored, key=lambda pair: -pair[0]) if score > 0]


class PaletteDialog(Dialog[str]):
    """Dismisses with the id of an action."""

    FORGETS = False
    BINDINGS = [*ARROWS]
    HEADING = "Commands"
    KEYS = (("Enter", "run"), ("↑ ↓", "choose"))

    def __init__(self, state: DeckState, keymap: dict[str, str], actions: Sequence[Action] = ACTIONS) -> None:
        super().__init__(classes="-large")
        self._actions_known = actions
        self._state = state
        self._keymap = keymap

    def body(self) -> ComposeResult:
        yield Input(placeholder="what to do", compact=True, id="line")
        yield OptionList(*self._options(""), compact=True, id="choices")

    def _options(self, text: str) -> list[Option]:
        return [Option(self._prompt(action), id=action.id) for action in found(text, self._actions_known)]

    def _prompt(self, action: Action) -> Content:
        why = action.why_disabled(self._state)
        return Content.assemble(
            (f"{keys_of(action, self._keymap)[0]:>6}  ", "bold $text-accent"),
            (f"{action.label:<15}", "$foreground-disabled" if why else "bold"),
            (why or action.help, "$foreground-muted"),
        )

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = 0

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options(self._options(event.value))
        choices.highlighted = 0 if choices.option_count else None

    @on(Input.Submitted)
    def run_highlighted(self) -> None:
        choices = self.query_one(OptionList)
        if choices.highlighted is not None:
            self.dismiss(choices.get_option_at_index(choices.highlighted).id)

    @on(OptionList.OptionSelected)
    def clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)
