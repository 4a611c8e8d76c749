"""The highlight of a list of choices, moved by keys while the typing goes elsewhere."""

from __future__ import annotations

from typing import Any

from textual.binding import Binding
from textual.screen import Screen

ARROWS = (
    Binding("down", "move(1)", show=False, priority=True),
    Binding("up", "move(-1)", show=False, priority=True),
)
"""Priority: each key acts before what is typed next is looked at."""
LETTERS = (Binding("j", "move(1)", show=False), Binding("k", "move(-1)", show=False))


def move(screen: Screen[Any], step: int) -> None:
    """Move the highlight of the screen's one list down or up."""
    from textual.widgets import OptionList  # not every dialog has one

    choices = screen.query_one(OptionList)
    if step > 0:
        choices.action_cursor_down()
    else:
        choices.action_cursor_up()
