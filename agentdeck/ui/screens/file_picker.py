"""One of the files that an agent has changed, for a tool that opens a file."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.fuzzy import Matcher
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from agentdeck.ui.screens.choosing import ARROWS
from agentdeck.ui.screens.dialog import Dialog


def ranked(files: Sequence[str], text: str) -> list[str]:
    """Those that match, best first; all in their own order for no text."""
    if not text.strip():
        return list(files)
    matcher = Matcher(text)
    scored = [(matcher.match(file), file) for file in files]
    return [file for score, file in sorted(scored, key=lambda pair: -pair[0]) if score > 0]


class FilePicker(Dialog[str]):
    BINDINGS = [*ARROWS]
    KEYS = (("Enter", "open"), ("↑ ↓", "choose"))
    FORGETS = False

    def __init__(self, files: Sequence[str], tool: str, agent: str) -> None:
        super().__init__()
        self._files = files
        self._listed = list(files)
        self._words = f"{tool}: a file that {agent} has changed"

    def heading(self) -> str:
        return self._words

    def body(self) -> ComposeResult:
        yield Input(placeholder="find", compact=True, id="line")
        yield OptionList(*self._options(), compact=True, id="choices")

    def _options(self) -> list[Option]:
        return [Option(Content(file)) for file in self._listed]

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = 0

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        self._listed = ranked(self._files, event.value)
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options(self._options())
        choices.highlighted = 0 if self._listed else None

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _choose(self) -> None:
        place = self.query_one(OptionList).highlighted
        if place is not None:
            self.dismiss(self._listed[place])
