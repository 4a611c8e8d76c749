"""What of an agent can be copied, one letter each; `y` once more is the path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.events import Key
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from agentdeck.services.fleet import AgentRow
from agentdeck.ui.screens.dialog import Dialog

SCREEN, MESSAGE = "screen", "message"
"""Entries whose text has to be fetched once they are chosen."""


class Entry(NamedTuple):
    """`text` is what is copied, '' when that is fetched later; with `why` there is nothing to copy."""

    id: str
    letter: str
    label: str
    text: str = ""
    why: str = ""


def entries(row: AgentRow) -> list[Entry]:
    """The menu for one agent."""
    agent = row.agent
    return [
        Entry("path", "y", "path", agent.worktree),
        Entry("branch", "b", "branch", agent.branch, "" if agent.branch else "it works in your own checkout"),
        Entry("session", "s", "session id", agent.session, "" if agent.session else "its client told none"),
        Entry("name", "n", "name", agent.name),
        Entry(SCREEN, "t", "screen text", "", "" if agent.pane else "it has no screen"),
        Entry(MESSAGE, "m", "last message", ""),
    ]


class CopyMenu(Dialog[Entry]):
    """Dismisses with the chosen entry."""

    KEYS = (("letter", "copy"), ("↑ ↓ Enter", "choose"))

    def __init__(self, name: str, offered: Sequence[Entry]) -> None:
        super().__init__()
        self._name = name
        self._entries = offered

    def heading(self) -> str:
        return f"Copy of {self._name}"

    def body(self) -> ComposeResult:
        yield OptionList(*map(_option, self._entries), compact=True, id="choices")

    def on_key(self, event: Key) -> None:
        entry = next((entry for entry in self._entries if entry.letter == event.character), None)
        if entry is None:
            return
        event.stop()
        event.prevent_default()
        if entry.why:
            self.say(f"{entry.label}: {entry.why}")
        else:
            self.dismiss(entry)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._entries[event.option_index])


def _option(entry: Entry) -> Option:
    if entry.why:
        words = Content.styled(f"  {entry.letter}  {entry.label:<13} {entry.why}", "$foreground-muted")
    else:
        words = Content.assemble(
            (f"  {entry.letter}  ", "bold $text-accent"), (f"{entry.label:<13} ", "bold"),
            (entry.text, "$foreground-muted"),
        )  # fmt: skip
    return Option(words, disabled=bool(entry.why))
