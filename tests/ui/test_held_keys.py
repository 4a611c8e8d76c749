"""Keys act in the order in which they were typed, however quickly one follows the other."""

from __future__ import annotations

from textual.events import Key, Paste
from textual.widgets import Input

from agentdeck.ui.held_keys import HeldKeys
from agentdeck.ui.screens.line import LineDialog
from tests.ui.deck_fakes import fake, make_app, row, until

NAMES = {"\r": "enter", " ": "space", "/": "slash"}


def hit(app, text: str) -> None:
    """All keys at once, before the app has seen the first."""
    for character in text:
        app.post_message(Key(NAMES.get(character, character), character))


async def ready(pilot, app) -> None:
    await until(pilot, lambda: app.deck.ready, "the fleet")


async def test_what_follows_the_key_of_a_dialog_is_typed_into_it() -> None:
    app = make_app(row("ada"))
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot, app)
        hit(app, "Ssnx")
        await until(pilot, lambda: isinstance(app.screen, LineDialog) and app.screen.query_one(Input).value == "snx")
        assert len(app.screen_stack) == 2
        hit(app, " q\r")
        await until(pilot, lambda: fake(app).asked)
        assert fake(app).asked[0][2]["text"] == "snx q"


async def test_what_follows_the_key_of_the_filter_is_typed_into_it() -> None:
    app = make_app(row("ada"), row("nixon"))
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot, app)
        hit(app, "/nix")
        await until(pilot, lambda: app.deck.filter == "nix")
        assert [one.agent.name for one in app.deck.state.rows] == ["nixon"]


def test_the_end_of_an_earlier_verb_ends_no_later_hold() -> None:
    held = HeldKeys()
    earlier, later = held.hold(), held.hold()
    assert held.take(Key("s", "s"))
    assert held.release(earlier) == []
    assert held.take(Key("n", "n"))
    assert [typed.key for typed in held.release(later) if isinstance(typed, Key)] == ["s", "n"]
    assert not held.take(Key("m", "m"))


def test_only_what_is_typed_is_held_and_only_on_its_way_in() -> None:
    held = HeldKeys()
    assert not held.take(Paste("x"))
    held.hold()
    back = Key("a", "a")
    back._set_forwarded()
    assert held.take(Paste("x"))
    assert not held.take(back)
    assert [type(event) for event in held.release()] == [Paste]
