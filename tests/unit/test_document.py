"""Texts to read and search: what a screen showed, piece by piece, and how a text is found in them."""

from __future__ import annotations

from agentdeck.adapters.tmux.history import joined
from agentdeck.models.document import Match, Needle, ScreenDocument, nearest
from agentdeck.models.screen import Style, parse


def test_lines_of_a_screen_have_their_colours_piece_by_piece() -> None:
    document = ScreenDocument([["\x1b[31mred", "still red  "], ["plain", "", " "]])
    assert document.texts == ["red", "still red", "plain"]
    assert document.line(1)[0] == ("still red  ", Style(fg="31"))
    assert document.line(2) == (("plain", Style()),)


def test_a_line_cut_between_two_captures_is_whole_again_in_its_own_colours() -> None:
    pieces = joined([["\x1b[31mone", "\x1b[32mtw"], ["\x1b[34mo", "three"], ["four"]], [True, False])
    assert pieces == [["\x1b[31mone", "\x1b[32mtw\x1b[0m\x1b[34mo"], ["\x1b[34mthree"], ["four"]]
    assert parse(pieces[1])[0] == (("three", Style(fg="34")),)


def test_a_line_longer_than_a_capture_is_one_line() -> None:
    assert joined([["a"], ["b"], ["c", "d"]], [True, True]) == [["a\x1b[0mb\x1b[0mc"], [], ["d"]]
    document = ScreenDocument(joined([["a"], ["b"], ["c", "d"]], [True, True]))
    assert document.texts == ["abc", "d"] and document.line(1) == (("d", Style()),)


def test_case_counts_only_when_a_capital_is_asked_for() -> None:
    texts = ["Error and error", "ERROR", "none", "İ error"]
    assert Needle("error").matches(texts) == [Match(0, 0, 5), Match(0, 10, 15), Match(1, 0, 5), Match(3, 2, 7)]
    assert Needle("Error").matches(texts) == [Match(0, 0, 5)]
    assert Needle("a.c").matches(["abc", "a.c"]) == [Match(1, 0, 3)]
    assert not Needle("") and Needle("").matches(texts) == []
    assert Needle("error").matches(texts, most=2) == [Match(1, 0, 5), Match(3, 2, 7)]


def test_a_line_that_has_moved_is_found_again() -> None:
    texts = ["a", "b", "same", "c", "same"]
    assert nearest(texts, 3, "same") in (2, 4) and nearest(texts, 0, "same") == 2
    assert nearest(texts, 99, "gone") == 4 and nearest([], 3, "x") == 0
