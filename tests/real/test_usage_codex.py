"""Every token that Codex was handed, over a day with errors, subagents, compaction, a fork and kills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.real import client, others
from tests.real.day import ARGS, START_SECONDS, Day
from tests.real.deck import Deck
from tests.real.dialects import Dialects
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(400)
# The script's newline is JSON's own escape, so that the inner directives are not the outer prompt's. A subagent starts
# with nothing, or with all that was said; it has the tools of its parent.
SPAWN = (
    r'::call collaboration.spawn_agent {"task_name": "%s", "fork_turns": "%s", '
    r'"message": "::usage input=5 output=41\n::bash pwd\n::say found it"} '
    r'::call collaboration.wait_agent {"timeout_ms": 10000} '
)


@pytest.fixture
def day(git_repo: Path, deck_home: Path, own_machine: Path) -> Iterator[Day]:
    binary, reason = client.install("codex")
    if binary is None:
        pytest.skip(reason)
    home = own_machine / "home"
    with Dialects() as model:
        others.seed("codex", home, model.url, git_repo)
        deck = Deck(git_repo, {**others.environment("codex", binary, home, model.url), "DECK_HOME": str(deck_home)})
        try:
            yield Day(deck, model, "codex", *ARGS["codex"], "--enable", "multi_agent_v2")
        finally:
            deck.start("halt", "--yes")


def test_recorded_is_what_was_handed_out_but_for_titles(
    day: Day, record_property: Callable[[str, object], None]
) -> None:
    day.say("One ::usage input=11 read=12 output=23 ::say Hello.")
    day.say("Two ::usage input=21 read=22 output=33 ::bash touch a.txt ::usage input=31 output=52 ::say All.")
    day.say(f"Kids ::usage input=100 output=60 {SPAWN % ('look', 'none')} ::say All of it.")
    day.say("Three ::fail 500 ::usage input=41 output=60 ::say At last.")
    day.deck.start("send", "ann", "Limit ::fail 429 x9 no")
    day.deck.until("ann", "failed", 60)
    day.deck.start("send", "ann", "Four ::fail 400 x9 no")
    day.did("failed", "Four ::fail 400 x9 no")
    day.deck.until("ann", "failed", 60)
    day.deck.start("send", "ann", "Five ::wait 60 ::say never")
    day.did("asked", "Five ::wait 60 ::say never")
    day.deck.run("interrupt", "ann")
    day.deck.until("ann", "idle")
    day.compact()
    day.say("Six ::usage input=61 output=81 ::say After it.")
    first = day.deck.row("ann")["session_id"]
    day.command("/fork", "Fork created")
    day.say("Forked ::usage input=66 output=86 ::say In the fork.")
    assert day.deck.row("ann")["session_id"] != first
    day.compact()
    day.command("/new", "Ask Codex")
    day.say("Seven ::usage input=71 read=3 output=91 ::say Anew.")
    day.say(f"Kin ::usage input=110 output=61 {SPAWN % ('more', 'all')} ::say All of it.")
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
    assert day.deck.row("ann")["context"]["window_tokens"] == 258_400  # as the client says, not the list of prices
    told = day.deck.json("usage", "doctor")
    assert told["agree"] >= 4 and not told["sessions"]  # each thread's own total too
    record_property("unrecorded", f"codex: {day.unrecorded()}")
