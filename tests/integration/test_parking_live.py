"""Agents that meet one usage limit, with a running engine: told once, left alone, and sent on when it has reset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.models.clock import now_ms
from tests import limitclient
from tests.deck import Deck
from tests.programs import bin_with

AHEAD_MS = 12_000  # of now: both must have met it by then
AGENTS = ("ann", "bob", "cid")


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    made = Deck(git_repo)
    yield made
    made.end()


def prompts(log: Path) -> list[tuple[int, str]]:
    """What reached a client, and when (UTC ms)."""
    rows = map(json.loads, log.read_text().splitlines()) if log.exists() else ()
    return [(row["at"], row["text"]) for row in rows if row["what"] == "prompt"]


def reset_ahead() -> int:
    """A time to come, of a whole second but no whole minute, which would be one that is told without seconds."""
    second = (now_ms() + AHEAD_MS) // 1000
    return (second + (second % 60 == 0)) * 1000


@pytest.mark.slow
def test_a_limit_met_by_two_is_one_notice_parks_three_and_ends_at_its_reset(
    deck: Deck, own_machine: Path, tmp_path: Path
) -> None:
    told = own_machine / "told"
    bin_with(own_machine, tell=f'printf "%s|%s\\n" "$1" "$2" >>{told}')
    folder = paths.user_harnesses_dir()
    folder.mkdir(parents=True)
    (folder / "limited.toml").write_text(limitclient.limit_harness("limited"))
    tell = json.dumps(str(own_machine / "bin" / "tell"))
    paths.config_file().write_text(f'notify_command = [{tell}]\nlimit_resume = "Go on."\n')
    logs = {name: tmp_path / f"{name}.log" for name in AGENTS}
    made = {
        name: deck.new(name, "limited", "--", *limitclient.command(logs[name], tmp_path / "until")) for name in AGENTS
    }
    for name in AGENTS:
        deck.is_(name, "idle")
    until = reset_ahead()
    (tmp_path / "until").write_text(f"{datetime.fromtimestamp(until / 1000, UTC):%H:%M:%S}")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: deck.ok("send", name, "Begin."), ("ann", "bob")))

    ids = sorted(row["id"] for row in made.values())
    deck.until(lambda: sorted(row[0] for row in deck.sql("SELECT agent FROM parked")) == ids, "all three to be parked")
    assert now_ms() < until, "the machine was too slow for this test"
    assert deck.row("ann")["status"]["state"] == "limited"
    deck.ok("task", "add", "-", given="# More\n\nDo more.\n")
    assert (
        "ann is at its limit, bob is at its limit, cid is held by a budget or a limit"
        in deck.ok("task", "why", "1").out
    )
    begun = deck.events("park")
    assert [(one["action"], sorted(one["agents"])) for one in begun] == [("begin", ids)]
    assert begun[0]["until"] == until

    deck.until(lambda: len(prompts(logs["cid"])) == 1, "the task to be handed out", 40)
    for name in ("ann", "bob"):
        deck.until(
            lambda name=name: [text for _, text in prompts(logs[name])] == ["Begin.", "Go on."], f"{name} going on"
        )
    assert all(at >= until for log in logs.values() for at, text in prompts(log) if text != "Begin.")
    assert [one["action"] for one in deck.events("park")] == ["begin", "end"]
    assert not deck.sql("SELECT 1 FROM parked")
    notices = told.read_text().splitlines()
    assert len(notices) == 1 and notices[0].startswith("usage limit of limited until"), notices
    assert notices[0].endswith("parked until then: ann, bob, cid")
