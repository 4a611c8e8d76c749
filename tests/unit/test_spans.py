"""Lines wrapped, marked, cut and picked by columns, wide characters included."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdeck.models import selection
from agentdeck.models.cells import width
from agentdeck.models.screen import PLAIN, Line, Style, parse, plain
from agentdeck.models.selection import Selection
from agentdeck.models.spans import columns, cut, restyle, reversed_style, word_at, wrap

RED = Style(fg="31")


def line(text: str) -> Line:
    return ((text, PLAIN),) if text else ()


def rows(text: str, size: int) -> list[str]:
    return [plain(row) for row in wrap(line(text), size)]


def test_wrapping_keeps_every_character_and_its_style() -> None:
    assert rows("", 4) == [""]
    assert rows("abcdefgh", 4) == ["abcd", "efgh"]
    assert rows("abc", 4) == ["abc"]
    assert rows("漢字漢字", 5) == ["漢字", "漢字"], "half a wide character is never shown"
    assert wrap((("ab", PLAIN), ("cd", RED)), 3) == ((("ab", PLAIN), ("c", RED)), (("d", RED),))


@given(st.text("ab漢e\u0301👩\u200d", max_size=30), st.integers(2, 7))
def test_wrapped_rows_are_the_text_again_and_fit(text: str, size: int) -> None:
    found = rows(text, size)
    assert "".join(found) == text
    assert all(width(row) <= size for row in found)


def test_marking_changes_whole_cells_only() -> None:
    reverse = Style(reverse=True)
    assert restyle(line("abcd"), 1, 3, reversed_style) == (("a", PLAIN), ("bc", reverse), ("d", PLAIN))
    assert restyle(line("a漢b"), 2, 3, reversed_style) == (("a", PLAIN), ("漢", reverse), ("b", PLAIN))
    assert restyle(line("a"), 2, 4, reversed_style, fill=True) == (("a ", PLAIN), ("  ", reverse))
    assert restyle(line("a"), 2, 4, reversed_style) == line("a")


def test_cutting_by_columns() -> None:
    assert cut(line("one two  "), 4, 9) == "two"
    assert cut(line("漢字ab"), 1, 5) == "漢字a"
    assert columns("漢字ab", 1, 3) == (2, 5)


@pytest.mark.parametrize(
    ("text", "column", "word"),
    [
        ("see src/app.py:12.", 6, "src/app.py:12"),
        ("--max-size=3, then", 2, "--max-size=3"),
        ("漢字 two", 5, "two"),
        ("a (b) c", 2, "("),
        ("short", 40, ""),
    ],
)
def test_the_word_under_the_pointer(text: str, column: int, word: str) -> None:
    assert cut(line(text), *word_at(line(text), column)) == word


def test_a_selection_runs_as_the_text_does_in_either_direction() -> None:
    lines = [line("first line"), line("漢字 middle  "), line("the last")]
    forward = Selection((0, 6), (2, 2))
    assert forward.text(lines.__getitem__) == "line\n漢字 middle\nthe"
    assert Selection((2, 2), (0, 6)).text(lines.__getitem__) == forward.text(lines.__getitem__)
    assert Selection((1, 1), (1, 2)).text(lines.__getitem__) == "漢字"
    assert forward.columns(3, 10) == (0, 0) and forward.columns(1, 13) == (0, 13)


def test_what_is_picked_is_shown_reversed_to_where_the_pointer_is() -> None:
    shown = Selection((0, 1), (0, 3)).paint(0, line("ab"), 10)
    assert [text for text, style in shown if style.reverse] == ["b  "]
    assert Selection((0, 1), (0, 3)).paint(1, line("ab"), 10) == line("ab")


def test_words_and_lines_are_picked_whole() -> None:
    text = line("open src/x.py:3 now")
    assert selection.word(4, text, 7).text(lambda _: text) == "src/x.py:3"
    assert selection.whole(4, text).text(lambda _: text) == "open src/x.py:3 now"
    assert selection.whole(0, ()).text(lambda _: ()) == ""


def test_reverse_cells_of_a_program_stay_visible_when_picked() -> None:
    (bar,) = parse(["\x1b[7mbar\x1b[0m"])
    assert restyle(bar, 0, 3, reversed_style) == (("bar", PLAIN),)
