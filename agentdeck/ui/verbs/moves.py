"""Moving about and choosing what is shown. None of these waits for anything but its own rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from agentdeck.services.asking import attention
from agentdeck.ui import deck_state
from agentdeck.ui.verbs.arrange import hide_all

if TYPE_CHECKING:
    from agentdeck.ui.screens.deck import DeckScreen


def _step(dx: int, dy: int) -> Callable[[DeckScreen, int], None]:
    def move(deck: DeckScreen, number: int) -> None:
        deck.stage.move(dx, dy)

    return move


def _page(step: int) -> Callable[[DeckScreen, int], None]:
    def turn(deck: DeckScreen, number: int) -> None:
        deck.stage.page(step)

    return turn


def _enlarge(step: int) -> Callable[[DeckScreen, int], None]:
    def enlarge(deck: DeckScreen, number: int) -> None:
        deck.stage.enlarge(step)

    return enlarge


def _place(deck: DeckScreen, place: int) -> None:
    rows = deck.state.agents
    if -len(rows) <= place < len(rows):
        deck.focus_row(rows[place].agent.id)
    else:
        deck.notify(f"there is no agent {place + 1}", timeout=2)


def first(deck: DeckScreen, number: int) -> None:
    _place(deck, 0)


def last(deck: DeckScreen, number: int) -> None:
    _place(deck, -1)


def jump(deck: DeckScreen, number: int) -> None:
    _place(deck, number - 1)


def _seek(states: tuple[str, ...], step: int) -> Callable[[DeckScreen, int], None]:
    def seek(deck: DeckScreen, number: int) -> None:
        state = deck.state
        found = deck_state.following(state.rows, state.focused, states, step)
        if found:
            deck.focus_row(found)

    return seek


def _need(step: int) -> Callable[[DeckScreen, int], None]:
    """Along the attention list, as far as it is shown here; from anybody else to its first."""

    def walk(deck: DeckScreen, number: int) -> None:
        ids = [row.agent.id for row in attention.needing(deck.state.rows)]
        focused = deck.state.focused
        if focused is not None and focused.agent.id in ids:
            deck.focus_row(ids[(ids.index(focused.agent.id) + step) % len(ids)])
        elif ids:
            deck.focus_row(ids[0 if step > 0 else -1])

    return walk


def mark(deck: DeckScreen, number: int) -> None:
    focused = deck.state.focused
    if focused:
        deck.marked ^= {focused.agent.id}
        deck.redraw_lines()


def mark_all(deck: DeckScreen, number: int) -> None:
    everyone = frozenset(row.agent.id for row in deck.state.rows)
    deck.marked = frozenset() if deck.marked == everyone else everyone
    deck.redraw_lines()


def hide(deck: DeckScreen, number: int) -> None:
    """Hide the targets; when all of them are hidden already (shown by V), show them again."""
    targets = deck.state.targets
    deck.marked = frozenset()
    hide_all(deck, targets, ", ".join(row.agent.name for row in targets))


def show_hidden(deck: DeckScreen, number: int) -> None:
    deck.show_hidden = not deck.show_hidden
    deck.redraw()


def filter_rows(deck: DeckScreen, number: int) -> None:
    deck.open_filter()


def back(deck: DeckScreen, number: int) -> None:
    """One thing at a time: the panel, then the marks, then the filter."""
    if deck.close_panel():
        return
    if deck.marked:
        deck.marked = frozenset()
        deck.redraw_lines()
    elif deck.filter:
        deck.set_filter("")


HANDLERS = {
    "left": _step(-1, 0),
    "right": _step(1, 0),
    "up": _step(0, -1),
    "down": _step(0, 1),
    "page_back": _page(-1),
    "page_on": _page(1),
    "larger": _enlarge(1),
    "smaller": _enlarge(-1),
    "first": first,
    "last": last,
    "jump": jump,
    "next_need": _need(1),
    "previous_need": _need(-1),
    "next_idle": _seek(("idle",), 1),
    "mark": mark,
    "mark_all": mark_all,
    "hide": hide,
    "show_hidden": show_hidden,
    "filter": filter_rows,
    "back": back,
}
