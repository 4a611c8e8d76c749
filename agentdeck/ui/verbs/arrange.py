"""Arranging a view: order by hand, pins, groups. All of it is remembered for the view and changes no agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from agentdeck.errors import TryAgain
from agentdeck.models.clock import now_ms
from agentdeck.models.view import ViewChange
from agentdeck.services.fleet import AgentRow
from agentdeck.ui import arrangement, undoing
from agentdeck.ui.deck_state import after_move
from agentdeck.ui.undoing import Undoable

if TYPE_CHECKING:
    from agentdeck.ui.screens.deck import DeckScreen

GROUPED = {"team": "grouped by team", "repository": "grouped by repository", "none": "not grouped"}


def _shift(step: int) -> Callable[[DeckScreen, int], None]:
    def shift(deck: DeckScreen, number: int) -> None:
        deck.change_view(ViewChange(order=after_move(deck.state, step)))

    return shift


def pin(deck: DeckScreen, number: int) -> None:
    """Pin the targets; when all of them are pinned already, let them go."""
    targets = deck.state.targets
    pinned = not all(row.pinned for row in targets)
    deck.marked = frozenset()
    deck.change_view(ViewChange(pinned={row.agent.id: pinned for row in targets}))
    deck.note(f"{'pin' if pinned else 'unpin'} {', '.join(row.agent.name for row in targets)}")


def group(deck: DeckScreen, number: int) -> None:
    grouping = arrangement.following_grouping(deck.view.grouping)
    deck.change_view(ViewChange(grouping=grouping))
    deck.tell(GROUPED[grouping], seconds=2)


def mark_group(deck: DeckScreen, number: int) -> None:
    """Mark the shown agents of the focused one's group; all marked already, unmark them."""
    state = deck.state
    if state.focused is None:
        return
    grouping = deck.view.grouping
    group = arrangement.groups(state.agents, grouping)[arrangement.group_of(state.focused, grouping)]
    ids = frozenset(row.agent.id for row in group)
    deck.marked = deck.marked - ids if ids <= deck.marked else deck.marked | ids
    deck.redraw_lines()


async def groups(deck: DeckScreen, number: int) -> None:
    """All groups with what they do, to hide and to show."""
    from agentdeck.ui.screens.groups import GroupsDialog

    await deck.app.push_screen_wait(GroupsDialog(lambda: deck.state, lambda group: hide_group(deck, group)))


def hide_group(deck: DeckScreen, group: str) -> None:
    """Hide a whole group; one that is hidden as a whole is shown again."""
    grouping = deck.view.grouping
    everybody = arrangement.groups(deck.fleet.agents, grouping)
    members = everybody.get(group, ())
    if members:
        hide_all(deck, members, f"{arrangement.group_names(everybody, grouping)[group]} ({len(members)})")


def hide_all(deck: DeckScreen, rows: Sequence[AgentRow], names: str) -> None:
    """Hide these agents; when all of them are hidden already, show them again. `z` takes it back."""
    before = {row.agent.id: row.hidden for row in rows}
    hidden = not all(before.values())
    what = f"{'hide' if hidden else 'show'} {names}"
    view = deck.view.name
    deck.change_view(ViewChange(hidden=dict.fromkeys(before, hidden)))
    deck.note(what)

    async def back() -> None:
        if deck.view.name != view:
            raise TryAgain(f"that was in the view '{view}'", "F3 shows it here; then z.")
        deck.change_view(ViewChange(hidden=before))
        deck.note(f"undo {what}")

    effect = f"{names}: {'shown' if hidden else 'hidden'} again in this view."
    deck.undoable = undoing.remember(deck.undoable, Undoable(what, now_ms(), effect, back))


async def views(deck: DeckScreen, number: int) -> None:
    """Show another view in this dashboard."""
    from agentdeck.ui.screens.views import ViewsDialog

    agents = {row.agent.id for row in deck.fleet.rows}
    name = await deck.app.push_screen_wait(ViewsDialog(await deck.bridge.views(), deck.view.name, agents))
    if name and name != deck.view.name:
        view = await deck.bridge.show_view(name)
        await deck.keeper.flush()
        deck.keeper.become(view)
        deck.note(f"view {name}")


HANDLERS = {
    "views": views,
    "earlier": _shift(-1),
    "later": _shift(1),
    "pin": pin,
    "group": group,
    "mark_group": mark_group,
    "groups": groups,
}
