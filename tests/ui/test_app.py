"""The dashboard by its keys, with rows made by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from textual.widgets import Input

from agentdeck.config import Config
from agentdeck.ui.screens.too_small import TooSmall
from agentdeck.ui.widgets.empty_deck import EmptyDeck
from agentdeck.ui.widgets.keys_line import KeysLine
from agentdeck.ui.widgets.roster import Roster
from agentdeck.ui.widgets.top_line import TopLine
from tests.ui.deck_fakes import fake, make_app, row, until

TEAM = (row("ada", "working"), row("bo", "needs_input", reason="permission"), row("cleo"), row("dov", "failed"))


def shown(app) -> list[str]:
    return [one.agent.name for one in app.deck.state.rows]


def focused(app) -> str:
    state = app.deck.state
    return state.focused.agent.name if state.focused else ""


def toasts(app) -> str:
    return "\n".join(f"{note.title} {note.message}" for note in app._notifications)


def text(widget) -> str:
    return str(widget.render())


async def ready(pilot, app) -> None:
    await until(pilot, lambda: app.deck.ready, "the fleet")


async def test_the_first_paint_shows_who_needs_whom_and_what_works_now() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot, app)
        assert shown(app) == ["ada", "bo", "cleo", "dov"] and focused(app) == "ada"
        assert "? 1 needs you" in text(app.deck.query_one(TopLine))
        assert "n new" in text(app.deck.query_one(KeysLine))
        assert app.deck.query_one(Roster).display


async def test_keys_move_the_focus_and_find_who_needs_you() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        for key, name in (("l", "bo"), ("h", "ada"), ("G", "dov"), ("g", "ada"), ("w", "bo"), ("w", "dov"), ("W", "bo"),
                          ("i", "cleo"), ("4", "dov"), ("1", "ada")):  # fmt: skip
            await pilot.press(key)
            await until(pilot, lambda name=name: focused(app) == name, f"{key} to {name}")
        await pilot.press("9")
        await until(pilot, lambda: "no agent 9" in toasts(app))


async def test_status_words_have_the_colours_of_the_theme() -> None:
    app = make_app(*TEAM, settings=Config(theme="deck-light"))
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        assert app.theme == "deck-light"
        line = app.deck.query_one(TopLine).render_line(0)
        words = {segment.text: segment.style.color for segment in line if segment.style}
        assert len({words["? 1 needs you"], words["● 1 working"], words["○ 1 idle"]}) == 3


async def test_a_disabled_key_tells_why() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot, app)
        await pilot.press("s")
        await until(pilot, lambda: "ada is not idle: working" in toasts(app))
        assert app.screen is app.deck and not fake(app).asked
        await pilot.press("s", "s", "s")
        await pilot.pause()
        assert len(list(app._notifications)) == 1, "the same words once"


async def test_hiding_is_undone_by_showing_and_hidden_ones_still_count() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("3", "v")
        await until(pilot, lambda: shown(app) == ["ada", "bo", "dov"])
        assert "hidden: ○ 1 idle" in text(app.deck.query_one(TopLine))
        await pilot.press("V")
        await until(pilot, lambda: shown(app) == ["ada", "bo", "cleo", "dov"])
        await pilot.press("3", "v")
        await until(pilot, lambda: not any(one.hidden for one in app.deck.fleet.rows))
        assert "hidden" not in text(app.deck.query_one(TopLine))


async def test_all_marked_are_hidden_and_the_deck_says_how_to_see_them() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot, app)
        await pilot.press("*", "v")
        await until(pilot, lambda: not shown(app))
        assert "All 4 agents are hidden" in text(app.deck.query_one(EmptyDeck))


async def test_the_filter_shows_its_effect_at_once_is_kept_and_cleared() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot, app)
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"needs")
        await until(pilot, lambda: shown(app) == ["bo"])
        await pilot.press("enter")
        await until(pilot, lambda: fake(app).stored.filter == "needs")
        assert not app.deck.query(Input) and shown(app) == ["bo"] and focused(app) == "bo"
        await pilot.press("escape")
        await until(pilot, lambda: fake(app).stored.filter == "" and len(shown(app)) == 4)


async def test_an_empty_deck_names_the_next_key() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot, app)
        assert "Press n to start one" in text(app.deck.query_one(EmptyDeck))
    app = make_app(repo=None)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot, app)
        assert "not a git repository" in text(app.deck.query_one(EmptyDeck))
        await pilot.press("n")
        await until(pilot, lambda: "git init" in toasts(app))


async def test_a_tiny_terminal_says_so_and_recovers() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(20, 5)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, TooSmall))
        await until(pilot, lambda: "40x10" in text(app.screen.query_one("#too-small")))
        await pilot.resize_terminal(90, 30)
        await until(pilot, lambda: app.screen is app.deck)
        await pilot.resize_terminal(20, 5)
        await until(pilot, lambda: isinstance(app.screen, TooSmall))
        await pilot.press("q")
    assert app.return_code == 0


async def test_a_narrow_terminal_gives_its_room_to_the_tiles() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot, app)
        assert not app.deck.query_one(Roster).display
        await pilot.resize_terminal(120, 30)
        await until(pilot, lambda: app.deck.query_one(Roster).display)


async def test_panels_take_turns_and_escape_closes_them() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(140, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("$")
        await until(pilot, lambda: "uncached input" in text(app.deck.query_one("#usage")))
        await pilot.press("l")
        await until(pilot, lambda: text(app.deck.query_one("#usage")).startswith("bo"))
        await pilot.press("L")
        await until(pilot, lambda: app.deck.query_one("#log").display and not app.deck.query_one("#usage").display)
        await pilot.press("escape")
        await until(pilot, lambda: not app.deck.query_one("#side").display)


async def test_ctrl_q_and_ctrl_p_are_not_textuals_own_and_q_leaves() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot, app)
        await pilot.press("ctrl+q", "ctrl+p", "ctrl+c")
        await until(pilot, lambda: "q leaves" in toasts(app))
        assert app.screen is app.deck and app.is_running
        await pilot.press("q")
    assert app.return_code == 0


async def test_keys_can_be_remapped_by_id() -> None:
    app = make_app(*TEAM, settings=Config(keys={"next_idle": "f5"}))
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("f5")
        await until(pilot, lambda: focused(app) == "cleo")
        await pilot.press("1", "i")
        await until(pilot, lambda: focused(app) == "ada")
        assert "F5 next idle" in text(app.deck.query_one(KeysLine))


async def test_a_key_map_with_a_mistake_is_told_and_left_out() -> None:
    app = make_app(*TEAM, settings=Config(keys={"new": "x"}))
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await until(pilot, lambda: "'x' is taken by" in toasts(app))
        assert "n new" in text(app.deck.query_one(KeysLine))


async def test_focus_stays_with_the_agent_when_rows_come_and_go() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("3")
        await until(pilot, lambda: focused(app) == "cleo")
        fake(app).rows = (*TEAM[1:], row("eve"))
        fake(app).tell()
        await until(pilot, lambda: shown(app) == ["bo", "cleo", "dov", "eve"])
        assert focused(app) == "cleo"


def test_nothing_slow_is_loaded_before_the_first_paint() -> None:
    slow = ["anthropic", "git", "sqlite_utils", "libtmux", "psutil", "watchfiles", "genai_prices", "pydantic"]
    code = f"""
import sys, agentdeck.ui.app
agentdeck.ui.app.DeckApp('default', None)
print([name for name in {slow} if name in sys.modules])"""
    run = subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], capture_output=True)
    assert run.stdout.decode().strip() == "[]"


async def test_agents_that_survived_their_rows_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentdeck.ui.app.STRAYS", 0.01)
    app = make_app(*TEAM)
    fake(app).survivors = ["zoe", "yan"]
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot, app)
        await until(pilot, lambda: "yan, zoe. `agentdeck adopt` lists them" in toasts(app))
        shown = len(app._notifications)
        await app._tell_strays()
        assert len(app._notifications) == shown
