"""What stands in place of the grid when it has no tile: which key comes next."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from agentdeck.ui.deck_state import DeckState

REMOVED = ("\n\n", ("z", "bold $text-accent"), " brings back an agent that was removed.")


def words(state: DeckState, ready: bool) -> Content:
    """Why there is nothing to see, and the next step."""
    if not ready:
        return Content.styled("reading the deck…", "$foreground-muted")
    if state.fleet.rows and state.filter:
        return _step(f"No agent matches '{state.filter}'.", "Esc", "clears the filter")
    if state.fleet.rows:
        return _step(f"All {len(state.fleet.agents)} agents are hidden in this view.", "V", "shows them")
    if state.repo is None:
        return Content.assemble(
            ("No agent yet, and this is not a git repository.\n\n", "bold"),
            "Leave with ", ("q", "bold $text-accent"), ", then: ", ("cd YOUR-REPOSITORY && agentdeck", "bold"), "\n",
            ("Without one at hand: agentdeck demo shows everything on a sample.", "$foreground-muted"),
        )  # fmt: skip
    return Content.assemble(
        (f"No agent works in {state.repo.name} yet.\n\n", "bold"),
        "Press ", ("n", "bold $text-accent"), " to start one.\n",
        ("It gets a work tree and a branch of its own; your checkout stays as it is.", "$foreground-muted"),
        *(REMOVED if state.fleet.trashed else ()),
    )  # fmt: skip


def _step(what: str, key: str, then: str) -> Content:
    return Content.assemble((what + "\n\n", "bold"), (key, "bold $text-accent"), f" {then}.")


class EmptyDeck(Static):
    def show(self, state: DeckState, ready: bool) -> None:
        self.update(words(state, ready))
