"""The bottom line: the keys that work now, most useful first."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from agentdeck.ui.actions import footer, keys_of
from agentdeck.ui.deck_state import DeckState


def line(state: DeckState, width: int, keymap: dict[str, str] | None = None) -> Content:
    """As many `key label` pairs as fit into `width` cells; help is always among them."""
    able = footer(state)
    kept, room = [], width
    must = next((action for action in able if action.id == "help"), None)
    if must:
        room -= len(keys_of(must, keymap)[0]) + len(must.label) + 3
    for action in able:
        need = len(keys_of(action, keymap)[0]) + len(action.label) + 3
        if action is must:
            kept.append(action)
        elif need <= room:
            kept.append(action)
            room -= need
    pairs = [
        Content.assemble((f" {keys_of(action, keymap)[0]}", "bold $text-accent"), (f" {action.label} ", "$text-muted"))
        for action in kept
    ]
    return Content("").join(pairs)


class KeysLine(Static):
    def show(self, state: DeckState, keymap: dict[str, str]) -> None:
        self.update(line(state, self.size.width or self.app.size.width, keymap), layout=False)
