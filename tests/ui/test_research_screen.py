"""The research screen over a loop that really ran."""

from __future__ import annotations

from pathlib import Path

from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static

from agentdeck.research import ledger, places, state
from agentdeck.services.tools import handover
from agentdeck.ui.screens.dialog import Dialog
from agentdeck.ui.screens.research import ResearchScreen
from agentdeck.ui.screens.research_page import ResearchPage
from agentdeck.ui.widgets.research_table import ResearchTable
from tests import labs
from tests.waiting import wait_until

STEPS = (("x nearer", "X = 8.0", "X = 4.0"), ("a slip", "Y = 3", "Y = ("), ("y nearer", "Y = 3", "Y = 2"))


class Small(App[None]):
    def on_mount(self) -> None:
        self.push_screen(ResearchScreen("lab"))


def words(app: Small, name: str) -> str:
    return str(app.screen.query_one(name, Static).render())


def told() -> state.State:
    return state.fold(ledger.read(places.find("lab").ledger))


async def said(app: Small, word: str) -> None:
    await wait_until(lambda: any(word in note.message for note in app._notifications))


async def asked(pilot: Pilot[None], key: str) -> None:
    """Press a key and wait for its dialog: what is typed before it stands would go to the screen."""
    await pilot.press(key)
    await wait_until(lambda: isinstance(pilot.app.screen, Dialog) and pilot.app.screen.query("#text"))


async def opened(pilot: Pilot[None]) -> ResearchTable:
    table = pilot.app.screen.query_one(ResearchTable)
    await wait_until(lambda: len(table.shown) == 4)
    return table


async def test_a_loop_its_experiments_and_each_up_close(tmp_path: Path) -> None:
    labs.run(labs.scripted(tmp_path / "lab", *STEPS))
    app = Small()
    async with app.run_test(size=(170, 44)) as pilot:
        table = await opened(pilot)
        assert "loss 8 → 3" in words(app, "#research-standing")
        assert "git merge research/lab" in words(app, "#research-standing")
        await pilot.press("down", "down")
        assert "x nearer" in words(app, "#research-detail")
        await pilot.press("d")
        await wait_until(lambda: isinstance(app.screen, ResearchPage))
        await wait_until(lambda: "-X = 8.0" in words(app, "#research-text"))
        await pilot.press("q", "o")
        await wait_until(lambda: isinstance(app.screen, ResearchPage) and "-> y nearer" in words(app, "#research-text"))
        await pilot.press("q", "f")
        await wait_until(lambda: [each.id for each in table.shown] == ["e0003", "e0001", "e0000"])
        await pilot.press("slash", *"nearer", "enter")
        await wait_until(lambda: [each.id for each in table.shown] == ["e0003", "e0001"])
        await pilot.press("escape")
        await wait_until(lambda: len(table.shown) == 4)


async def test_steering_stopping_and_taking_back_by_keys_with_a_question_before_what_is_lost(tmp_path: Path) -> None:
    labs.run(labs.scripted(tmp_path / "lab", *STEPS))
    app = Small()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await asked(pilot, "s")
        await pilot.press(*"think small", "enter")
        await wait_until(lambda: told().steering == "think small")
        await pilot.press("x")
        await said(app, "does not run")
        await asked(pilot, "B")
        await pilot.press("enter", "n")
        await wait_until(lambda: isinstance(app.screen, ResearchScreen))
        assert not told().experiments["e0003"].bad
        await pilot.press("down", "down")
        await asked(pilot, "B")
        assert "1 later keeps stand on it" in words(app, "#text")
        await pilot.press("y")
        await wait_until(lambda: told().experiments["e0001"].bad)
        await pilot.press("p")
        await said(app, "agentdeck research resume lab")


async def test_measuring_again_is_a_process_of_its_own_and_its_result_comes_to_stand_below(tmp_path: Path) -> None:
    labs.run(labs.scripted(tmp_path / "lab", *STEPS))
    app = Small()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await asked(pilot, "R")
        await pilot.press("y")
        await wait_until(lambda: "again: 3" in words(app, "#research-detail"), timeout=20)
        await wait_until(lambda: all(process.poll() is not None for process in handover._running))


async def test_without_a_loop_it_says_how_to_begin_one() -> None:
    app = Small()
    async with app.run_test(size=(90, 20)) as pilot:
        await wait_until(lambda: "agentdeck research init" in words(app, "#research-standing"))
        await pilot.press("d", "p", "R", "j", "x", "q")
        await wait_until(lambda: not isinstance(app.screen, ResearchScreen))
