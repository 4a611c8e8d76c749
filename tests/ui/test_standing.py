"""What may still be written to a screen when something comes back from a thread."""

from __future__ import annotations

from textual.app import App
from textual.screen import Screen

from agentdeck.ui.screens.standing import stands


async def test_a_screen_that_is_being_taken_down_stands_no_more() -> None:
    """Its widgets go first: it is still on the stack when they are gone."""
    app = App[None]()
    async with app.run_test():
        screen = Screen[None]()
        await app.push_screen(screen)
        assert stands(screen)
        removal = screen.remove()
        assert screen in app.screen_stack
        assert not stands(screen)
        await removal
