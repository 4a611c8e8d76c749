"""Drags of the mouse, which Textual's Pilot has not."""

from __future__ import annotations

from typing import Any

from textual.events import MouseDown, MouseMove, MouseUp
from textual.widget import Widget


async def press_and_move(pilot: Any, widget: Widget, *spots: tuple[int, int]) -> None:
    """Press at the first of `spots` and move over the others with the button down."""
    await pilot._post_mouse_events([MouseDown], widget, spots[0], button=1)
    for spot in spots[1:]:
        await pilot._post_mouse_events([MouseMove], widget, spot, button=1)


async def let_go(pilot: Any, widget: Widget, spot: tuple[int, int]) -> None:
    await pilot._post_mouse_events([MouseUp], widget, spot, button=1)


async def drag(pilot: Any, widget: Widget, *spots: tuple[int, int]) -> None:
    """From the first of `spots` to the last."""
    await press_and_move(pilot, widget, *spots)
    await let_go(pilot, widget, spots[-1])
