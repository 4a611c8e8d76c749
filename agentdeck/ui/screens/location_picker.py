"""Several locations in files are named on a page: which one to open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from agentdeck.models.locations import Location
from agentdeck.ui.screens.dialog import Dialog

Located = tuple[Location, Path]


class LocationPicker(Dialog[Located]):
    """Dismisses with the chosen location and its file."""

    HEADING = "Open in your editor"
    KEYS = (("Enter", "open"), ("↑ ↓", "choose"))

    def __init__(self, located: Sequence[Located]) -> None:
        super().__init__()
        self._located = located

    def body(self) -> ComposeResult:
        yield OptionList(*(Option(_prompt(each)) for each, _ in self._located), compact=True, id="choices")

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = 0

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._located[event.option_index])


def _prompt(location: Location) -> Content:
    return Content.assemble(location.path, (f":{location.line}", "$foreground-muted"))
