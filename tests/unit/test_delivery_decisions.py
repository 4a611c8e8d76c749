"""Every decision about a delivery and an attempt is pure; here are the ways they can go."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from agentdeck.adapters.database import store
from agentdeck.errors import AgentDeckError
from agentdeck.harnesses import loader
from agentdeck.models.delivery import Delivery
from agentdeck.models.pane import Pane
from agentdeck.models.screen import parse
from agentdeck.models.status import Ask, Evidence, Status
from agentdeck.services import rows
from agentdeck.services.asking import answers
from agentdeck.services.delivery import deliveries
from agentdeck.services.delivery import paste_gate as gate
from agentdeck.services.delivery.composer import Typed
from agentdeck.services.queue import dispatcher

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


def test_rest_may_still_be_the_rest_before_the_last_text() -> None:
    given = NOW - 500
    assert gate.rest(IDLE, "idle", NOW, last=given)
    assert gate.rest(IDLE, "idle", NOW, last=given, ended=given + 100) == "", "its turn was too short to be seen"
    assert gate.rest(replace(IDLE, since=given + 1), "idle", NOW, last=given) == ""
    assert gate.rest(IDLE, "idle", NOW, last=NOW - gate.TURN_MS) == "", "it made no turn of it"


def test_a_follow_up_waits_for_a_turn_that_ended_well() -> None:
    failed = Status("failed", since=NOW - 5000, checked=NOW, why="API Error")
    assert gate.rest(failed, "idle", NOW) == ""
    assert "API Error" in gate.rest(failed, "follow", NOW)
    assert gate.rest(IDLE, "follow", NOW) == ""


def test_a_dialog_on_the_screen_and_a_human_s_keys_make_a_text_wait() -> None:
    assert gate.screen(PANE, EMPTY, asks=True)
    assert gate.screen(PANE, EMPTY, keys=NOW - 1000, now=NOW)
    assert gate.screen(PANE, EMPTY, keys=NOW - gate.TYPING_MS, now=NOW) == ""


def test_a_busy_agent_gets_first_what_does_not_wait_for_rest() -> None:
    one, two, three = (Delivery(str(n), "a1", "x", "queued", mode) for n, mode in enumerate(("idle", "queue", "idle")))
    last = Delivery("3", "a1", "x", "queued", "interrupt")
    assert deliveries.choose([one, two, three, last], frozenset()) == [one]
    assert deliveries.choose([one, two, three, last], frozenset({"a1"})) == [last]
    assert deliveries.choose([one, two, three], frozenset({"a1"})) == [two]


def test_a_row_takes_each_step_once(tmp_path: Path) -> None:
    conn = store.write(tmp_path / "deck.db")
    with store.transaction(conn):
        key = deliveries.add(conn, "a1", "text")
        row = deliveries.get(conn, key)
        assert row is not None
        first = deliveries.claim(conn, row)
        assert first is not None and (first.tries, first.paste_mark) == (1, f"{key}.1")
        assert deliveries.claim(conn, row) is None, "a stale copy"
        with pytest.raises(AgentDeckError, match="cannot be cancelled any more"):
            deliveries.cancel(conn, key)
        assert deliveries.step(conn, first, ["pasted"], "submitted")
        assert deliveries.step(conn, first, ["submitted"], "pasted", "not done after all")
        back = deliveries.get(conn, key)
        assert back is not None and (back.submitted, back.pasted) == (0, first.pasted)
        assert deliveries.step(conn, first, ["pasted"], "queued")
        assert deliveries.cancel(conn, key).reason == "cancelled"
        assert deliveries.pending(conn) == []
        task = deliveries.add(conn, "a1", "text", kind="task", task=7)
        with pytest.raises(AgentDeckError, match="carries task 7"):
            deliveries.cancel(conn, task)
    conn.close()


ASKING = Status("needs_input", reason="permission", ask=Ask("Bash: ls", tool="Bash"))
BOX = Evidence("screen", ("needs_input",), NOW, NOW, "box", "permission", Ask("Do it?", options=("Yes", "No")))


def test_an_answer_goes_to_the_question_that_stands_there() -> None:
    claude, own = loader.get("claude"), loader.get("builtin")
    assert answers.plan(claude, ASKING, BOX, "allow").keys == ("1",)
    assert answers.plan(claude, ASKING, BOX, "deny").keys == ("Escape",)
    assert answers.plan(claude, ASKING, BOX, "no").keys == ("2",)
    assert answers.plan(own, ASKING, BOX, "allow", ASKING.ask).keys == ("y",)


def test_words_deny_a_permission_and_answer_a_question_that_takes_them() -> None:
    claude = loader.get("claude")
    told = answers.plan(claude, ASKING, BOX, "deny: look at the lexer first")
    assert (told.keys, told.text, told.words) == (("Escape",), "", "look at the lexer first")
    status = replace(ASKING, reason="question", ask=Ask("Which?", "question", "AskUserQuestion"))
    asked = replace(BOX, reason="question", ask=Ask("Which?", options=("Left", "Right", "Type something.", "Chat")))
    given = answers.plan(claude, status, asked, "straight\n on")
    assert (given.keys, given.text, given.words) == (("3",), "straight on", "")
    assert answers.plan(claude, status, asked, "right").keys == ("2",)
    with pytest.raises(AgentDeckError):
        answers.plan(claude, status, asked, "7")
    with pytest.raises(AgentDeckError):
        answers.plan(claude, status, asked, "deny: no")  # a question is not denied


@pytest.mark.parametrize(
    ("text", "rows", "stands"),
    [
        ("Bash: touch made.txt", [" Bash command", " touch made.txt", " Do you want to proceed?"], True),
        ("Bash: touch other.txt", [" Bash command", " touch made.txt", " Do you want to proceed?"], False),
        ("Bash: a long command that is wrapped", ["│ a long command  │", "│ that is wrapped │"], True),
        ("Bash: cat >x <<E\nfirst line\nthe very last line", ["the very last line", " 1. Yes"], True),
        ("Write: /home/dev/tree/notes.txt", ["Do you want to create notes.txt?"], True),
        ("Write: /home/dev/tree/notes.txt", ["Do you want to create other.txt?"], False),
        ("WebFetch", ["Claude wants to fetch content"], True),  # nothing to tell it by
    ],
)
def test_a_request_is_told_from_another_by_what_the_screen_shows(text: str, rows: list[str], stands: bool) -> None:
    assert answers.stands(Ask(text, tool=text.split(":")[0]), rows) is stands


def test_enter_means_what_is_highlighted() -> None:
    screen = (Path(__file__).parents[1] / "screens/opencode/permission.ansi").read_text()
    lit = loader.get("opencode").answer.lit
    assert answers.highlighted(parse(screen.split("\n")), lit)
    orange, grey = "\x1b[48;2;245;167;66m", "\x1b[48;2;30;30;30m"
    other = screen.replace(f"{orange} \x1b[38;2;10;10;10mAllow once", f"{grey} \x1b[38;2;10;10;10mAllow once")
    assert other != screen
    assert not answers.highlighted(parse(other.split("\n")), lit)
    assert not answers.highlighted(parse(["nothing of it"]), lit)


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


def test_what_its_screen_shows_to_be_a_question_is_not_allowed_whatever_its_own_file_calls_it() -> None:
    with pytest.raises(AgentDeckError, match="shows a question"):
        answers.plan(loader.get("claude"), ASKING, replace(BOX, reason="question"), "allow")


def test_the_same_question_asked_again_is_another_one() -> None:
    claude = loader.get("claude")
    asking = replace(ASKING, since=NOW)
    assert answers.plan(claude, asking, BOX, "allow", ASKING.ask, NOW).keys == ("1",)
    with pytest.raises(AgentDeckError, match="answered meanwhile"):
        answers.plan(claude, asking, BOX, "allow", ASKING.ask, NOW - 5000)


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
