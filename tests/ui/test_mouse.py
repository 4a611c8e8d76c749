"""The mouse in the deck and in its dialogs."""

from __future__ import annotations

import pytest
from textual.events import MouseScrollDown as _Down
from textual.widgets import Input, OptionList

from agentdeck.models.status import Ask
from agentdeck.ui.screens.answer import AnswerDialog
from agentdeck.ui.screens.dialog import typed
from agentdeck.ui.screens.help import HelpDialog
from agentdeck.ui.screens.line import LineDialog
from agentdeck.ui.screens.new_agent import NewDialog
from agentdeck.ui.screens.palette import PaletteDialog
from agentdeck.ui.widgets.tile import Tile
from tests.ui.deck_fakes import fake, make_app, row, until
from tests.ui.test_app import focused, ready, text, toasts

TEAM = (row("ada", "working"), row("bo", "needs_input", reason="permission"), row("cleo"), row("dov", "failed"))
MANY = tuple(row(f"a{number}") for number in range(1, 21))


async def click(pilot, app, selector: str, words: str, **how) -> None:
    """Click on the first of these words in a widget of one line or more."""
    lines = text(app.screen.query_one(selector)).split("\n")
    y = next(at for at, line in enumerate(lines) if words in line)
    await pilot.click(selector, offset=(lines[y].index(words) + 1, y), **how)


async def tile(pilot, app, name: str) -> Tile:
    """The tile of this agent, once it stands on the screen."""

    def found() -> list[Tile]:
        shown = app.deck.stage.grid.visible_tiles
        return [one for one in shown if one.entry.row.agent.name == name and one.is_mounted and one.size.height]

    await until(pilot, found, f"the tile of {name}")
    return found()[0]


async def test_a_key_of_the_bottom_line_does_what_it_says() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await click(pilot, app, "#keys-line", "i next idle")
        await until(pilot, lambda: focused(app) == "cleo")
        await click(pilot, app, "#keys-line", "? help")
        await until(pilot, lambda: isinstance(app.screen, HelpDialog))
        await click(pilot, app, "#keys", "Esc close")
        await until(pilot, lambda: app.screen is app.deck)


async def test_a_count_of_the_top_line_finds_the_next_of_them() -> None:
    app = make_app(*TEAM, row("eve", "failed"), row("fay", "idle", hidden=True))
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await click(pilot, app, "#top", "2 failed")
        await until(pilot, lambda: focused(app) == "dov")
        await click(pilot, app, "#top", "2 failed")
        await until(pilot, lambda: focused(app) == "eve")
        await click(pilot, app, "#top", "hidden:")
        await until(pilot, lambda: "fay" in [one.agent.name for one in app.deck.state.rows])
        await pilot.press("slash", *"ada", "enter")
        await until(pilot, lambda: len(app.deck.state.rows) == 1)
        await click(pilot, app, "#top", "2 failed")
        await until(pilot, lambda: "Esc clears it" in toasts(app))
        await click(pilot, app, "#top", "/ada")
        await until(pilot, lambda: isinstance(app.focused, Input))


async def test_the_roster_takes_one_click_two_and_the_right_button() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await click(pilot, app, "#roster-lines", "cleo")
        await until(pilot, lambda: focused(app) == "cleo")
        await click(pilot, app, "#roster-lines", "bo ", button=3)
        await until(pilot, lambda: app.deck.marked == {"id-bo"})
        await click(pilot, app, "#roster-lines", "dov", times=2)
        await until(pilot, lambda: "the screens are not connected yet" in toasts(app))  # zoom, which needs tmux
        assert focused(app) == "dov"


async def test_a_tile_is_marked_by_the_right_button_and_focused_by_the_left() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await pilot.click(await tile(pilot, app, "dov"), offset=(5, 3), button=3)
        await until(pilot, lambda: app.deck.marked == {"id-dov"})
        await pilot.click(await tile(pilot, app, "cleo"), offset=(5, 3))
        await until(pilot, lambda: focused(app) == "cleo" and app.deck.marked == {"id-dov"})


async def test_the_wheel_turns_pages_one_at_a_time_and_scrolls_the_roster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentdeck.ui.widgets.stage.PAGE_REST", 60.0)
    app = make_app(*MANY)
    async with app.run_test(size=(120, 16)) as pilot:
        await ready(pilot, app)
        stage, roster = app.deck.stage, app.deck.query_one("#roster")
        await until(pilot, lambda: stage.whereabouts.startswith("page 1/"))
        for _ in range(5):  # one turn of a touchpad
            await pilot._post_mouse_events([_Down], stage.grid.visible_tiles[0], button=0)
        await until(pilot, lambda: stage.whereabouts.startswith("page 2/"))
        assert focused(app) == stage.grid.visible_tiles[0].entry.row.agent.name
        monkeypatch.setattr("agentdeck.ui.widgets.stage.PAGE_REST", 0.0)
        await pilot._post_mouse_events([_Down], stage.grid.visible_tiles[0], button=0)
        await until(pilot, lambda: stage.whereabouts.startswith("page 3/"))
        await pilot.press("g")
        await until(pilot, lambda: stage.whereabouts.startswith("page 1/"))
        await pilot._post_mouse_events([_Down], roster, button=0)
        await until(pilot, lambda: roster.scroll_y > 0)
        before = roster.scroll_y
        app.deck.redraw_lines()
        await pilot.pause()
        assert roster.scroll_y == before, "a redraw does not scroll back to the focus"
        assert stage.whereabouts.startswith("page 1/")


async def test_a_click_outside_closes_a_dialog_unless_something_typed_would_be_lost() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(140, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpDialog))
        await pilot.click(offset=(2, 20))
        await until(pilot, lambda: app.screen is app.deck)
        await pilot.press("3", "S")
        await until(pilot, lambda: isinstance(app.screen, LineDialog) and app.focused is not None)
        await pilot.press("x")
        await pilot.click(offset=(2, 20))
        await until(pilot, lambda: "typed would be lost" in text(app.screen.query_one("#trouble")))
        await pilot.press("backspace")
        await pilot.click(offset=(2, 22))
        await until(pilot, lambda: app.screen is app.deck)
        await pilot.press("colon", *"usa")
        await until(pilot, lambda: isinstance(app.screen, PaletteDialog) and app.screen.query_one(Input).value == "usa")
        await pilot.click(offset=(2, 24))
        await until(pilot, lambda: app.screen is app.deck)


async def test_a_double_click_that_opens_a_dialog_does_not_close_it_again() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await click(pilot, app, "#keys-line", "n new", times=2)
        await until(pilot, lambda: isinstance(app.screen, NewDialog))
        await pilot.pause(0.1)
        assert isinstance(app.screen, NewDialog)


async def test_options_and_keys_of_a_dialog_are_clicked() -> None:
    ask = Ask("Which way?", "question", options=("left", "right"))
    app = make_app(row("bo", "needs_input", reason="question", ask=ask))
    async with app.run_test(size=(140, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AnswerDialog))
        await click(pilot, app, "#text", "2 right")
        await until(pilot, lambda: fake(app).asked and fake(app).asked[0][2]["answer"] == "2")
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(app.screen, PaletteDialog))
        await pilot.pause()
        choices = app.screen.query_one(OptionList)
        place = next(at for at in range(choices.option_count) if choices.get_option_at_index(at).id == "help")
        choices.highlighted = place
        await click(pilot, app, "#keys", "Enter run")
        await until(pilot, lambda: isinstance(app.screen, HelpDialog))
        assert "right click" in text(app.screen.query_one("#text"))


def test_only_words_for_one_key_can_be_clicked() -> None:
    keys = ("Esc", "Enter", "y", "Ctrl+S", "1-9", "↑ ↓", "PgUp PgDn", "letter")
    assert [typed(key) for key in keys] == ["escape", "enter", "y", "ctrl+s", "", "", "", ""]
