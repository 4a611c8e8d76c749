"""The list's columns and lines, and the one line of a screen that they quote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agentdeck.models.screen import PaneScreen, parse
from agentdeck.models.status import Ask
from agentdeck.services.fleet import TaskRef
from agentdeck.services.radar.collisions import Clash
from agentdeck.ui.entry import Entry
from agentdeck.ui.last_words import last_words
from agentdeck.ui.widgets.list_text import FRONT, asks, columns, header, words
from tests.ui.deck_fakes import row

NOW = 1_700_000_000_000
SCREENS = Path("tests/screens").resolve()
FULL = tuple(
    replace(row(name, team="core"), task=TaskRef(12, "Mend the parser of the wordkit", "running"))
    for name in ("ada", "bernadette")
)


@pytest.mark.parametrize(
    ("width", "names"),
    [
        (40, "name status cost"),
        (60, "name status screen cost"),
        (79, "name status task screen cost"),
        (100, "name status task context cost branch screen"),
        (140, "name status team task branch context cost diff screen"),
        (400, "name status team task branch context cost diff screen"),
    ],
)
def test_columns_give_way_by_width(width: int, names: str) -> None:
    assert {column.name for column in columns(width, FULL)} == set(names.split())


def test_a_line_is_never_wider_than_the_list_and_shows_every_title() -> None:
    for width in range(30, 300, 3):
        shown = columns(width, FULL)
        assert FRONT + sum(column.width + 1 for column in shown) - 1 <= max(width, FRONT + 25)
        assert header(shown).plain.split() == [column.title for column in shown]
        line = words(Entry(FULL[0]), shown, NOW)
        assert line.cell_length == FRONT + sum(column.width + 1 for column in shown if column.name != "screen")


def test_a_column_that_says_nothing_of_anybody_is_left_out() -> None:
    bare = [replace(one, task=None, diff=None, agent=replace(one.agent, team="")) for one in FULL]
    assert {column.name for column in columns(400, bare)} == {"name", "status", "branch", "context", "cost", "screen"}


def test_a_line_says_it_all() -> None:
    status = replace(FULL[0].status, state="needs_input", reason="permission", since=NOW - 240_000)
    one = replace(FULL[0], status=status)
    line = words(Entry(one, 7, marked=False), columns(170, (one,)), NOW).plain
    expected = "7 ? ada needs you: permission 4m core #12 Mend the parser of the wordkit deck/ada/1 21% $0.03 +30 −4"
    assert line.split() == expected.split()
    assert words(Entry(one, 7, marked=True), columns(170, FULL), NOW).plain.split()[0] == "*"
    assert "needs you   4m" in words(Entry(one), columns(60, FULL), NOW).plain


def test_an_agent_that_asks_is_quoted_rather_than_its_screen() -> None:
    ask = Ask("May I run this?", tool="bash", detail="make\n  test")
    assert asks(row("ada", "needs_input", ask=ask)) == "bash make test"
    assert asks(row("ada", "needs_input", ask=Ask("Left or right?"))) == "Left or right?"
    assert asks(row("ada", "working", ask=ask)) == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("busy", "* Crystallizing… (16s)"),
        ("busy-with-draft", "✶ Concocting… (16s)"),
        ("retrying-429", "✻ API error · retrying in 2s · attempt 1/10"),
        ("permission-bash", "Esc to cancel · Tab to amend"),
        ("exited", "Pane is dead"),
    ],
)
def test_the_last_words_of_real_screens(name: str, said: str) -> None:
    text = (SCREENS / f"claude-2.1.330-{name}.ansi").read_text()
    assert last_words(PaneScreen(parse(text.split("\n")), 120, 40)).startswith(said)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], ""),
        (["", "   "], ""),
        (["old", "3 passed in 0.2s", "$ "], "3 passed in 0.2s"),
        (["work", "----------------", "> a draft", "----------------", "? for help"], "work"),
        (["────────", "only a title above", "────────", *["text"] * 20], "text"),
        (["│ boxed words │", "╰─────╯"], "boxed words"),
        (["done", " " * 90 + "in the margin"], "done"),
    ],
)
def test_last_words(lines: list[str], said: str) -> None:
    assert last_words(PaneScreen(parse(lines), 120, 40)) == said


def test_a_collision_has_a_column_of_its_own_once_there_is_one() -> None:
    clash = Clash("id-bo", "bo", "merge", ("src/parser.py",), 1, NOW)
    one = replace(FULL[0], clashes=(clash,))
    wide, narrow = (words(Entry(one), columns(width, (one, FULL[1])), NOW).plain for width in (200, 60))
    assert "↯1! bo: parser.py" in wide and "↯1!" in narrow
