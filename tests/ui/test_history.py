"""The pager by Pilot: moving, searching, copying, opening, on documents given by hand."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.widgets import OptionList, Static

from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.document import SCREEN, TRANSCRIPT, ScreenDocument, TextDocument
from agentdeck.models.pane import Pane
from agentdeck.models.screen import PLAIN
from agentdeck.ui.screens.history import HistoryScreen, Spotlight
from agentdeck.ui.screens.location_picker import LocationPicker
from tests.ui.deck_fakes import row, until
from tests.ui.mouse import drag

SAID = ["› mend it", "● src/app.py:3 is mended", "● see none.py:4"]
LINES = [f"\x1b[3{n % 7}mline {n:03}" + (" 漢字" * 60 if n == 50 else "") for n in range(100)]
PANE = Pane("%1", "@1", "id-ada", 1, "sh", "", False, None, None, 120, 40, 0, 0, True, False, False, 0, 100)


class Alone(App[None], inherit_bindings=False):
    """The pager and nothing else."""

    ENABLE_COMMAND_PALETTE = False


class Client:
    """What the pager asks of Live."""

    client = object()

    def __init__(self) -> None:
        self.known: Pane | None = PANE

    def pane(self, pane: str) -> Pane | None:
        return self.known


@dataclass
class Case:
    pilot: Any
    app: Alone
    screen: HistoryScreen
    live: Client
    opened: list[tuple[str, int]] = field(default_factory=list)

    def page(self) -> list[str]:
        view = self.screen.view
        return [strip.text.rstrip() for strip in view.render_lines(view.size.region)]

    @property
    def bar(self) -> str:
        return str(self.screen.query_one("#history-bar", Static).render())

    async def shows(self, *texts: str) -> None:
        await until(self.pilot, lambda: all(any(text in line for line in self.page()) for text in texts), f"{texts}")


@pytest.fixture(autouse=True)
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What there is to read; None for nothing."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("x\n" * 9)
    found: dict[str, Any] = {
        SCREEN: ScreenDocument([LINES]),
        TRANSCRIPT: TextDocument(SAID, lambda number: ((SAID[number], PLAIN),)),
    }

    async def screen(client: object, agent: Agent) -> ScreenDocument:
        if found[SCREEN] is None:
            raise AgentDeckError("ada has no screen")
        return found[SCREEN]

    monkeypatch.setattr("agentdeck.services.reading.history.screen", screen)
    monkeypatch.setattr("agentdeck.services.reading.history.conversation", lambda agent: found[TRANSCRIPT])
    return found


@asynccontextmanager
async def reading(
    tmp_path: Path, spotlight: Spotlight | None = None, live: Client | None = None
) -> AsyncIterator[Case]:
    app, live = Alone(), live or Client()
    one = row("ada")
    one = replace(one, agent=replace(one.agent, worktree=str(tmp_path)))
    opened: list[tuple[str, int]] = []

    async def take(file: Path, line: int) -> None:
        opened.append((str(file.relative_to(tmp_path)), line))

    screen = HistoryScreen(one, live, take, spotlight)  # type: ignore[arg-type]
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(screen)
        await until(pilot, lambda: screen._loaded, "the documents")
        yield Case(pilot, app, screen, live, opened)


async def test_it_begins_at_the_end_and_moves_as_a_pager_does(tmp_path: Path) -> None:
    async with reading(tmp_path) as case:
        await case.shows("line 099")
        assert case.page()[-1] == "line 099" and "screen history  79-100 of 100 lines" in case.bar
        await case.pilot.press("k", "k", "up", "j")
        assert case.page()[-1] == "line 097"
        await case.pilot.press("g")
        assert case.page()[0] == "line 000"
        await case.pilot.press("pagedown")
        assert case.page()[0] == "line 020"
        await case.pilot.press("d", "u", "pageup", "b", "k")
        assert case.page()[0] == "line 000"
        await case.pilot.press("G", "j", "pagedown")
        assert case.page()[-1] == "line 099"


async def test_long_lines_are_wrapped_and_wide_characters_stay_whole(tmp_path: Path) -> None:
    async with reading(tmp_path, Spotlight(SCREEN, 50, "", "line 050")) as case:
        await case.shows("line 050")
        first = next(index for index, text in enumerate(case.page()) if text.startswith("line 050"))
        wrapped = case.page()[first : first + 5]
        assert "".join(wrapped).replace(" ", "") == "line050" + "漢字" * 60 + "line051"
        assert {strip.cell_length for strip in case.screen.view.render_lines(case.screen.view.size.region)} == {80}


async def test_a_text_is_found_as_it_is_typed_and_n_goes_on(tmp_path: Path) -> None:
    async with reading(tmp_path) as case:
        await case.pilot.press(*"/ 04")
        await case.shows("line 049")
        await until(case.pilot, lambda: "10/10 ' 04'" in case.bar)
        await case.pilot.press("3", "enter")
        await until(case.pilot, lambda: "1/1 ' 043'" in case.bar)
        await case.shows("line 043")
        await case.pilot.press(*"/ 04", "enter", "N", "N", "N")  # from the first one on the page
        await until(case.pilot, lambda: "10/10" in case.bar)
        await case.pilot.press("n", "n")
        await until(case.pilot, lambda: "2/10" in case.bar)
        await case.pilot.press(*"/zz", "enter")
        await until(case.pilot, lambda: "'zz' not found" in case.bar)


async def test_escape_ends_the_search_where_it_began(tmp_path: Path) -> None:
    async with reading(tmp_path) as case:
        await case.pilot.press(*"/ 00")
        await case.shows("line 009")
        await case.pilot.press("escape")
        await case.shows("line 099")
        await until(case.pilot, lambda: "' 00'" not in case.bar)
        await case.pilot.press("q")
        await until(case.pilot, lambda: case.app.screen is not case.screen)


async def test_tab_goes_between_screen_and_transcript(tmp_path: Path) -> None:
    async with reading(tmp_path) as case:
        await case.pilot.press("tab")
        await case.shows("› mend it")
        assert "transcript  1-3 of 3 lines" in case.bar
        await case.pilot.press("tab")
        await case.shows("line 099")


@pytest.mark.parametrize("pane", [None, replace(PANE, alternate=True), replace(PANE, history=0)])
async def test_programs_that_leave_no_history_show_what_was_said(tmp_path: Path, pane: Pane | None) -> None:
    live = Client()
    live.known = pane
    async with reading(tmp_path, live=live) as case:
        await case.shows("› mend it")


async def test_a_long_transcript_keeps_nobody_from_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def said(agent: Agent) -> None:
        go_on.wait(10)

    monkeypatch.setattr("agentdeck.services.reading.history.conversation", said)
    async with reading(tmp_path) as case:
        await case.shows("line 099")
        await case.pilot.press("g", "tab")
        assert case.page()[0] == "line 000"
        go_on.set()


async def test_with_one_of_the_two_the_other_is_explained(tmp_path: Path, documents: dict[str, Any]) -> None:
    documents[SCREEN] = None
    async with reading(tmp_path) as case:
        await case.shows("› mend it")
        await case.pilot.press("tab")
        await until(case.pilot, lambda: any("ada has no screen" in n.message for n in case.app._notifications))


async def test_nothing_to_read_says_why(tmp_path: Path, documents: dict[str, Any]) -> None:
    documents[SCREEN] = documents[TRANSCRIPT] = None
    async with reading(tmp_path) as case:
        await until(case.pilot, lambda: "ada has no screen" in case.bar)
        await case.pilot.press("G", "y", "e", "n", *"/x", "enter", "tab", "escape")
        await until(case.pilot, lambda: case.app.screen is not case.screen)


async def test_what_came_meanwhile_is_told_and_read_by_r(tmp_path: Path, documents: dict[str, Any]) -> None:
    async with reading(tmp_path) as case:
        await case.pilot.press("g")
        case.live.known = replace(PANE, history=112)
        documents[SCREEN] = ScreenDocument([[*LINES, *(f"more {n}" for n in range(12))]])
        await until(case.pilot, lambda: "12 new lines: r reads them" in case.bar)
        await case.pilot.press("r")
        await until(case.pilot, lambda: "of 112 lines" in case.bar)
        assert case.page()[0] == "line 000" and "new lines" not in case.bar
        await case.pilot.press("G")
        await case.shows("more 11")


async def test_a_place_in_a_file_is_opened(tmp_path: Path) -> None:
    async with reading(tmp_path) as case:
        await case.pilot.press("tab")
        await case.shows("src/app.py:3")
        await case.pilot.press("e")  # none.py is no file, so there is nothing to choose
        await until(case.pilot, lambda: case.opened == [("src/app.py", 3)])
        await until(case.pilot, lambda: case.screen.view.existing == {"src/app.py"}, "the underlined path")
        await case.pilot.click(case.screen.view, offset=(5, 1))
        await until(case.pilot, lambda: len(case.opened) == 2)
        await case.pilot.click(case.screen.view, offset=(8, 2))
        assert case.app.screen is case.screen and len(case.opened) == 2


async def test_several_places_are_offered(tmp_path: Path, documents: dict[str, Any]) -> None:
    documents[SCREEN] = ScreenDocument([["src/app.py:1", "src/app.py:2:5", "none.py:3", "src/app.py:1"]])
    async with reading(tmp_path) as case:
        await case.shows("src/app.py:2:5")
        await case.pilot.press("e")
        await until(case.pilot, lambda: isinstance(case.app.screen, LocationPicker))
        assert case.app.screen.query_one(OptionList).option_count == 2
        await case.pilot.press("down", "enter")
        await until(case.pilot, lambda: case.opened == [("src/app.py", 2)])
        await case.pilot.press(*"/y:1", "enter")  # the line of the match is what is meant
        await until(case.pilot, lambda: "1/2" in case.bar)
        await case.pilot.press("e")
        await until(case.pilot, lambda: case.opened[1:] == [("src/app.py", 1)])


async def test_copying_takes_what_is_picked_else_the_match_else_the_page(tmp_path: Path) -> None:
    async with reading(tmp_path) as case:
        await case.pilot.press("g", "y")
        assert case.app.clipboard.startswith("line 000\nline 001") and case.app.clipboard.endswith("line 021")
        await case.pilot.press(*"/007", "enter")
        await until(case.pilot, lambda: "1/1" in case.bar)
        await case.pilot.press("y")
        assert case.app.clipboard == "line 007"
        await drag(case.pilot, case.screen.view, (5, 0), (3, 2))
        await case.pilot.press("y")
        assert case.app.clipboard == "000\nline 001\nline"
        await case.pilot.press("escape")
        assert case.screen.view.picked is None and case.app.screen is case.screen


async def test_a_match_that_was_found_elsewhere_is_on_the_page(tmp_path: Path) -> None:
    async with reading(tmp_path, Spotlight(SCREEN, 3, "line 033", "033")) as case:
        await case.shows("line 033")
        current = case.screen.view.current
        assert current is not None and current.line == 33
