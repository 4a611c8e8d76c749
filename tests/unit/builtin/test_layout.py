"""Text on rows of cells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdeck.builtin.layout import Flow, clean, cut, width, wrap

WORDS = st.text(st.sampled_from("abc 漢字é👩"), max_size=80)


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("", [""]),
        ("one two three", ["one two", "three"]),
        ("abcdefghij", ["abcdefgh", "ij"]),
        ("漢字漢字漢字", ["漢字漢字", "漢字"]),
        ("    indented word", ["    inde", "nted", "word"]),
    ],
)
def test_wrap(line: str, rows: list[str]) -> None:
    assert wrap(line, 8) == rows


@given(WORDS, st.integers(2, 30))
def test_no_row_is_too_wide_and_nothing_but_spaces_is_lost(line: str, columns: int) -> None:
    rows = wrap(line, columns)
    assert all(width(row) <= columns for row in rows)
    assert "".join(rows).replace(" ", "") == line.replace(" ", "")


@given(st.lists(st.text(st.sampled_from("ab 漢\n"), max_size=12), max_size=12), st.integers(4, 20))
def test_text_in_pieces_is_laid_out_like_the_whole(pieces: list[str], columns: int) -> None:
    flow = Flow()
    rows = [row for piece in pieces for row in flow.add(piece, columns)]
    whole = [row for line in "".join(pieces).split("\n") for row in wrap(line, columns)]
    assert [row.strip() for row in [*rows, flow.row]] == [row.strip() for row in whole]


def test_what_a_program_wrote_cannot_steer_the_terminal() -> None:
    assert clean("\x1b[31mred\x1b[0m \x1b]2;title\x07a\x07b\x1b[2Jc\r\nd\x9b5m") == "red abc\nd5m"


@given(WORDS, st.integers(1, 20))
def test_cut_fits(text: str, columns: int) -> None:
    assert width(cut(text, columns)) <= columns
    if width(text) <= columns:
        assert cut(text, columns) == text
