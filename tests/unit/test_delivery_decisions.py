"""Every decision about a delivery and an attempt is pure; here are the ways they can go."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from agentdeck.adapters.database import store
from agentdeck.errors import AgentDeckError
from agentdeck.harnesses import loader
from agentdeck.models.pane import Pane
from agentdeck.models.status import Ask, Evidence, Status
from agentdeck.services import answers, dispatcher, gate, outbox, rows
from agentdeck.services.composer import Typed
from agentdeck.services.lives import add_delivery

NOW = 1_000_000
PANE = Pane(
    id="%1",
    window="@1",
    deck_id="a1",
    pid=1,
    command="x",
    title="",
    dead=False,
    dead_status=None,
    dead_signal=None,
    cols=120,
    rows=40,
    cursor_x=0,
    cursor_y=0,
    cursor_visible=True,
    alternate=False,
    in_mode=False,
    activity=0,
    history=0,
)
IDLE = Status("idle", since=NOW - 5000, checked=NOW)
EMPTY = Typed("empty")


def test_a_pane_that_is_gone_dead_or_somebody_elses_refuses() -> None:
    assert gate.refuse(None, "a1")
    assert gate.refuse(replace(PANE, deck_id="other"), "a1")
    assert gate.refuse(replace(PANE, dead=True), "a1")
    assert gate.refuse(PANE, "a1") == ""


@pytest.mark.parametrize(
    ("status", "pane", "typed", "mode"),
    [
        (replace(IDLE, state="working"), PANE, EMPTY, "idle"),
        (replace(IDLE, state="needs_input"), PANE, EMPTY, "idle"),
        (replace(IDLE, state="needs_input"), PANE, EMPTY, "queue"),
        (replace(IDLE, state="unknown"), PANE, EMPTY, "queue"),
        (replace(IDLE, checked=NOW - 60_000), PANE, EMPTY, "idle"),
        (IDLE, replace(PANE, in_mode=True), EMPTY, "idle"),
        (IDLE, PANE, Typed("draft", "half a thought"), "idle"),
        (IDLE, PANE, Typed("absent"), "idle"),
    ],
)
def test_what_makes_a_text_wait(status: Status, pane: Pane, typed: Typed, mode: str) -> None:
    assert gate.wait(status, pane, typed, mode, NOW)


def test_what_lets_a_text_through() -> None:
    assert gate.wait(IDLE, PANE, EMPTY, "idle", NOW) == ""
    assert gate.wait(IDLE, PANE, Typed("none"), "idle", NOW) == ""
    assert gate.wait(replace(IDLE, state="working"), PANE, EMPTY, "queue", NOW) == ""


def test_rest_must_have_lasted_where_a_client_paints_its_composer_before_its_dialogs() -> None:
    young = replace(IDLE, since=NOW - 400)
    assert gate.wait(young, PANE, EMPTY, "idle", NOW, 500)
    assert gate.wait(young, PANE, EMPTY, "idle", NOW, 400) == ""
    assert gate.wait(young, PANE, EMPTY, "idle", NOW) == ""


def test_words_are_compared_by_meaning() -> None:
    wrapped = '\n\n<pasted_content id="b4">\nfirst line\nsecond   line\n</pasted_content id="b4">\n'
    assert outbox.same_words(wrapped, "first line\nsecond line\n")
    assert not outbox.same_words("something else", "first line")
    assert outbox.same_words("", "anything")


def test_what_a_crash_left_half_way_is_never_sent_again(tmp_path: Path) -> None:
    conn = store.write(tmp_path / "deck.db")
    with store.transaction(conn):
        ids = [add_delivery(conn, "a1", "text") for _ in range(3)]
        rows.update(conn, "deliveries", "id", ids[1], state="pasted")
        rows.update(conn, "deliveries", "id", ids[2], state="submitted", submitted=5)
        outbox._recover(conn)
    states = dict(conn.execute("SELECT id, state FROM deliveries").fetchall())
    assert [states[key] for key in ids] == ["queued", "refused", "uncertain"]
    assert [one.id for one in outbox.pending(conn)] == [ids[0]]
    conn.close()


ASKING = Status("needs_input", reason="permission", ask=Ask("Bash: ls", tool="Bash"))
BOX = Evidence("screen", ("needs_input",), NOW, NOW, "box", "permission", Ask("Do it?", options=("Yes", "No")))


def test_an_answer_goes_to_the_question_that_stands_there() -> None:
    claude, own = loader.get("claude"), loader.get("builtin")
    assert answers.plan(claude, ASKING, BOX, "allow").keys == ("1",)
    assert answers.plan(claude, ASKING, BOX, "deny").keys == ("Escape",)
    assert answers.plan(claude, ASKING, BOX, "no").keys == ("2",)
    assert answers.plan(own, ASKING, BOX, "allow", ASKING.ask).keys == ("y",)


@pytest.mark.parametrize(
    ("status", "screen", "answer", "expected"),
    [
        (IDLE, BOX, "allow", None),
        (ASKING, replace(BOX, states=("working",)), "allow", None),
        (ASKING, BOX, "allow", Ask("Bash: rm -rf /", tool="Bash")),
        (replace(ASKING, reason="dialog"), BOX, "allow", None),
        (ASKING, BOX, "perhaps", None),
    ],
)
def test_an_answer_that_would_go_astray_is_refused(
    status: Status, screen: Evidence, answer: str, expected: Ask | None
) -> None:
    with pytest.raises(AgentDeckError):
        answers.plan(loader.get("claude"), status, screen, answer, expected)


SENT: dict[str, int | str] = {"state": "acknowledged", "reason": "", "submitted": NOW - 9000, "settled": NOW - 8900}


@pytest.mark.parametrize(
    ("status", "delivery", "hook", "end"),
    [
        (replace(IDLE, state="working"), SENT, 0, None),
        (IDLE, SENT, 0, "ended"),
        (replace(IDLE, since=NOW - 20_000), SENT, 0, None),
        (replace(IDLE, since=NOW - 20_000), SENT, NOW - 8000, "ended"),
        (replace(IDLE, since=NOW - 100), SENT, 0, None),
        (replace(IDLE, checked=NOW - 60_000), SENT, 0, None),
        (Status("failed", since=NOW - 5000, why="API Error"), SENT, 0, "failed"),
        (Status("exited"), SENT, 0, "died"),
        (IDLE, {**SENT, "state": "refused", "reason": "a draft"}, 0, "refused"),
        (IDLE, {**SENT, "state": "queued", "submitted": 0}, 0, None),
        (replace(IDLE, since=1), {**SENT, "state": "uncertain", "settled": NOW - 70_000}, 0, "refused"),
        (IDLE, {}, 0, None),
    ],
)
def test_how_an_attempt_ends(status: Status, delivery: dict[str, int | str], hook: int, end: str | None) -> None:
    found = dispatcher.outcome(status, delivery, hook, NOW)
    assert (found[0] if found else None) == end


def test_the_engine_writes_nothing_once_another_has_its_epoch(tmp_path: Path) -> None:
    writer = store.Writer(tmp_path / "deck.db")
    writer.run_sync(lambda conn: conn.execute("UPDATE engine SET epoch = 7"))
    writer.epoch = 6

    def change(conn: sqlite3.Connection) -> None:
        rows.event(conn, 1, "agent", "a1", action="new")

    with pytest.raises(store.EpochLost):
        writer.run_sync(change)
    writer.epoch = 7
    writer.run_sync(change)
    writer.close()
