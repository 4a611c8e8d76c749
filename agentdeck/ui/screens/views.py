"""The named views: which dashboards show each; another one for this dashboard, or a new one like this."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from agentdeck.models.view import VIEW_NAME, VIEW_NAME_RULE, View
from agentdeck.services.views import ViewNote
from agentdeck.ui.screens.choosing import ARROWS
from agentdeck.ui.screens.dialog import Dialog


class ViewsDialog(Dialog[str]):
    """Dismisses with the name of a view; one that is not among `notes` is a new one. `agents` are those there are."""

    BINDINGS = [*ARROWS]
    KEYS = (("Enter", "show it here"), ("↑ ↓", "choose"))

    def __init__(self, notes: Sequence[ViewNote], here: str, agents: Collection[str]) -> None:
        super().__init__()
        self._notes = notes
        self._agents = agents
        self._here = here

    def heading(self) -> str:
        return f"Views; this dashboard shows '{self._here}'"

    def body(self) -> ComposeResult:
        yield Input(placeholder="a view, or the name of a new one like this", compact=True, id="line")
        yield OptionList(*self._options(""), compact=True, id="choices")

    def _options(self, text: str) -> list[Option]:
        names = [note.view.name for note in self._notes]
        found = [note for note in self._notes if text.lower() in note.view.name.lower()]
        options = [Option(_prompt(note, self._here, self._agents), id=note.view.name) for note in found]
        if text and text not in names and VIEW_NAME.match(text):
            options.append(Option(Content.assemble((f" {text[:20]:<21}", "bold"), "a new view like this"), id=text))
        return options

    def on_mount(self) -> None:
        names = [note.view.name for note in self._notes]
        self._choices.highlighted = names.index(self._here) if self._here in names else 0

    @property
    def _choices(self) -> OptionList:
        return self.query_one(OptionList)

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        options = self._options(event.value.strip())
        self._choices.clear_options()
        self._choices.add_options(options)
        self._choices.highlighted = 0 if options else None
        self.say("" if options else f"'{event.value.strip()}' cannot be a name", f"A name is {VIEW_NAME_RULE}.")

    @on(Input.Submitted)
    def take_highlighted(self) -> None:
        at = self._choices.highlighted
        if at is not None:
            self.dismiss(self._choices.get_option_at_index(at).id)

    @on(OptionList.OptionSelected)
    def clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


def _prompt(note: ViewNote, here: str, agents: Collection[str]) -> Content:
    others = note.dashboards - (note.view.name == here)
    shown = "here" if note.view.name == here else ""
    elsewhere = f"{others} other dashboard{'s' if others > 1 else ''}" if others else ""
    return Content.assemble(
        (f" {note.view.name[:20]:<21}", "bold"),
        (f"{', '.join(part for part in (shown, elsewhere) if part):<26}", "$text-accent"),
        (describe(note.view, agents), "$foreground-muted"),
    )


def describe(view: View, agents: Collection[str]) -> str:
    """What makes this view another one than the usual; a removed agent is hidden no more."""
    hidden = len(view.hidden.intersection(agents))
    parts = [f"by {view.grouping}" if view.grouping == "repository" else "ungrouped" if view.grouping == "none" else ""]
    parts += [f"{hidden} hidden" if hidden else "", f"/{view.filter}" if view.filter else ""]
    return "  ".join(part for part in parts if part)
