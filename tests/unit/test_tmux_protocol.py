"""Quoting and the control stream, without a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdeck.adapters.tmux import TmuxError, pasteable
from agentdeck.adapters.tmux.process import escape
from agentdeck.adapters.tmux.protocol import LINE_LIMIT, Notice, Parser, Reply, command_line, quote

STREAM = b"""%begin 100 1 0
%end 100 1 0
%session-changed $1 deck-hub
%begin 100 2 1
one
%end 100 1 1
%end 100 2 12

 %end 100 2 1
\x1b[1m\xe6\xbc\xa2
%end 100 2 1
%begin 101 3 0
from a hook
%error 101 3 0
%begin 101 4 1
can't find pane: %9
%error 101 4 1
%begin 101 5 1
%end 101 5 1
%exit server exited
"""
ITEMS = [
    Notice("%session-changed $1 deck-hub"),
    Reply(["one", "%end 100 1 1", "%end 100 2 12", "", " %end 100 2 1", "\x1b[1m漢"], ok=True),
    Reply(["can't find pane: %9"], ok=False),
    Reply([], ok=True),
    Notice("%exit server exited"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_the_stream_reads_the_same_however_it_is_cut(cuts: list[int]) -> None:
    parser, items = Parser(), []
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in zip(edges, edges[1:], strict=False):
        items += parser.feed(STREAM[start:end])
    assert items == ITEMS


def test_an_open_block_yields_nothing_yet() -> None:
    parser = Parser()
    assert parser.feed(b"%begin 1 2 1\nhalf\n%end 1 2 1") == []
    assert parser.feed(b"\n") == [Reply(["half"], ok=True)]


def test_a_large_block_in_small_pieces_is_read_in_linear_time() -> None:
    body = b"x" * 60 + b"\n"
    parser, pieces = Parser(), [b"%begin 1 2 1\n", *[body] * 20_000, b"%end 1 2 1\n"]
    items = [item for piece in pieces for item in parser.feed(piece)]
    assert len(items) == 1 and isinstance(items[0], Reply) and len(items[0].lines) == 20_000


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain-1", "plain-1"), ("%0", '"%0"'), ("", '""'), ("a b;", '"a b;"'), ("#{x}", '"#{x}"'),
        ('"\\$~', r'"\"\\\$\~"'),
        ("\n\r\t\x1b\x01\x7f", r'"\n\r\t\e\001\177"'), ("漢'", "\"漢'\""),
    ],
)  # fmt: skip
def test_quote(text: str, quoted: str) -> None:
    assert quote(text) == quoted


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_quoted_argument_never_leaves_its_line_or_its_quotes(text: str) -> None:
    quoted = quote(text)
    assert not any(char < " " or char == "\x7f" for char in quoted)
    bare = quoted[1:-1].replace("\\\\", "").replace('\\"', "").replace("\\$", "").replace("\\~", "")
    assert not set('"$~') & set(bare)


def test_what_cannot_be_said_is_refused() -> None:
    with pytest.raises(TmuxError, match="NUL"):
        command_line(["set-buffer", "a\0b"])
    with pytest.raises(TmuxError, match="empty"):
        command_line([])
    assert len(command_line(["x", "y" * (LINE_LIMIT - 2)])) == LINE_LIMIT + 1
    with pytest.raises(TmuxError, match=f"{LINE_LIMIT + 2} bytes long") as caught:
        command_line(["x", "é" * ((LINE_LIMIT - 2) // 2)])
    assert "buffer" in caught.value.hint


def test_bytes_that_are_no_utf8_are_passed_on() -> None:
    assert command_line(["x", "a\udcff"]) == b'x "a\xff"\n'


def test_a_trailing_semicolon_of_an_argument_is_escaped() -> None:
    assert escape(["a;", ";", "a;b", "", "a\\;"]) == ["a\\;", "\\;", "a;b", "", "a\\\\;"]


def test_pasteable_keeps_text_and_drops_what_could_end_the_bracket() -> None:
    assert pasteable("a\r\nb\rc\n\td 漢👩‍👧\u00a0") == "a\nb\nc\n\td 漢👩‍👧\u00a0"
    assert pasteable("x\x1b[201~\x03rm\x7f\x9b201~\0") == "x[201~rm201~"
