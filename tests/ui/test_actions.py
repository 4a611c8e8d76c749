"""The action table: what every reader of it relies on."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agentdeck.models.clock import now_ms
from agentdeck.services.fleet import EngineNote, Fleet, UsageSum
from agentdeck.services.usage.pace import Pace
from agentdeck.ui import reasons
from agentdeck.ui.actions import ACTIONS, BY_ID, check_keymap, footer, keys_of, show_key
from agentdeck.ui.deck_state import DeckState, following, matches, shown
from agentdeck.ui.verbs import HANDLERS
from agentdeck.ui.widgets import empty_deck, keys_line, roster, top_line
from tests.ui.deck_fakes import row


def state(*rows, focus: int | None = 0, **more) -> DeckState:
    fleet = Fleet(tuple(rows), EngineNote(True, 1, 5))
    seen = shown(rows, more.get("filter", ""), more.get("show_hidden", False))
    return DeckState(fleet, seen, seen[focus] if seen and focus is not None else None, repo=Path("/r"), **more)


def test_no_two_actions_share_an_id_or_a_key() -> None:
    assert len(BY_ID) == len(ACTIONS)
    keys = [key for action in ACTIONS for key in action.keys]
    assert sorted(set(keys)) == sorted(keys)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_has_help_keys_and_does_something(action) -> None:
    assert action.keys and action.label and action.help[0].isupper() and not action.help.endswith(".")
    assert action.id in HANDLERS


def test_a_danger_is_never_one_of_the_first_keys_offered() -> None:
    assert all(action.footer == 0 or action.footer > 10 for action in ACTIONS if action.danger)


def test_keys_are_shown_as_they_are_printed() -> None:
    assert [show_key(key) for key in ("f2", "ctrl+q", "pageup", "enter", "G", "$", "+", "left")] == [
        "F2", "Ctrl+Q", "PgUp", "Enter", "G", "$", "+", "←",
    ]  # fmt: skip
    assert keys_of(BY_ID["jump"]) == ("1-9",)
    assert keys_of(BY_ID["usage"], {"usage": "f5, ctrl+u"}) == ("F5", "Ctrl+U")


def test_a_key_map_is_checked_by_id_and_by_clash() -> None:
    assert check_keymap({"usage": "f5"}) == []
    assert check_keymap({"usge": "f5"}) == ["[keys] usge: no such action"]
    assert check_keymap({"jump": "x"}) == ["[keys] jump: this one cannot be remapped"]
    assert check_keymap({"usage": "n"}) == ["[keys] usage: 'n' is taken by new"]
    assert check_keymap({"new": "x"}) == ["[keys] new: 'x' is taken by stop"]
    assert check_keymap({"usage": "n", "new": "f6"}) == []


@pytest.mark.parametrize(
    ("action", "rows", "why"),
    [
        ("zoom", (), "there is no agent yet: n makes one"),
        ("spec", (row("ada", "working"),), "ada is not idle: working"),
        ("spec", (row("ada", "unknown"),), "ada is not idle: unknown"),
        ("spec", (row("ada", "idle"),), ""),
        ("answer", (row("ada", "idle"),), "ada asks nothing now"),
        ("answer", (row("ada", "needs_input"),), ""),
        ("message", (row("ada", "exited", life="stopped"),), "ada has ended: R resumes it"),
        ("message", (row("ada", "starting", life="creating"),), "ada is still being made"),
        ("message", (row("ada", "working"),), ""),
        ("resume", (row("ada", "working"),), "ada still runs: x stops it"),
        ("resume", (row("ada", "exited"),), ""),
        ("remove", (row("ada", "idle"),), "ada still runs: x stops it"),
        ("stop", (row("ada", "exited", life="stopped"),), "ada has ended already"),
        ("next_need", (row("ada", "idle"),), "nobody needs you"),
        ("next_need", (row("ada", "failed"),), ""),
        ("next_idle", (row("ada", "working"),), "nobody is idle"),
        ("show_hidden", (row("ada"),), "no agent is hidden: v hides one"),
        ("zoom", (row("ada", hidden=True),), "every agent is hidden: V shows them"),
    ],
)
def test_a_disabled_key_says_why(action: str, rows, why: str) -> None:
    assert BY_ID[action].why_disabled(state(*rows)) == why


def test_outside_a_repository_new_says_how_to_get_into_one() -> None:
    outside = replace(state(), repo=None)
    assert "git init" in reasons.repo(outside)
    assert reasons.repo(replace(state(row("ada")), repo=None)) == ""


def test_marks_make_the_targets() -> None:
    ada, bo, cleo = row("ada"), row("bo"), row("cleo")
    chosen = state(ada, bo, cleo, marked=frozenset({"id-bo", "id-cleo"}))
    assert chosen.targets == (bo, cleo)
    assert state(ada, bo).targets == (ada,)


def test_the_filter_looks_at_all_that_names_an_agent() -> None:
    ada = row("ada", "needs_input", team="api", reason="permission")
    for text in ("ada", "API", "needs you", "permission", "deck/ada", "shop", "builtin", "api ada"):
        assert matches(ada, text), text
    assert not matches(ada, "idle") and not matches(ada, "api bo")


def test_rows_stand_by_team_and_birth_and_never_by_status() -> None:
    rows = (row("ada", "idle", team="b"), row("bo", "failed"), row("cleo", "needs_input", team="b"))
    assert [one.agent.name for one in shown(rows)] == ["bo", "ada", "cleo"]
    worse = (replace(rows[0], status=rows[2].status), *rows[1:])
    assert [one.agent.name for one in shown(worse)] == ["bo", "ada", "cleo"]


def test_seeking_goes_round_from_the_focus() -> None:
    rows = (row("ada", "idle"), row("bo", "working"), row("cleo", "idle"))
    assert following(rows, rows[0], ("idle",)) == "id-cleo"
    assert following(rows, rows[2], ("idle",)) == "id-ada"
    assert following(rows, rows[0], ("idle",), -1) == "id-cleo"
    assert following(rows, None, ("working",)) == "id-bo"
    assert following(rows, rows[0], ("failed",)) == ""


def test_the_footer_offers_what_works_now_and_always_help_and_the_way_out() -> None:
    asking = state(row("ada", "needs_input"))
    assert footer(asking)[0].id == "answer"
    assert all(not action.why_disabled(asking) for action in footer(asking))
    assert [action.id for action in footer(state())] == ["new", "help", "palette", "leave"]
    removed = replace(state(), fleet=Fleet(trashed=1))
    assert [action.id for action in footer(removed)] == ["new", "help", "palette", "leave", "undo"]
    assert "remove" in [action.id for action in footer(state(row("ada", "exited")))]
    assert "remove" not in [action.id for action in footer(state(row("ada")))]
    for width in (40, 80, 200):
        drawn = keys_line.line(state(row("ada")), width).plain
        assert "? help" in drawn and "q leave" in drawn and len(drawn) <= width


def test_an_empty_deck_names_undo_only_when_the_trash_holds_an_agent() -> None:
    assert "brings back" not in empty_deck.words(state(), True).plain
    removed = state()
    removed = replace(removed, fleet=replace(removed.fleet, trashed=1))
    assert "z brings back an agent that was removed" in empty_deck.words(removed, True).plain


def test_the_top_line_counts_and_gives_way_to_the_width() -> None:
    rows = (
        row("ada", "needs_input"),
        row("bo", "working"),
        row("cleo", "idle", hidden=True),
        row("dov", "working", hidden=True),
    )
    wide = top_line.line(state(*rows), 160, "12:00").plain
    assert "? 1 needs you" in wide and "● 1 working" in wide and "hidden: ○ 1 idle" in wide and "$0.00 today" in wide
    for width in (20, 60, 80, 100):
        assert len(top_line.line(state(*rows), width, "12:00").plain) <= width
    assert "engine down" in top_line.line(state(*rows), 160, "12:00", engine_down=True).plain
    low = state(*rows)
    low = replace(low, fleet=replace(low.fleet, low_disk="1.2 GB left"))
    paced = replace(state(*rows), fleet=replace(state(*rows).fleet, pace=Pace(45_200, 3_200_000_000, 50_000_000_000)))
    assert "of $50.00 today  45.2k/min $3.20/h" in top_line.line(paced, 160, "12:00").plain
    outside = UsageSum(cost=13_710_000_000)
    apart = replace(paced.fleet, today=outside, pace=replace(paced.fleet.pace, day_used=460_000_000))
    told = top_line.line(replace(paced, fleet=apart), 160, "12:00").plain
    assert "$13.71 today, agents $0.46 of $50.00" in told
    assert "disk: 1.2 GB left" in top_line.line(low, 160, "12:00").plain


def test_a_roster_line_reads_without_colour_and_keeps_its_width() -> None:
    drawn = roster.agent_line(row("a-name-of-some-length", "needs_input"), 1, True, False, now_ms())
    assert drawn.plain == "▸1 ? a-name-of… needs you  3m"
    assert roster.agent_line(row("bo"), 12, False, True, now_ms()).plain.startswith(" * ○ bo")


def test_the_table_is_read_without_textual() -> None:
    code = "import sys, agentdeck.ui.actions; sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
