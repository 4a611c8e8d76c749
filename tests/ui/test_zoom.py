"""The zoom screen by Pilot, without tmux: its bar, its frame, and which keys it keeps for itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.app import App
from textual.binding import Binding
from textual.events import MouseScrollUp

from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.pane import Pane
from agentdeck.models.screen import PaneScreen, parse
from agentdeck.models.status import Status
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.live import Live
from agentdeck.ui.screens.zoom import ZoomScreen
from tests.waiting import wait_until

AGENT = Agent("a", "alice", "shell", "/r", "/w", "deck/a/1", "main", "", "live", pane="%1", window="@1")
PANE = Pane("%1", "@1", "a", 1, "sh", "", False, None, None, 120, 40, 0, 0, True, False, False, 0, 0)


def row(**changes: object) -> AgentRow:
    return AgentRow(replace(AGENT, **changes), Status("working", since=now_ms() - 240_000))  # pyrefly: ignore


class ZoomApp(App[None], inherit_bindings=False):
    """Its own bindings must never see a key of the zoom."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [Binding(key, "seen") for key in ("q", "tab", "escape", "ctrl+c", "ctrl+p", "enter", "f1", "ctrl+q")]

    def __init__(self) -> None:
        super().__init__()
        self.zoomed = ZoomScreen(row(), Live(Path("/nowhere")))
        self.pressed: list[str] = []
        self.seen = 0
        self.zoomed.keyboard.press = lambda key, character: self.pressed.append(key)  # type: ignore[method-assign]

    def on_mount(self) -> None:
        self.push_screen(self.zoomed)

    def action_seen(self) -> None:
        self.seen += 1

    @property
    def bar(self) -> str:
        return self.zoomed._bar(self.zoomed.size.width).plain


@pytest.mark.parametrize("width", [200, 80, 60, 40, 20])
async def test_the_bar_always_says_who_it_is_and_how_to_return(width: int) -> None:
    app = ZoomApp()
    async with app.run_test(size=(width, 24)) as pilot:
        await pilot.pause()
        assert len(app.bar) == width
        assert "Ctrl+Q" in app.bar or width < 40
        assert "ali" in app.bar or width < 40
        assert ("every key goes to the agent" in app.bar) == (width >= 80)


async def test_every_key_is_the_agents_but_two() -> None:
    app = ZoomApp()
    async with app.run_test(size=(100, 24)) as pilot:
        await pilot.press("q", "tab", "shift+tab", "escape", "ctrl+c", "ctrl+p", "enter", "f1", "alt+x", "up", "ctrl+z")
        assert app.pressed == (
            ["q", "tab", "shift+tab", "escape", "ctrl+c", "ctrl+p", "enter", "f1", "alt+x", "up", "ctrl+z"]
        )
        assert app.seen == 0 and app.screen is app.zoomed
        await pilot.press("ctrl+q")
        await wait_until(lambda: app.screen is not app.zoomed)
        assert app.seen == 0 and "ctrl+q" not in app.pressed


async def test_ctrl_bracket_returns_too() -> None:
    app = ZoomApp()
    async with app.run_test(size=(100, 24)) as pilot:
        await pilot.press("ctrl+right_square_bracket")
        await wait_until(lambda: app.screen is not app.zoomed)


async def test_without_a_connection_typing_says_so() -> None:
    app = ZoomApp()
    del app.zoomed.keyboard.press  # the real one
    async with app.run_test(size=(140, 24)) as pilot:
        await pilot.press("x")
        await wait_until(lambda: "what you type is not sent" in app.bar)


async def test_a_smaller_screen_stands_in_the_middle_with_its_cursor() -> None:
    app = ZoomApp()
    async with app.run_test(size=(140, 51)) as pilot:
        await pilot.pause()
        view = app.zoomed.view
        view.show("%1", PaneScreen(parse(["first row", "second"]), 120, 40, 3, 1))
        assert tuple(view.body) == (10, 5, 120, 40)
        strips = view.render_lines(view.size.region)
        assert {strip.cell_length for strip in strips} == {140}
        assert strips[5].text[10:19] == "first row" and strips[4].text.strip() == ""
        reverse = [segment.text for segment in strips[6] if segment.style and segment.style.reverse]
        assert reverse == ["o"]
        view.show("%2", PaneScreen(parse(["another pane"]), 120, 40))
        assert "first row" in view.render_lines(view.size.region)[5].text


async def test_a_larger_screen_follows_the_cursor_both_ways() -> None:
    app = ZoomApp()
    async with app.run_test(size=(60, 21)) as pilot:
        await pilot.pause()
        view = app.zoomed.view
        lines = parse([f"{y:02}" + "".join(f"{x:3}" for x in range(1, 39)) for y in range(40)])
        for x, y in [(0, 0), (110, 39), (70, 20), (0, 39)]:
            view.show("%1", PaneScreen(lines, 120, 40, x, y))
            left, top = view.origin()
            assert left <= x < left + 60 and top <= y < top + 20
            assert {strip.cell_length for strip in view.render_lines(view.size.region)} == {60}


async def test_after_a_resume_keys_and_picture_are_those_of_the_new_pane() -> None:
    app = ZoomApp()
    async with app.run_test(size=(140, 51)) as pilot:
        await pilot.pause()
        screen = app.zoomed
        screen.view.observe({"%1": replace(PANE, dead=True)})
        assert "it has ended" in app.bar
        screen.set_row(row(pane="%9"))
        screen.view.observe({"%9": replace(PANE, id="%9")})
        assert "it has ended" not in app.bar
        assert list(screen.view.wanted()) == ["%9"] and screen.keyboard.pane == "%9"
        screen.view.observe({"%9": replace(PANE, id="%9", deck_id="stranger")})
        assert "its pane is gone" in app.bar


async def test_the_zoom_of_a_terminal_of_ones_own_ends_with_it_and_an_agents_does_not() -> None:
    for beside, stays in (("a", False), ("", True)):
        rows: list[AgentRow] = [row(id="c", name="alice-sh", beside=beside)]
        app = ZoomApp()
        app.zoomed = ZoomScreen(rows[0], Live(Path("/nowhere")), lambda rows=rows: rows[0] if rows else None)
        async with app.run_test(size=(100, 24)) as pilot:
            await pilot.pause()
            rows.clear()
            app.zoomed._update()
            await pilot.pause()
            assert (app.screen is app.zoomed) is stays


async def test_the_wheel_is_the_program_s_if_it_asked_and_with_shift_never() -> None:
    app = ZoomApp()
    sent: list[bytes] = []
    async with app.run_test(size=(130, 42)) as pilot:
        await pilot.pause()
        screen = app.zoomed
        screen.mouse._send = sent.append
        screen._live._panes["%1"] = replace(PANE, mouse="clicks", sgr_mouse=True, history=90)
        await pilot._post_mouse_events([MouseScrollUp], screen.view, (20, 20))
        assert sent and screen.view.back.at is None
        await pilot._post_mouse_events([MouseScrollUp], screen.view, (20, 20), shift=True)
        assert len(sent) == 1 and "3 rows back" in app.bar
        await pilot._post_mouse_events([MouseScrollUp], screen.view, (20, 20))  # nobody points at what is over
        assert len(sent) == 1 and "6 rows back" in app.bar
        await pilot.press("x")
        assert "rows back" not in app.bar and app.pressed == ["x"]


async def test_a_screen_from_which_nothing_scrolled_off_says_so() -> None:
    app = ZoomApp()
    async with app.run_test(size=(130, 42)) as pilot:
        await pilot.pause()
        app.zoomed._live._panes["%1"] = replace(PANE, alternate=True, history=0)
        await pilot._post_mouse_events([MouseScrollUp], app.zoomed.view, (20, 20))
        await wait_until(lambda: any("nothing has scrolled off" in note.message for note in app._notifications))
