"""Whether a screen is still there, for what comes back from a thread."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen


def stands(screen: Screen[Any]) -> bool:
    """Whether the screen is on the stack: one that was left in the meantime has no widgets to write to.

    `display` is false for one that is being taken down: its widgets go before it does, as when the app ends.
    """
    return screen.is_attached and screen.display and screen in screen.app.screen_stack
