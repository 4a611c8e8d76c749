"""Bytes into keys, however the reads are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdeck.builtin.keys import Decoder, Key


def keys_of(*reads: bytes) -> list[Key]:
    """All keys of the reads, text that was cut in two joined again."""
    decoder = Decoder()
    found: list[Key] = []
    for read in reads:
        for key in decoder.feed(read):
            if key.name == "text" and found and found[-1].name == "text":
                found[-1] = Key("text", found[-1].text + key.text)
            else:
                found.append(key)
    return found


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"hi", [Key("text", "hi")]),
        ("漢é👩‍🔧".encode(), [Key("text", "漢é👩‍🔧")]),
        (b"a\rb", [Key("text", "a"), Key("enter"), Key("text", "b")]),
        (b"\n", [Key("newline")]),
        (b"\x1b\r", [Key("newline")]),
        (b"\x1b[13;2u", [Key("newline")]),
        (b"\x03\x04\x7f", [Key("interrupt"), Key("end-of-file"), Key("backspace")]),
        (b"\x1b[D\x1bOC\x1b[H\x1b[4~", [Key("left"), Key("right"), Key("home"), Key("end")]),
        (b"\x1b[200~a\rb\nc\r\nd\x1b[201~\r", [Key("paste", "a\nb\nc\nd"), Key("enter")]),
        (b"\x1b[200~\x1b[31mred\x03\x1b[201~", [Key("paste", "\x1b[31mred\x03")]),
        (b"\x1b\x1b[200~x\x1b[201~", [Key("escape"), Key("paste", "x")]),
        (b"\x1b[1;9Zx", [Key("text", "x")]),
        (b"\x1b[\x01x", [Key("home"), Key("text", "x")]),
        ("\x1bé".encode(), [Key("text", "é")]),
    ],
)
def test_what_a_terminal_sends(data: bytes, keys: list[Key]) -> None:
    assert keys_of(data) == keys


PIECES = st.sampled_from(
    [
        b"a",
        "漢字".encode(),
        b"\r",
        b"\x1b[A",
        b"\x1bOB",
        b"\x1b[200~",
        b"\x1b[201~",
        b"\x1b",
        b"[20",
        b"\xff",
        b"\x1b[1;5D",
    ]
)


@given(st.lists(PIECES, max_size=12), st.data())
def test_where_a_read_ends_changes_nothing(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert keys_of(*parts) == keys_of(whole)


def test_a_paste_of_100_kb_in_small_reads_is_one_paste() -> None:
    text = "".join(f"line {i} – ünï\n" for i in range(7000))
    data = b"\x1b[200~" + text.encode() + b"\x1b[201~"
    assert len(data) > 100_000
    assert keys_of(*(data[i : i + 1021] for i in range(0, len(data), 1021))) == [Key("paste", text)]


def test_a_lone_escape_waits_a_moment_and_is_then_the_key() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x1b") == []
    assert 0 < decoder.patience < 0.2
    assert decoder.flush() == [Key("escape")]
    assert decoder.patience == 0


def test_half_a_sequence_is_no_escape() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x1b[20") == []
    assert decoder.patience >= 0.5
    assert decoder.flush() == []
    assert decoder.feed(b"x") == [Key("text", "x")]


def test_a_slow_paste_is_never_flushed() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x1b[200~half\x1b") == []
    assert decoder.patience == 0
