from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdeck.models.cells import cells, char_width
from agentdeck.models.screen import PLAIN, Line, Style, clip, crop, is_blank, parse, parse_next, plain, top_row, width

E = "\x1b["


def one(text: str) -> Line:
    return parse([text])[0]


def text_lines(*rows: str) -> tuple[Line, ...]:
    return parse(list(rows))


@pytest.mark.parametrize(
    ("params", "style"),
    [
        ("31", Style(fg="31")),
        ("97;104", Style(fg="97", bg="94")),
        ("38;5;208", Style(fg="38;5;208")),
        ("38:5:208", Style(fg="38;5;208")),
        ("48;5;1", Style(bg="38;5;1")),
        ("38;2;1;2;3", Style(fg="38;2;1;2;3")),
        ("48:2:1:2:3", Style(bg="38;2;1;2;3")),
        ("48:2::1:2:3", Style(bg="38;2;1;2;3")),
        ("48:2:0:1:2:3", Style(bg="38;2;1;2;3")),
        ("4:3", Style(underline=3)),
        ("4", Style(underline=1)),
        ("21", Style(underline=2)),
        ("4;58;5;9", Style(underline=1, underline_colour="38;5;9")),
        ("4;58:2::9:8:7", Style(underline=1, underline_colour="38;2;9;8;7")),
        ("1;2;3;5;7;8;9", Style(bold=True, dim=True, italic=True, blink=True, reverse=True, conceal=True, strike=True)),
        ("38;2;1;2;3;1", Style(fg="38;2;1;2;3", bold=True)),
        ("1;38;5;7;48;5;8;4", Style(bold=True, fg="38;5;7", bg="38;5;8", underline=1)),
        ("38;5", PLAIN),
        ("38;5;300", PLAIN),
        ("38;9;1", PLAIN),
        ("12345", PLAIN),
    ],
)
def test_one_sequence(params: str, style: Style) -> None:
    assert one(f"{E}{params}mx") == (("x", style),)


@pytest.mark.parametrize(
    ("on", "off"),
    [("1;2", "22"), ("3", "23"), ("4:3", "24"), ("4", "4:0"), ("5", "25"), ("7", "27"), ("8", "28"), ("9", "29")]
    + [("31", "39"), ("41", "49"), ("38;2;1;2;3", "39"), ("58;5;1", "59"), ("1;31;44;4:3", "0"), ("1;31", "")],
)
def test_each_attribute_is_taken_back(on: str, off: str) -> None:
    assert one(f"{E}{on}mx{E}{off}my")[1] == ("y", PLAIN)


def test_reset_inside_a_sequence_keeps_what_follows() -> None:
    assert one(f"{E}1;31mx{E}0;4my")[1] == ("y", Style(underline=1))


def test_state_runs_on_across_line_ends() -> None:
    first, second, third = text_lines(f"a{E}31mb", "c", f"d{E}0me")
    assert first == (("a", PLAIN), ("b", Style(fg="31")))
    assert second == (("c", Style(fg="31")),)
    assert third == (("d", Style(fg="31")), ("e", PLAIN))


def test_the_same_text_after_another_state_is_another_line() -> None:
    assert text_lines("same")[0] != text_lines(f"{E}31m", "same")[1]


@pytest.mark.parametrize(
    "noise",
    [
        "\x1b]8;;http://example.org\x1b\\",
        "\x1b]8;id=1;http://e\x07",
        "\x1b]0;title\x07",
        f"{E}?25l",
        f"{E}2K",
        f"{E}>4;1m",
    ]
    + ["\x1bP1$r0m\x1b\\", "\x1b(B", "\x1b=", "\x07", "\x00", "\r", "\x9b", "\x1b_x\x1b\\"],
)
def test_what_is_not_a_style_is_dropped(noise: str) -> None:
    assert one(f"{E}31ma{noise}b") == (("ab", Style(fg="31")),)


def test_line_drawing_set_becomes_its_unicode_characters() -> None:
    first, second = text_lines("\x0elqk", "x\x0fx")
    assert plain(first) == "┌─┐"
    assert plain(second) == "│x"


def test_tab_reaches_the_next_stop() -> None:
    assert plain(one("漢a\tb")) == "漢a     b"


def test_only_blanks_that_show_nothing_are_left_out() -> None:
    assert one("a   ") == (("a", PLAIN),)
    assert one(f"a{E}44m  ") == (("a", PLAIN), ("  ", Style(bg="34")))
    assert is_blank(one("   ")) and is_blank(one(f"{E}31m   "))
    assert not is_blank(one(f"{E}44m ")) and not is_blank(one(f"{E}7m "))


# tmux 3.3a's own columns, read from its cursor after writing each text.
@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("漢", 2),
        ("e\u0301", 1),
        ("❤\ufe0f", 1),
        ("👨\u200d👩\u200d👧", 2),
        ("👍🏽", 4),
        ("🇩🇪", 2),
        ("\u200b", 0),
        ("\u00ad", 1),
    ]
    + [("\u1100\u1161", 2), ("1\ufe0f\u20e3", 1), ("🏳\ufe0f\u200d🌈", 1), ("🫠", 2), ("ก็ำ", 2), ("─│█⠋", 4)],
)
def test_columns_are_those_of_tmux(text: str, columns: int) -> None:
    assert width(text) == columns


def test_a_joined_emoji_is_one_cell() -> None:
    assert cells("a👩\u200d💻e\u0301") == (("a", 1), ("👩\u200d💻", 2), ("e\u0301", 1))
    assert char_width("\u200d") == 0


def test_clip_cuts_wide_characters_into_blanks() -> None:
    line = one(f"{E}31m漢字{E}0mab")
    red = Style(fg="31")
    assert clip(line, 0, 3) == (("漢 ", red),)
    assert clip(line, 1, 3) == ((" 字", red),)
    assert clip(line, 3, 4) == ((" ", red), ("ab ", PLAIN))
    assert clip(line, 9, 2) == (("  ", PLAIN),)


def test_a_tile_follows_the_cursor_and_drops_blank_rows() -> None:
    rows = text_lines(*(f"row {n}" for n in range(30)), *[""] * 10)
    assert [plain(row).strip() for row in crop(rows, 29, 10, 3)] == ["row 27", "row 28", "row 29"]
    assert top_row(rows, 39, 10) == 30  # the cursor stands below the last text
    assert top_row(rows, 2, 10) == 0
    assert top_row(rows, 15, 9) == 12  # above the end: its row, a third of the height below the top
    assert top_row(rows, -1, 9) == 21  # hidden: not followed
    assert top_row(text_lines("a", "", ""), 0, 10) == 0


TEXT = st.text(st.sampled_from("ab \t漢字👍🏽\u200d\ufe0f❤e\u0301─\x1b[]m0;:38254\x07\x0e\x0f\\P?"), max_size=60)


@given(st.lists(TEXT, max_size=5), st.integers(0, 12), st.integers(1, 30))
def test_any_text_gives_lines_of_the_exact_width(rows: list[str], left: int, columns: int) -> None:
    for line in parse(rows):
        assert not any(ord(char) < 0x20 for char in plain(line))
        assert width(plain(clip(line, left, columns))) == columns


@given(TEXT, TEXT)
def test_cells_and_clip_agree(before: str, after: str) -> None:
    line = parse([before + after])[0]
    size = sum(columns for text, _ in line for _, columns in cells(text))
    kept = clip(line, 0, size) if size else ()
    assert plain(kept).rstrip(" ") == "".join(cell for text, _ in line for cell, _ in cells(text)).rstrip(" ")


def test_an_unchanged_line_is_the_same_object() -> None:
    first, known = parse_next([f"{E}31mred", "x"], {})
    again, _ = parse_next([f"{E}31mred", "y"], known)
    assert first[0] is again[0]


def test_a_next_screen_reads_only_what_is_new_and_remembers_only_itself() -> None:
    first = ["\x1b[31mred", "still red\x1b[0m", "plain", ""]
    lines, known = parse_next(first, {})
    assert lines == parse(first) and len(known) == 4
    scrolled = ["still red\x1b[0m", "plain", "", "new"]  # now it begins a screen, and so in the plain style
    again, after = parse_next(scrolled, known)
    assert again == parse(scrolled) and again != lines[1:] + (again[-1],)
    assert again[1] is lines[2] and set(after) == {(text, PLAIN, False) for text in scrolled}
