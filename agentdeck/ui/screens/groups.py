"""All groups of a view: how many agents each has, what they do, and whether they are shown."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from agentdeck.ui import arrangement
from agentdeck.ui.badges import GLYPHS, STYLES, counts
from agentdeck.ui.deck_state import DeckState
from agentdeck.ui.screens.choosing import LETTERS
from agentdeck.ui.screens.dialog import Dialog


class GroupsDialog(Dialog[None]):
    """Stays until it is closed. `state` gives the deck as it is now, `toggle` hides or shows a group."""

    BINDINGS = [
        *LETTERS,
        Binding("space", "choose", show=False),
        Binding("O", "cancel", show=False),
    ]
    HEADING = "Groups of this view"
    KEYS = (("Enter", "hide or show"), ("↑ ↓", "choose"))

    def __init__(self, state: Callable[[], DeckState], toggle: Callable[[str], None]) -> None:
        super().__init__()
        self._state = state
        self._toggle = toggle
        self._groups = list(arrangement.groups(state().fleet.agents, state().view.grouping))

    def body(self) -> ComposeResult:
        yield OptionList(*(Option(prompt) for prompt in self._prompts()), compact=True, id="choices")

    def on_mount(self) -> None:
        state = self._state()
        here = arrangement.group_of(state.focused, state.view.grouping) if state.focused else ""
        self._choices.highlighted = self._groups.index(here) if here in self._groups else 0
        self.set_interval(1.0, self._draw)

    @property
    def _choices(self) -> OptionList:
        return self.query_one(OptionList)

    def _prompts(self) -> list[Content]:
        state = self._state()
        everybody = arrangement.groups(state.fleet.agents, state.view.grouping)
        names = arrangement.group_names(everybody, state.view.grouping)
        return [_prompt(names.get(group, group), everybody.get(group, ())) for group in self._groups]

    def _draw(self) -> None:
        for index, prompt in enumerate(self._prompts()):
            self._choices.replace_option_prompt_at_index(index, prompt)

    def action_choose(self) -> None:
        self._choices.action_select()

    @on(OptionList.OptionSelected)
    def chosen(self, event: OptionList.OptionSelected) -> None:
        self._toggle(self._groups[event.option_index])
        self._draw()


def _prompt(name: str, rows: tuple[arrangement.AgentRow, ...]) -> Content:
    hidden = sum(row.hidden for row in rows)
    said = "hidden" if hidden == len(rows) else f"{hidden} hidden" if hidden else "shown"
    states = [(f"{GLYPHS[state]}{number} ", STYLES[state]) for state, number in counts(r.status.state for r in rows)]
    return Content.assemble(
        (f" {said:<10}", "$foreground-muted" if hidden else ""),
        (f"{name[:28]:<29}", "dim" if hidden == len(rows) else "bold"),
        (f"{len(rows):>3}  ", "$foreground-muted"),
        *states,
    )
