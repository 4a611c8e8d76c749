"""The bottom line: the keys that work now, most useful first."""

from __future__ import annotations

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from agentdeck.ui.actions import Action, footer, keys_of
from agentdeck.ui.clicks import does, under
from agentdeck.ui.deck_state import DeckState


def _cells(action: Action, keymap: dict[str, str] | None) -> int:
    return len(keys_of(action, keymap)[0]) + len(action.label) + 3


def line(state: DeckState, width: int, keymap: dict[str, str] | None = None) -> Content:
    """As many `key label` pairs as fit into `width` cells; help and the way out are always among them."""
    able = footer(state)
    must = [action for action in able if action.id in ("help", "leave")]
    kept, room = [], width - sum(_cells(action, keymap) for action in must)
    for action in able:
        if action in must:
            kept.append(action)
        elif _cells(action, keymap) <= room:
            kept.append(action)
            room -= _cells(action, keymap)
    pairs = [
        does(
            Content.assemble(
                (f" {keys_of(action, keymap)[0]}", "bold $text-accent"), (f" {action.label} ", "$foreground-muted")
            ),
            action.id,
        )
        for action in kept
    ]
    return Content("").join(pairs)


class KeysLine(Static):
    """Posts Clicked for a key that was clicked: it acts as if it were pressed."""

    class Clicked(Message):
        def __init__(self, action_id: str) -> None:
            super().__init__()
            self.action_id = action_id

    _shown: object = None

    def show(self, state: DeckState, keymap: dict[str, str]) -> None:
        width = self.size.width or self.app.size.width
        if self._shown != (state, width, keymap):
            self._shown = (state, width, keymap)
            self.update(line(state, width, keymap), layout=False)

    def on_click(self, event: Click) -> None:
        if what := under(event):
            self.post_message(self.Clicked(what))
