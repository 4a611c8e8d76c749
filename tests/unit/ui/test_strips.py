"""What a strip writes to a terminal, and how wide Textual thinks it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from textual.strip import Strip

from agentdeck.models.screen import PLAIN, Style, clip, parse, plain
from agentdeck.ui.strips import CACHES, UNKNOWN, sgr, strip_of, with_cursor

FULL = Console(color_system="truecolor", force_terminal=True, width=200)
FEW = Console(color_system="256", force_terminal=True, width=200)


@pytest.mark.parametrize(
    "codes",
    ["1", "2", "3", "4", "5", "7", "8", "9", "4:2", "4:3", "31", "97", "44", "104", "38;5;12", "48;5;1", "38;2;1;2;3"]
    + ["48;2;9;8;7", "1;3;4;31;44", "4:3;58;5;196"],
)
def test_a_style_is_written_as_it_was_read(codes: str) -> None:
    line = parse([f"\x1b[{codes}mx\x1b[0m"])[0]
    style = line[0][1]
    assert style != PLAIN
    assert parse([strip_of(line, 0, 1).render(FULL)])[0] == line
    assert parse([f"\x1b[{sgr(style)}mx"])[0] == line


def test_fewer_colours_are_left_to_textual() -> None:
    line = parse(["\x1b[38;2;250;10;10mx"])[0]
    assert "38;2" not in strip_of(line, 0, 1).render(FEW)
    assert "38;5" in strip_of(line, 0, 1).render(FEW)


@pytest.mark.parametrize("cell", ["👨\u200d👩\u200d👧", "❤\ufe0f", "🏽", "1\ufe0f\u20e3"])
def test_a_cell_of_disputed_width_cannot_move_what_follows(cell: str) -> None:
    strip = strip_of(parse([f"a{cell}b"])[0], 0, 10)
    size = 2 if cell[0] in "👨🏽" else 1
    assert f"\x1b7{' ' * size}\x1b8{cell}\x1b8\x1b[{size}C" in strip.render(FULL)
    assert cell_len(strip.text) == strip.cell_length == 10


def test_agreed_wide_characters_are_plain_text() -> None:
    assert "\x1b7" not in strip_of(parse(["漢字🎉e\u0301"])[0], 0, 10).render(FULL)


def test_a_faint_strip_is_dim_all_over() -> None:
    line = parse(["a\x1b[31mb"])[0]
    assert all(style.dim for _, style in parse([strip_of(line, 0, 4, True).render(FULL)])[0])


def test_edges_on_both_sides() -> None:
    strip = strip_of(parse(["\x1b[31mab"])[0], 0, 4).behind(Segment("|"), Segment("  "))
    assert (strip.text, strip.cell_length) == ("|ab    ", 7)
    assert plain(parse([strip.render(FULL)])[0]) == "|ab"


def test_the_cursor_is_one_reversed_cell() -> None:
    line = parse(["a漢b"])[0]
    assert [text for text, style in with_cursor(line, 2) if style.reverse] == ["漢"]
    assert with_cursor(line, 6)[-1] == (" ", Style(reverse=True))
    assert with_cursor(parse(["\x1b[7mx"])[0], 0) == (("x", PLAIN),)


TEXT = st.text(st.sampled_from("ab 漢👍🏽\u200d\ufe0f❤e\u0301─한\u1161🇩"), max_size=40)


@given(TEXT, st.integers(0, 8), st.integers(1, 40))
def test_textual_measures_every_strip_right(text: str, left: int, columns: int) -> None:
    strip = strip_of(parse([text])[0], left, columns)
    assert cell_len(strip.text) == columns
    for cut in range(columns + 1):
        one, two = strip.crop(0, cut), strip.crop(cut)
        assert cell_len(one.text) + cell_len(two.text) == columns


@given(TEXT)
def test_what_is_drawn_is_what_was_there(text: str) -> None:
    line = parse([text])[0]
    drawn = strip_of(line, 0, 60).render(FULL)
    for size in (1, 2):
        blank = " " * size
        drawn = drawn.replace(f"\x1b7{blank}\x1b8", "").replace(f"\x1b8\x1b[{size}C", "")
    assert drawn.rstrip(" ") == plain(clip(line, 0, 60)).rstrip(" ")


def test_a_screens_strip_has_all_that_textual_expects_and_keeps_nothing() -> None:
    strip = strip_of(parse(["abcdef"])[0], 0, 6)
    assert {*CACHES, *UNKNOWN, "_segments", "_cell_length"} == set(Strip.__slots__)
    assert strip.divide([6])[0] is strip
    for _ in range(2):
        assert [part.text for part in strip.divide([2, 6])] == ["ab", "cdef"]
        assert strip.crop(1, 3).text == "bc" and strip.adjust_cell_length(8).text == "abcdef  "
    assert all(not getattr(strip, name) for name in CACHES)
