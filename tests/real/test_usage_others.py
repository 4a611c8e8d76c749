"""Every token handed to Gemini CLI and opencode over a day with errors, a subagent, compaction, a fork and kills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.real import client, others
from tests.real.day import START_SECONDS, WORDS, Day
from tests.real.deck import Deck
from tests.real.dialects import Dialects
from tests.waiting import wait_for

pytestmark = [pytest.mark.allclients, pytest.mark.timeout(400)]
# The script's newline is JSON's own escape, so that the inner directives are not the outer prompt's.
SUBAGENT = {
    "opencode": r'::call task {"description": "look", "subagent_type": "general", '
    r'"prompt": "::usage input=5 output=41\n::say found it"} ',
    "gemini": r'::call invoke_agent {"agent_name": "generalist", '
    r'"prompt": "::usage input=5 output=41\n::call complete_task {\"result\": {\"response\": \"found it\"}}"} ',
}


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
    agent = SUBAGENT[day.name]
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
    day.fork("Forked ::usage input=76 output=93 ::say In the fork.")
    day.deck.run("usage", "import")  # at once: Gemini CLI deletes such a chat when it is started again
    day.deck.run("resume", "ann")
    day.deck.until("ann", "idle", START_SECONDS)
    day.say("Nine ::usage input=81 output=95 ::say Back.")

    mine = day.handed(but="Forked")  # which was no process of the deck's
    try:
        wait_for(lambda: day.recorded() in (mine, day.handed()), 20, "the usage of all of it", interval=0.5)
    except AssertionError:
        assert day.recorded() == mine
    total = day.deck.json("usage")["total"]
    assert {key: total[key] for key in mine} == day.handed()
    record_property("unrecorded", f"{day.name}: {day.unrecorded()}")
    assert day.handed()["messages"] == {"gemini": 10, "opencode": 11}[day.name]
