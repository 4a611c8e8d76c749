"""The research screen over a loop that really ran."""

from __future__ import annotations

from pathlib import Path

from textual.app import App
from textual.widgets import DataTable, Static

from agentdeck.ui.screens.research import EMPTY, ResearchScreen, ResearchText
from tests import labs
from tests.waiting import wait_until


class Small(App[None]):
    def on_mount(self) -> None:
        self.push_screen(ResearchScreen("lab"))


async def test_a_loop_its_experiments_and_the_diff_of_one(tmp_path: Path) -> None:
    labs.run(labs.scripted(tmp_path / "lab", ("x nearer", "X = 8.0", "X = 4.0"), ("a slip", "Y = 3", "Y = (")))
    app = Small()
    async with app.run_test(size=(170, 40)) as pilot:
        table = app.screen.query_one(DataTable)
        await wait_until(lambda: table.row_count == 3)
        standing = app.screen.query_one("#research-standing", Static)
        assert "loss 8 → 4" in str(standing.render())
        await pilot.press("f")
        await wait_until(lambda: table.row_count == 2)
        assert [str(cell) for cell in table.get_row("e0001")][:3] == ["e0001", "keep?", "4"]
        await pilot.press("d")
        await wait_until(lambda: isinstance(app.screen, ResearchText))
        page = app.screen.query_one("#research-text", Static)
        await wait_until(lambda: "-X = 8.0" in str(page.render()))
        await pilot.press("q", "p")
        await wait_until(lambda: any("pause" in note.message for note in app._notifications))


async def test_without_a_loop_it_says_how_to_begin_one() -> None:
    app = Small()
    async with app.run_test(size=(90, 20)) as pilot:
        await pilot.pause()
        assert EMPTY in str(app.screen.query_one("#research-standing", Static).render())
