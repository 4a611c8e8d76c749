"""Finding everywhere by Pilot, on histories given by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App
from textual.widgets import OptionList, Static

from agentdeck.models.agent import Agent
from agentdeck.models.document import SCREEN, TRANSCRIPT, Needle
from agentdeck.services.fleet import AgentRow
from agentdeck.services.reading.search import Found
from agentdeck.ui.screens.history import Spotlight
from agentdeck.ui.screens.search import SearchScreen
from tests.ui.deck_fakes import row, until

TEXTS = {
    ("ada", SCREEN): [f"line {n:03} of ada" for n in range(80)],
    ("ada", TRANSCRIPT): ["› mend it", "  " + "word " * 40 + "needle " + "word " * 90],
    ("bo", TRANSCRIPT): ["nothing", "● the needle is here"],
}


class Known:
    """A searcher that knows `TEXTS`; `hold` keeps the second half of the answers back."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.trouble = ""

    async def search(self, text: str, agents: Sequence[Agent], found: Callable[[Found], None]) -> str:
        self.asked.append(text)
        for place, ((name, source), texts) in enumerate(TEXTS.items()):
            if place:
                await self.hold.wait()
            agent = next(agent for agent in agents if agent.name == name)
            if matches := Needle(text).matches(texts):
                found(Found(agent, source, texts, tuple(matches)))
        return self.trouble


class Case:
    def __init__(self, text: str = "") -> None:
        self.known = Known()
        self.went: list[tuple[str, Spotlight]] = []
        self.app = App[None]()
        self.screen = SearchScreen(self.known, (row("ada"), row("bo")), self._go, text)  # type: ignore[arg-type]
        self.pilot: Any = None

    async def _go(self, one: AgentRow, spotlight: Spotlight) -> None:
        self.went.append((one.agent.name, spotlight))

    @property
    def listed(self) -> list[str]:
        choices = self.screen.query_one(OptionList)
        return [str(choices.get_option_at_index(index).prompt) for index in range(choices.option_count)]

    def words(self, name: str) -> str:
        return str(self.screen.query_one(f"#search-{name}", Static).render())

    async def done(self) -> None:
        await until(self.pilot, lambda: " in 0." in self.words("bar"), "the end of the search")


@asynccontextmanager
async def finding(text: str = "") -> AsyncIterator[Case]:
    case = Case(text)
    async with case.app.run_test(size=(100, 40)) as case.pilot:
        case.app.push_screen(case.screen)
        await until(case.pilot, lambda: case.screen.focused is not None)
        yield case


async def test_what_is_typed_is_found_by_agent_with_what_is_around_it() -> None:
    async with finding() as case:
        await case.pilot.press("n")
        assert case.known.asked == [] and case.listed == []  # one letter stands everywhere
        await case.pilot.press(*"eedle")
        await case.done()
        assert case.known.asked[-1] == "needle"
        assert [text.split("  ")[:3] for text in case.listed if "ada" in text or "bo" in text] == [
            ["○ ada", "transcript", "1 line"], ["○ bo", "transcript", "1 line"],
        ]  # fmt: skip
        (long,) = [text for text in case.listed if "…" in text]
        assert long.index("needle") < 60, "the match is seen although it stands far in its line"
        assert "2 agents" in case.words("bar")
        await case.pilot.press("down")
        assert "nothing\n● the needle is here" in case.words("around")
        await case.pilot.press("enter")
        await until(case.pilot, lambda: case.went)
        assert case.went == [("bo", Spotlight(TRANSCRIPT, 1, "● the needle is here", "needle"))]
        await case.pilot.press("escape")
        await until(case.pilot, lambda: case.app.screen is not case.screen)
        assert case.screen.text == "needle"


async def test_the_newest_come_first_and_not_too_many() -> None:
    async with finding("line") as case:  # the text of the last time is looked for at once
        await case.done()
        assert case.listed[0] == "○ ada  screen history  80 lines, the newest 50"
        assert case.listed[1].split() == ["80", "line", "079", "of", "ada"] and len(case.listed) == 51


async def test_another_letter_ends_the_search_before() -> None:
    async with finding() as case:
        case.known.hold.clear()
        await case.pilot.press(*"line")
        await until(case.pilot, lambda: case.listed)
        assert "searching" in case.words("bar")
        await case.pilot.press(*" 07")
        await until(case.pilot, lambda: len(case.listed) == 11)
        case.known.hold.set()
        await case.done()
        assert len(case.listed) == 11
        await case.pilot.press(*"nothing")
        await until(case.pilot, lambda: "nothing found" in case.words("bar"))
        assert case.listed == []
        await case.pilot.press("enter")
        assert case.went == []


async def test_what_could_not_be_searched_is_said() -> None:
    async with finding() as case:
        case.known.trouble = "screens were not searched: there is no connection to tmux"
        await case.pilot.press(*"needle")
        await until(case.pilot, lambda: "screens were not searched" in case.words("bar"))
        assert len(case.listed) == 4
