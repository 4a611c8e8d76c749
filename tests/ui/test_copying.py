"""What is picked by the mouse on live screens, and what `y` copies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.app import App

from agentdeck.models.screen import PaneScreen, parse
from agentdeck.ui.entry import Entry
from agentdeck.ui.screens.copy_menu import CopyMenu, entries
from agentdeck.ui.widgets.tile import Tile
from tests.ui.deck_fakes import make_app, row, until
from tests.ui.mouse import drag, let_go, press_and_move

ROWS = ["first row here", "漢字 and more", "last"]


def picture(*rows: str) -> PaneScreen:
    return PaneScreen(parse(rows or ROWS), 120, 40)


class OneTile(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.tile = Tile(Entry(row("ada"), 1, picture(), False, "", True, False))

    def compose(self) -> Any:
        yield self.tile


def shown(tile: Tile) -> list[str]:
    return [strip.text[1:].rstrip() for strip in tile.render_lines(tile.size.region)]


def reversed_text(tile: Tile) -> list[str]:
    strips = tile.render_lines(tile.size.region)[1:-1]
    texts = ["".join(seg.text for seg in strip if seg.style and seg.style.reverse) for strip in strips]
    return [text for text in texts if text]


async def test_a_drag_over_a_tile_copies_what_stood_there_though_the_agent_goes_on() -> None:
    app = OneTile()
    async with app.run_test(size=(40, 12)) as pilot:
        await press_and_move(pilot, app.tile, (7, 1), (4, 2))  # a title above, an edge at the left
        assert reversed_text(app.tile)[0].startswith("row here") and reversed_text(app.tile)[1] == "漢字"
        app.tile.give(replace(app.tile.entry, picture=picture("all", "is", "new")))
        assert shown(app.tile)[1] == "first row here"
        await let_go(pilot, app.tile, (4, 2))
        assert app.clipboard == "row here\n漢字"
        await until(pilot, lambda: shown(app.tile)[1] == "all", "the live screen")
        assert reversed_text(app.tile) == []


async def test_titles_are_not_picked_and_another_agent_ends_the_picking() -> None:
    app = OneTile()
    async with app.run_test(size=(40, 12)) as pilot:
        await drag(pilot, app.tile, (7, 0), (9, 3))
        assert app.clipboard == "" and not app.tile.frozen
        await press_and_move(pilot, app.tile, (7, 1), (9, 3))
        app.tile.give(replace(app.tile.entry, row=row("bo"), picture=picture("somebody else")))
        assert shown(app.tile)[1] == "somebody else" and not app.tile.frozen
        await let_go(pilot, app.tile, (9, 3))
        assert app.clipboard == ""


def test_the_menu_says_what_there_is_not() -> None:
    one = row("ada")
    offered = {entry.id: entry for entry in entries(replace(one, agent=replace(one.agent, branch="", pane="")))}
    assert offered["path"].text == "/trees/ada" and offered["name"].text == "ada"
    assert all(offered[name].why for name in ("branch", "session", "screen")) and not offered["message"].why


async def test_y_and_a_letter_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentdeck.services.reading.history.last_message", lambda agent: "it is mended")
    app = make_app(row("ada"))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.deck.ready)
        for keys, text in {"yy": "/trees/ada", "yb": "deck/ada/1", "yn": "ada", "ym": "it is mended"}.items():
            await pilot.press(*keys)
            await until(pilot, lambda text=text: app.clipboard == text, text)


async def test_what_cannot_be_copied_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentdeck.services.reading.history.last_message", lambda agent: "")
    app = make_app(row("ada"))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.deck.ready)
        for letter, why in (("t", "no connection to tmux"), ("m", "has said nothing")):
            await pilot.press("y", letter)
            await until(pilot, lambda why=why: any(why in f"{n.title}{n.message}" for n in app._notifications), why)
        await pilot.press("y", "s")
        await until(pilot, lambda: isinstance(app.screen, CopyMenu))
        assert "its client told none" in str(app.screen.query_one("#trouble").render())
        assert app.clipboard == ""
