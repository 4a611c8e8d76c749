"""Drags of the mouse, which Textual's Pilot has not."""

from __future__ import annotations

from typing import Any

from textual.events import MouseDown, MouseMove, MouseUp
from textual.widget import Widget


async def drag(pilot: Any, widget: Widget, *spots: tuple[int, int], let_go: bool = True) -> None:
    """Press at the first of `spots`, move over the others with the button down, let go at the last."""
    await pilot._post_mouse_events([MouseDown], widget, spots[0], button=1)
    for spot in spots[1:]:
        await pilot._post_mouse_events([MouseMove], widget, spot, button=1)
    if let_go:
        await pilot._post_mouse_events([MouseUp], widget, spots[-1], button=1)
