"""All keys, from the one table, with why a key does nothing right now."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from agentdeck.ui.actions import (
    ACTIONS,
    GROUP_TITLES,
    HISTORY_KEYS,
    MOUSE,
    RESEARCH_KEYS,
    USAGE_KEYS,
    ZOOM_KEYS,
    Action,
    keys_of,
)
from agentdeck.ui.deck_state import DeckState
from agentdeck.ui.screens.dialog import Dialog


def words(state: DeckState, keymap: dict[str, str], actions: Sequence[Action] = ACTIONS) -> Content:
    parts: list[Content | tuple[str, str] | str] = []
    for group, title in GROUP_TITLES.items():
        parts.append((f"{title}\n", "bold $text-secondary"))
        for action in actions:
            if action.group != group:
                continue
            why = action.why_disabled(state)
            keys = " ".join(keys_of(action, keymap))
            parts += [(f"  {keys:<10} ", "bold $text-accent"), (action.help, "$foreground-muted" if why else "")]
            parts += [(f"  ({why})" if why else "", "$foreground-disabled"), "\n"]
        parts.append("\n")
    for title, table in (("In the history", HISTORY_KEYS), ("In usage", USAGE_KEYS), ("In research", RESEARCH_KEYS)):
        parts.append((f"{title}\n", "bold $text-secondary"))
        for keys, _, what in table:
            parts += [(f"  {keys:<10} ", "bold $text-accent"), what, "\n"]
        parts.append("\n")
    parts.append(("In zoom\n", "bold $text-secondary"))
    for keys, what in ZOOM_KEYS:
        parts += [(f"  {keys}  ", "bold $text-accent"), what, "\n"]
    parts.append(("\nThe mouse\n", "bold $text-secondary"))
    for deed, what in MOUSE:
        parts += [(f"  {deed:<14} ", "bold $text-accent"), what, "\n"]
    return Content.assemble(*parts)


class HelpDialog(Dialog[None]):
    BINDINGS = [
        Binding("q,question_mark,enter", "cancel", show=False),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]
    HEADING = "Keys"
    KEYS = (("↑ ↓", "scroll"),)

    def __init__(self, state: DeckState, keymap: dict[str, str], actions: Sequence[Action] = ACTIONS) -> None:
        super().__init__(classes="-large")
        self._words = words(state, keymap, actions)

    def body(self) -> ComposeResult:
        with VerticalScroll(id="scroll"):
            yield Static(self._words, id="text")

    def action_scroll(self, lines: int) -> None:
        self.query_one("#scroll", VerticalScroll).scroll_relative(y=lines, animate=False)
