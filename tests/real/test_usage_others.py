"""Every token that Gemini CLI and opencode were handed, over a day with errors, a subagent, compaction and kills."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.real import client, others
from tests.real.deck import Deck
from tests.real.dialects import Dialects, Handed
from tests.waiting import wait_for

pytestmark = [pytest.mark.allclients, pytest.mark.timeout(400)]
START_SECONDS = 120
ARGS = {"gemini": ("--model", "gemini-2.5-pro"), "opencode": ()}
WORDS = {"gemini": ("/compress", "/clear"), "opencode": ("/compact", "/new")}  # compaction, a new conversation
# The script's newline is JSON's own escape, so that the inner directives are not the outer prompt's.
SUBAGENT = (
    r'::call task {"description": "look", "subagent_type": "general", '
    r'"prompt": "::usage input=5 output=41\n::say found it"} '
)


class Day:
    """One agent's day, and what the model server says of it."""

    def __init__(self, deck: Deck, model: Dialects, name: str) -> None:
        self.deck, self.model, self.name = deck, model, name
        deck.new("ann", harness=name, args=ARGS[name])
        deck.until("ann", "idle", START_SECONDS)

    def say(self, prompt: str, *then: str) -> None:
        """Hand over a prompt, and wait until its last response has gone out and the agent rests."""
        self.deck.start("send", "ann", prompt)
        for word in then:
            self.deck.until("ann", "needs_input")
            self.deck.run("answer", "ann", word)
        self.did("answered", prompt)
        self.deck.until("ann", "idle", 60)

    def did(self, what: str, prompt: str) -> None:
        """Wait for it. Prompts are known by their first word: a client merges one with another that got no answer."""
        word = prompt.split()[0]

        def look() -> bool:
            return any(did == what and word in of.split() for _, did, of in self.model.log)

        try:
            wait_for(look, 60, f"{what} {word}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.deck.run('screen', 'ann')}{self.deck.run('show', 'ann')}") from None

    def command(self, word: str) -> None:
        self.deck.start("send", "ann", word)

    def compact(self) -> None:
        """The client's own request for a summary, which no human asked."""
        before = len(self.own())
        self.command(WORDS[self.name][0])
        wait_for(lambda: len(self.own()) > before, 30, "a request for a summary")
        self.deck.until("ann", "idle", 60)

    def kill(self) -> None:
        top = psutil.Process(self.deck.row("ann")["pid"])
        for process in [*top.children(recursive=True), top]:
            os.kill(process.pid, signal.SIGKILL)
        self.deck.until("ann", "exited")

    def own(self) -> list[Handed]:
        """What the client asked for by itself."""
        return [one for one in self.model.handed if not one.prompt]

    def unrecorded(self) -> list[str]:
        """How the requests begin that the client writes down nowhere: opencode tells its compaction like an answer."""
        return [one.words for one in self.own() if one not in self._told()]

    def _told(self) -> list[Handed]:
        return [one for one in self.model.handed if one.prompt or "<conversation>" in one.words]

    def handed(self) -> dict[str, int]:
        theirs = self._told()
        return {
            "input_tokens": sum(one.input for one in theirs),
            "cache_read_tokens": sum(one.read for one in theirs),
            "output_tokens": sum(one.output for one in theirs),
            "reasoning_tokens": sum(one.reasoning for one in theirs),
            "messages": len(theirs),
        }

    def recorded(self) -> dict[str, int]:
        usage = self.deck.row("ann")["usage"]
        return {key: usage[key] for key in self.handed()}


@pytest.fixture(params=["gemini", "opencode"])
def day(request: pytest.FixtureRequest, git_repo: Path, deck_home: Path, own_machine: Path) -> Iterator[Day]:
    name, home = str(request.param), own_machine / "home"
    binary, reason = client.install(name)
    if binary is None:
        pytest.skip(reason)
    with Dialects() as model:
        others.seed(name, home, model.url, git_repo)
        deck = Deck(git_repo, {**others.environment(name, binary, home, model.url), "DECK_HOME": str(deck_home)})
        try:
            yield Day(deck, model, name)
        finally:
            deck.start("halt", "--yes")


def test_recorded_is_what_was_handed_out_but_for_what_the_client_asked_itself(
    day: Day, record_property: Callable[[str, object], None]
) -> None:
    agent = SUBAGENT if day.name == "opencode" else ""
    day.say("One ::usage input=11 read=12 output=23 ::say Hello.")
    day.say(
        f"Two ::usage input=21 read=22 output=33 {agent}::bash touch a.txt ::usage input=31 output=52 ::say All.",
        "allow",
    )
    day.say("Three ::fail 503 ::usage input=41 output=60 ::say At last.")
    day.deck.start("send", "ann", "Four ::fail 400 x9 no")
    day.deck.until("ann", "failed", 60)
    day.deck.start("send", "ann", "Five ::wait 60 ::say never")
    day.did("asked", "Five ::wait 60 ::say never")
    day.deck.run("interrupt", "ann")
    day.deck.until("ann", "idle")
    day.compact()
    day.say("Six ::usage input=61 output=81 ::say After it.")
    day.command(WORDS[day.name][1])
    day.say("Seven ::usage input=71 read=3 output=91 ::say Anew.")
    day.deck.start("send", "ann", "Eight ::wait 8 ::say never")
    day.did("asked", "Eight ::wait 8 ::say never")
    day.kill()
    day.deck.run("resume", "ann")
    day.deck.until("ann", "idle", START_SECONDS)
    day.say("Nine ::usage input=81 output=95 ::say Back.")

    try:
        wait_for(lambda: day.recorded() == day.handed(), 20, "the usage of all of it", interval=0.5)
    except AssertionError:
        assert day.recorded() == day.handed()
    record_property("unrecorded", f"{day.name}: {day.unrecorded()}")
    assert day.handed()["messages"] == (10 if agent else 7)
