"""While you were away: what is listed, in which order, and what has solved itself."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import count

import pytest
from click.testing import CliRunner

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.cli import main
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.event import Event
from agentdeck.models.status import Ask, State, Status
from agentdeck.models.usage import Tokens, UsageRecord
from agentdeck.services import away as absences
from agentdeck.services import rows as tables
from agentdeck.services.away import ABSENCE_MS, Absence, away, over
from agentdeck.services.fleet import AgentRow, Diff, TaskRef, UsageSum
from agentdeck.services.radar.collisions import Clash
from agentdeck.services.usage import usage_entries
from agentdeck.services.usage.usage_owner import Owner

LEFT = 1_790_000_000_000
_numbers = count(1)


def row(
    name: str, state: State = "idle", since: int = LEFT + 9, *, code: int | None = None, **more: object
) -> AgentRow:
    ask = more.pop("ask", None)
    agent = Agent(name, name, "builtin", "/r", "/t", "", "", "", "live", exit_code=code)
    return AgentRow(agent, Status(state, "hook", since, "a test says so", ask=ask), **more)  # type: ignore[arg-type]


def event(kind: str, agent: str, ts: int = LEFT + 5, **data: object) -> Event:
    return Event(next(_numbers), ts, agent, kind, data)


def moves(agent: str, *states: str) -> list[Event]:
    """One status event for each step from a state to the next."""
    pairs = zip(states, states[1:], strict=False)
    return [event("status", agent, LEFT + n, before=one, state=two) for n, (one, two) in enumerate(pairs, 1)]


def listed(events: list[Event], *some: AgentRow, **more: object) -> list[tuple[str, str, str]]:
    return [(item.kind, item.name, item.what) for item in away(events, some, LEFT, **more)]  # type: ignore[arg-type]


ASK = Ask("Run this command?", "permission", "bash", "git push\n  --force")

TABLE = {
    "a question, with what it asks": (
        [], row("a", "needs_input", ask=ASK), [("needs", "a", "permission: bash: git push --force")]),
    "a question from before I left needs me all the same": (
        [], row("a", "needs_input", LEFT - 99, ask=Ask("Which port?", "question")),
        [("needs", "a", "question: Which port?")]),
    "a question only its screen shows": (
        [], row("a", "needs_input"), [("needs", "a", "waits for you: see its screen")]),
    "a question that was answered meanwhile": (
        moves("a", "working", "needs_input", "working"), row("a", "working"), []),
    "a failure": ([], row("a", "failed"), [("failed", "a", "failed")]),
    "a failure I have seen": ([], row("a", "failed", LEFT - 1), []),
    "a failure told a moment after I left": (
        moves("a", "working", "failed"), row("a", "failed", LEFT - 1), [("failed", "a", "failed")]),
    "a failure it got over": (moves("a", "working", "failed", "working"), row("a", "working"), []),
    "a hung one": ([], row("a", "hung"), [("failed", "a", "hung")]),
    "an exit nobody asked for": ([], row("a", "exited", code=3), [("failed", "a", "exited with 3")]),
    "a pane that vanished": ([], row("a", "exited"), [("failed", "a", "its process is gone")]),
    "a command that did its work": ([], row("a", "exited", code=0), [("finished", "a", "ended by itself")]),
    "a stop by hand": ([event("agent", "a", action="stop")], row("a", "exited", code=3), []),
    "an exit after a stop and a resume": (
        [event("agent", "a", action="stop"), event("agent", "a", action="resume")], row("a", "exited", code=1),
        [("failed", "a", "exited with 1")]),
    "an end of a turn": (
        moves("a", "idle", "working", "idle"), row("a", diff=Diff(2, 30, 4)),
        [("finished", "a", "its turn ended, 2 files +30 −4")]),
    "an end of a turn that began before I left": (
        moves("a", "working", "idle"), row("a"), [("finished", "a", "its turn ended")]),
    "an end of a turn seen through a doubt": (
        moves("a", "working", "unknown", "idle"), row("a"), [("finished", "a", "its turn ended")]),
    "a turn that ended on my answer from before": (
        moves("a", "needs_input", "idle"), row("a"), [("finished", "a", "its turn ended")]),
    "a start is no turn": (moves("a", "starting", "idle"), row("a"), []),
    "a doubt is no turn": (moves("a", "idle", "unknown", "idle"), row("a"), []),
    "a turn that ended while the next one runs": (moves("a", "working", "idle", "working"), row("a", "working"), []),
    "a task in review, and not its turn again": (
        [*moves("a", "idle", "working", "idle"), event("task", "a", task=7, state="review", before="running")],
        row("a", task=TaskRef(7, "Mend it", "review")), [("finished", "a", "#7 Mend it: in review")]),
    "a task that somebody accepted": (
        [event("task", "a", task=7, state="review", before="running"), event("task", "", task=7, state="accepted")],
        row("a", "idle"), []),
    "a task that failed": (
        [event("task", "a", task=7, state="failed", before="running", reason="the model is gone")], row("a", "working"),
        [("failed", "a", "#7 Mend it: failed")]),
    "a task that a human rejected": ([event("task", "", task=7, state="failed", before="review")], row("a"), []),
    "a task that is tried again": (
        [event("task", "a", task=7, state="failed", before="running"),
         event("task", "", task=7, state="queued", before="failed")], row("a"), []),
    "work that merges no more": (
        [], row("a", "working", clashes=(Clash("b", "bo", "merge", ("x.py", "y.py"), 2, LEFT + 1),)),
        [("collides", "a", "does not merge with bo: x.py, y.py")]),
    "a file in common, and a conflict I know of": (
        [], row("a", "working", clashes=(Clash("b", "bo", "file", ("x",), 1, LEFT + 1),
                                         Clash("", "main", "merge", ("x",), 1, LEFT - 1))), []),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_what_is_listed(case: str) -> None:
    events, one, found = TABLE[case]
    assert listed(events, one, titles={7: "Mend it"}) == found


def test_the_order_is_by_urgency_and_then_by_time_and_a_pair_is_told_once() -> None:
    clash = ("merge", ("x",), 1, LEFT + 2)
    some = (
        row("z", clashes=(Clash("y", "y", *clash),)), row("y", "failed", clashes=(Clash("z", "z", *clash),)),
        row("c", "needs_input", LEFT + 8), row("b", "needs_input", LEFT + 3), row("x", "exited", code=0),
    )  # fmt: skip
    assert [(kind, name) for kind, name, _ in listed([], *some)] == [
        ("needs", "b"), ("needs", "c"), ("failed", "y"), ("collides", "y"), ("finished", "x"),
    ]  # fmt: skip


def test_each_item_says_what_its_agent_cost_since() -> None:
    (item,) = away([], [row("a", "failed")], LEFT, spent={"a": UsageSum(Tokens(5), 1, 9), "b": UsageSum(Tokens(1))})
    assert item.usage.cost == 9 and item.detail == "a test says so"


@pytest.mark.parametrize(
    ("at", "until", "shown"),
    [
        (LEFT + 1, LEFT + 2, True),
        (LEFT - 1, LEFT + 2, False),
        (LEFT - 1, LEFT + ABSENCE_MS, True),
        (None, LEFT + ABSENCE_MS, False),
    ],
)
def test_it_is_shown_unasked_for_news_or_after_a_real_absence(at: int | None, until: int, shown: bool) -> None:
    items = () if at is None else away([], [row("a", "needs_input", at)], LEFT)
    assert Absence(LEFT, until, items).pressing is shown


def test_what_is_over_while_one_looks_at_the_list() -> None:
    asks, gone = row("a", "needs_input"), row("b", "exited", code=1)
    needs, failed = away([], [asks, gone], LEFT)
    assert over(needs, asks) == over(failed, gone) == ""
    assert over(needs, replace(asks, status=Status("working"))) == "answered"
    assert over(needs, row("a", "needs_input", LEFT + 10)) == "asks something else"
    assert over(failed, row("b", "working")) == "runs again"
    assert over(failed, None) == "removed"
    (stuck,) = away([], [row("c", "limited")], LEFT)
    assert over(stuck, row("c", "working")) == "is working now"


# From rows


@pytest.fixture
def conn(deck_home: object) -> Iterator[sqlite3.Connection]:
    conn = store.write(paths.database_file())
    yield conn
    conn.close()


def used(conn: sqlite3.Connection, agent: str, ts: int, cost: int | None) -> None:
    record = UsageRecord(f"{agent}{ts}", "builtin", "s", ts, "m", Tokens(10, 200, 30, 0, 5, 1))
    usage_entries.put(conn, usage_entries.by_kind([usage_entries.Entry(record, Owner(agent), cost, "")]), {})


def test_events_usage_and_titles_come_from_the_database(conn: sqlite3.Connection) -> None:
    agent = Agent("a", "ada", "builtin", "/r", "/t", "", "", "", "live")
    tables.insert(conn, "agents", tables.agent_columns(agent))
    tables.insert(conn, "agents", tables.agent_columns(replace(agent, id="g", name="gone", life="removed")))
    conn.execute("INSERT INTO specs (version, text, created) VALUES ('v', '', 1)")
    conn.execute(
        "INSERT INTO tasks (title, state, spec_version, repo, created) VALUES ('Mend it', 'failed', 'v', '/r', 1)"
    )
    tables.event(conn, LEFT - 1, "task", "a", task=1, state="running", before="queued")
    tables.event(conn, LEFT + 1, "task", "a", task=1, state="failed", before="running", reason="why")
    tables.event(conn, LEFT + 2, "hook", "a", name="Stop")
    for owner, ts, cost in (
        ("a", LEFT - 1, 50),
        ("a", LEFT + 1, 7),
        ("a", LEFT + 2, None),
        ("g", LEFT, 2),
        ("", LEFT, 1),
    ):
        used(conn, owner, ts, cost)
    found = absences.load(conn, [AgentRow(agent, Status("working"))], LEFT, LEFT + 9)
    assert [(item.what, item.detail, item.usage.cost) for item in found.items] == [("#1 Mend it: failed", "why", 7)]
    assert (found.usage.cost, found.usage.messages, found.usage.unpriced_tokens) == (9, 3, 245)
    shown = json.loads(json.dumps(absences.as_json(found)))
    assert shown["items"][0]["agent"] == "ada" and shown["usage"]["priced"] is False
    assert absences.load(None, [], 1, 2) == Absence(1, 2)


def test_the_events_are_found_by_an_index(conn: sqlite3.Connection) -> None:
    plan = conn.execute(f"EXPLAIN QUERY PLAN {absences._TOLD}", (LEFT,)).fetchall()
    assert "events_told" in plan[0]["detail"]
    plan = conn.execute(f"EXPLAIN QUERY PLAN {absences._SPENT}", (LEFT,)).fetchall()
    assert all("SEARCH" in step["detail"] or "USING INDEX" in step["detail"] for step in plan)


def test_when_a_view_was_seen_is_its_own_and_keeps_its_filter(conn: sqlite3.Connection) -> None:
    conn.execute("INSERT INTO views (name, filter) VALUES ('mine', 'x')")
    assert absences.last_seen(conn, "mine") == absences.last_seen(conn, "other") == 0
    absences.see(conn, "mine", LEFT)
    absences.see(conn, "new", LEFT + 1)
    assert (absences.last_seen(conn, "mine"), absences.last_seen(conn, "new")) == (LEFT, LEFT + 1)
    assert conn.execute("SELECT filter FROM views WHERE name = 'mine'").fetchone()[0] == "x"


# The command


def test_an_empty_deck_has_nothing_to_tell_and_a_bad_time_is_named(deck_home: object) -> None:
    run = CliRunner().invoke
    found = run(main, ["away", "--json"])
    assert found.exit_code == 0 and json.loads(found.stdout)["items"] == []
    assert run(main, ["away"]).stdout.split() == ["KIND", "AGENT", "WHAT", "AGO", "COST"]
    bad = run(main, ["away", "--since", "yesterday"])
    assert (bad.exit_code, bad.stdout) == (2, "")
    assert "'yesterday' is no day or time" in bad.stderr and "2h, 30m" in bad.stderr


def test_since_is_when_the_view_was_left_or_what_one_says(conn: sqlite3.Connection) -> None:
    absences.see(conn, "mine", LEFT)
    run = CliRunner().invoke

    def since(*words: str) -> int:
        data = json.loads(run(main, ["away", "--json", *words]).stdout)
        return round(datetime.fromisoformat(data["since"]).timestamp() * 1000)

    assert since("--view", "mine") == LEFT
    assert since("--view", "mine", "--since", "2026-11-22T18:30+00:00") == 1_795_372_200_000
    now = now_ms()
    assert abs(now - 2 * 3_600_000 - since("--since", "2h")) < 60_000
    assert abs(now - absences.NEVER_MS - since("--view", "never")) < 60_000
