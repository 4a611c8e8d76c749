"""What can be done about a loop and its experiments from the research screen; what loses something asks first."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from agentdeck.errors import AgentDeckError

if TYPE_CHECKING:
    from agentdeck.models.experiment import Experiment
    from agentdeck.research.board import LoopView
    from agentdeck.research.places import Place
    from agentdeck.ui.screens.deck import DeckScreen
    from agentdeck.ui.screens.research import ResearchScreen

NEEDED = ("agentdeck.research.view", "agentdeck.research.control", "agentdeck.research.start")


def _bring() -> None:
    """Import what the verbs call: it takes a tenth of a second the first time, so in a thread."""
    for name in NEEDED:
        importlib.import_module(name)


class Verbs:
    """`deck` starts processes of loops; without one (a screen alone, in a test) those verbs say so."""

    def __init__(self, screen: ResearchScreen, deck: DeckScreen | None) -> None:
        self._screen, self._deck = screen, deck

    # -- looking

    async def look(self, what: str) -> None:
        """A page of the chosen experiment, or of the loop's proposer as it works."""
        shown, each = self._screen.view, self._screen.chosen
        await asyncio.to_thread(_bring)
        from agentdeck.research import follow, view
        from agentdeck.ui.screens.research_page import ResearchPage

        if shown is None or (each is None and what != "proposer"):
            return
        place = shown.place
        if what == "proposer" or each is None:
            title = f" {place.name}: its proposer, as it works"
            self._screen.app.push_screen(ResearchPage(title, lambda: follow.text(place, self._newest()), follow=True))
            return
        read = {"diff": view.diff, "log": view.log, "prompt": view.prompt}[what]
        title = f" {place.name} {each.id}  {what}  {each.outcome}  {each.hypothesis}"
        self._screen.app.push_screen(ResearchPage(title, lambda: read(place, each)))

    def _newest(self) -> Experiment | None:
        shown = self._screen.view
        return shown.experiments[-1] if shown is not None and shown.experiments else None

    # -- doing

    async def do(self, what: str) -> None:
        """One verb; what is refused is told."""
        shown = self._screen.view
        if shown is None:
            return
        verbs: dict[str, Callable[..., object]] = {
            "pause": self._pause, "steer": self._steer, "stop": self._stop, "bad": self._bad, "fork": self._fork,
            "rerun": self._rerun,
        }  # fmt: skip
        each = self._screen.chosen
        if each is None and what in ("bad", "fork", "rerun"):
            return
        await asyncio.to_thread(_bring)
        try:
            await verbs[what](shown, each)  # pyrefly: ignore
        except AgentDeckError as error:
            self._tell(f"{error.title}. {error.hint}", "error")
        self._screen.look_again()

    def _tell(self, words: str, severity: str = "information") -> None:
        self._screen.notify(words, severity=severity, markup=False)  # pyrefly: ignore

    async def _sure(self, heading: str, text: str) -> bool:
        from agentdeck.ui.screens.confirm import ConfirmDialog

        return bool(await self._screen.app.push_screen_wait(ConfirmDialog(heading, text)))

    async def _pause(self, shown: LoopView, _: Experiment | None) -> None:
        from agentdeck.research import control

        if shown.live and shown.standing["state"] not in ("paused", "blocked"):
            await asyncio.to_thread(control.pause, shown.place)
            self._tell("It pauses when this experiment is over; p lets it go on")
        elif await asyncio.to_thread(control.resume, shown.place):
            self._tell("It goes on")
        else:
            await self._start(shown.place, str(shown.standing["directory"]))
            self._tell("It goes on, in a process of its own")

    async def _start(self, place: Place, directory: str) -> None:
        """Its agent again, or a new one when that was removed."""
        if self._deck is None:
            raise AgentDeckError("there is no deck here", f"agentdeck research resume {place.name}")
        rows = (row for row in self._deck.fleet.rows if row.agent.harness == "loop" and row.agent.name == place.name)
        row = next(rows, None)
        if row is not None:
            await self._deck.bridge.ask_with_environment("resume", row.agent.id)
            return
        await self._deck.bridge.ask_with_environment(
            "new", name=place.name, harness="loop", repo=directory, here=True, args=[str(place.root)]
        )

    async def _steer(self, shown: LoopView, _: Experiment | None) -> None:
        from agentdeck.research import control
        from agentdeck.ui.screens.steer import SteerDialog

        text = await self._screen.app.push_screen_wait(SteerDialog(shown.place.name, shown.standing["steering"]))
        if text is None:
            return
        heard = await asyncio.to_thread(control.steer, shown.place, text)
        when = "from the next experiment on" if heard else "when it runs again"
        self._tell(f"Its proposer reads that {when}" if text else f"The note is gone {when}")

    async def _stop(self, shown: LoopView, _: Experiment | None) -> None:
        from agentdeck.research import control
        from agentdeck.ui.screens.steer import StopDialog

        if not shown.live:
            raise AgentDeckError(f"{shown.place.name} does not run", "p starts it again.")
        when = await self._screen.app.push_screen_wait(StopDialog(shown.place.name))
        if when:
            await asyncio.to_thread(control.stop, shown.place, now=when == "now")
            self._tell("It ends now" if when == "now" else "It ends when this experiment is over")

    async def _bad(self, shown: LoopView, each: Experiment) -> None:
        from agentdeck.research import control

        if why := control.why_no_keep(each):
            raise AgentDeckError(why, "Choose one that was kept.")
        gone = control.gone_with(each, shown.experiments)
        also = f" {len(gone)} later keeps stand on it and go with it: {', '.join(e.id for e in gone)}." if gone else ""
        text = f"The champion becomes what it was before {each.id} ({each.hypothesis}).{also} Their commits stay."
        if await self._sure(f"Take {each.id} back?", text):
            heard = await asyncio.to_thread(control.take_back, shown.place, each)
            self._tell("It is taken back when this experiment is over" if heard else "It is taken back")

    async def _fork(self, shown: LoopView, each: Experiment) -> None:
        from agentdeck.research import start
        from agentdeck.ui.screens.line import LineDialog

        if not each.commit:
            raise AgentDeckError(f"{each.id} was never stored", "Fork from one that was run.")
        note = f"Another loop with this contract, on a branch of its own, from {each.id}: {each.hypothesis}"
        dialog = LineDialog("Fork", note, "begin", f"{shown.place.name}-{each.id}")
        name = await self._screen.app.push_screen_wait(dialog)
        if name:
            directory = str(shown.standing["directory"])
            place = await asyncio.to_thread(lambda: start.begin(name, Path(directory), base=each.commit))
            await self._start(place, directory)
            self._tell(f"{name} has begun, from {each.id}")

    async def _rerun(self, shown: LoopView, each: Experiment) -> None:
        """By a process of its own: it goes on when the dashboard is left."""
        await asyncio.to_thread(importlib.import_module, "agentdeck.services.tools.handover")
        from agentdeck.services.tools import handover

        if not each.runs:
            raise AgentDeckError(f"{each.id} was never run", "Choose one with a value.")
        beside = " The loop works now, and both would share the machine: pause it first (p)." * (
            shown.standing["state"] == "working"
        )
        text = (
            f"Its tree, its command, its seed {each.runs[0].seed}. The result stands below, and in the ledger.{beside}"
        )
        if await self._sure(f"Measure {each.id} again?", text):
            argv = [sys.executable, "-P", "-m", "agentdeck", "research", "rerun", shown.place.name, each.id]
            await asyncio.to_thread(handover.start, argv, Path.home(), os.environ)
            self._tell(f"{each.id} is measured again")
