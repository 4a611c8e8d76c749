"""A limit or an outage that several agents meet: who is parked, told how often, and what happens at the reset."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.status import Evidence, State, Status
from agentdeck.services.budgets.park_keeper import ParkKeeper
from agentdeck.services.budgets.parking import OUTAGE_MS, Key, Member, Park, parks
from agentdeck.services.status.evidence import merge
from agentdeck.services.status.monitor import Monitor, Watched
from agentdeck.services.status.verdict import RESET_GRACE_MS, verdict

NOW = 1_800_000_000_000
RESET = NOW + 3_600_000


def member(
    agent: str, state: State, *, until: int = 0, ago: int = 60_000, harness: str = "h", account: str = "me"
) -> Member:
    return Member(agent, harness, account, Status(state, "screen", NOW - ago, "", until=until))


def parked(members: list[Member], before: dict[Key, Park] | None = None, now: int = NOW) -> list[tuple[object, ...]]:
    return [(p.kind, p.until, p.parked) for p in parks(members, before or {}, now).values()]


def test_two_at_a_limit_park_all_on_that_account_until_the_reset() -> None:
    one, two = member("a", "limited", until=RESET), member("b", "limited", until=RESET + 5)
    others = [member("c", "idle"), member("d", "idle", account="other"), member("e", "idle", harness="g")]
    assert parked([one, *others]) == []
    assert parked([one, two, *others]) == [("limit", RESET + 5, ("a", "b", "c"))]
    begun = parks([one, two, *others], {}, NOW)
    assert "met by 2 agents" in begun["limit", "h", "me"].words
    assert parked([one, *others], begun) == [("limit", RESET, ("a", "c"))]
    assert parked([one, two, *others], begun, RESET + 5) == []


def test_an_outage_is_several_that_retry_for_a_while_and_ends_with_the_last() -> None:
    fresh = [member("a", "retrying", ago=OUTAGE_MS - 1), member("b", "retrying")]
    assert parked(fresh) == []
    down = [member("a", "retrying", account="x"), member("b", "retrying"), member("c", "idle")]
    assert parked(down) == [("outage", 0, ("a", "b", "c"))]
    begun = parks(down, {}, NOW)
    assert parked([down[0], member("b", "working"), down[2]], begun) == [("outage", 0, ("a", "b", "c"))]
    assert parked([member("a", "working"), down[2]], begun) == []


def limited(at: int, until: int, why: str = "limit, resets 8:50pm") -> Evidence:
    return Evidence("screen", ("limited",), at, at, why, until=until)


def test_a_time_of_day_is_that_of_the_day_on_which_the_sign_came_up() -> None:
    first = limited(NOW, RESET)
    later = merge(first, limited(RESET + 120_000, RESET + 86_400_000))
    assert (later.until, later.changed) == (RESET, NOW)
    assert merge(first, limited(NOW + 9, RESET + 7, "another")).until == RESET + 7


@pytest.mark.parametrize(
    ("now", "state"),
    [(RESET - 1, "limited"), (RESET + RESET_GRACE_MS - 1, "limited"), (RESET + RESET_GRACE_MS, "idle")],
)
def test_what_shows_a_limit_means_rest_once_it_is_over(now: int, state: State) -> None:
    screen = Evidence("screen", ("limited",), NOW, now, "the limit", until=RESET)
    found = [screen, Evidence("vendor", ("idle", "failed", "limited"), NOW, now, "idle"),
             Evidence("hook", ("failed", "limited"), NOW - 1, NOW, "StopFailure")]  # fmt: skip
    assert verdict(found, now).state == state
    unknown = [Evidence("screen", ("limited",), NOW, now, "the limit")]
    assert verdict(unknown, now).state == "limited"


def agent(name: str) -> Agent:
    return Agent(name, name, "h", "/r", "/t", "", "", "", "live", home="/home/me")


class Rig:
    """A keeper over agents whose statuses the test sets."""

    def __init__(self, writer: store.Writer) -> None:
        self.monitor = Monitor()
        self.monitor.know([agent(name) for name in "abc"])
        self.notices: list[str] = []
        self.keeper = ParkKeeper(writer, self.monitor, "Go on.", lambda park: self.notices.append(park.words))

    async def now(self, **states: Status) -> None:
        for name, status in states.items():
            self.monitor.watched[name] = Watched(status=status)
        await self.keeper.look()


@pytest.fixture
async def rig(deck_home: object) -> AsyncIterator[Rig]:
    writer = store.Writer(paths.database_file())
    try:
        yield Rig(writer)
    finally:
        writer.close()


def rows(query: str) -> list[sqlite3.Row]:
    conn = store.read(paths.database_file())
    assert conn is not None
    found = conn.execute(query).fetchall()
    conn.close()
    return found


async def test_one_notice_for_all_and_everybody_goes_on_at_the_reset(rig: Rig) -> None:
    past = now_ms() - RESET_GRACE_MS - 1
    at = Status("limited", "screen", 1, "", until=now_ms() + 60_000)
    idle = Status("idle", "hook", 1, "")
    await rig.now(a=at, b=idle, c=idle)
    assert (rig.notices, rig.keeper.holds("c")) == ([], "")
    await rig.now(b=at)
    await rig.now()
    assert len(rig.notices) == 1
    assert rig.keeper.holds("c") == rig.notices[0]
    assert (rig.keeper.hushed("a"), rig.keeper.hushed("c")) == (True, False)
    assert {row["agent"] for row in rows("SELECT agent FROM parked")} == {"a", "b", "c"}

    over = Status("limited", "screen", 1, "", until=past)
    await rig.now(a=over, b=over)
    assert rig.keeper.holds("c") == ""
    await rig.now(a=idle, b=Status("working", "hook", 1, ""))  # b went on by itself
    await rig.now()
    assert rig.keeper.pauses("a")
    assert not rig.keeper.pauses("b")
    assert [(row["agent"], row["text"]) for row in rows("SELECT agent, text FROM deliveries")] == [("a", "Go on.")]
    await rig.now(a=Status("working", "hook", 2, ""))
    assert not rig.keeper.pauses("a")
    told = [json.loads(row["data"])["action"] for row in rows("SELECT data FROM events WHERE kind = 'park'")]
    assert told == ["begin", "end"]
    assert len(rig.notices) == 1
