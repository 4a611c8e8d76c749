"""The bytes of the mouse, as xterm's ctlseqs has them."""

from __future__ import annotations

import pytest

from agentdeck.adapters.tmux import rows
from agentdeck.adapters.tmux.mouse import WHEEL, encode


@pytest.mark.parametrize(
    ("deed", "button", "held", "code"),
    [
        ("press", 1, (), b"\x1b[<0;10;5M"),
        ("press", 3, (), b"\x1b[<2;10;5M"),
        ("release", 2, (), b"\x1b[<1;10;5m"),
        ("drag", 1, (), b"\x1b[<32;10;5M"),
        ("move", 0, (), b"\x1b[<35;10;5M"),
        ("wheel", WHEEL["up"], (), b"\x1b[<64;10;5M"),
        ("wheel", WHEEL["right"], ("ctrl",), b"\x1b[<83;10;5M"),
        ("press", 1, ("alt", "ctrl"), b"\x1b[<24;10;5M"),
    ],
)
def test_what_a_program_gets(deed, button, held, code) -> None:
    assert encode(deed, button, 9, 4, frozenset(held)) == code


def test_the_old_encoding_has_a_byte_each_and_an_end() -> None:
    assert encode("press", 1, 9, 4, sgr=False) == b"\x1b[M \x2a\x25"
    assert encode("release", 1, 9, 4, frozenset({"ctrl"}), sgr=False) == b"\x1b[M\x33\x2a\x25"
    assert encode("press", 1, 222, 0, sgr=False) == b"\x1b[M \xff\x21"
    assert encode("press", 1, 223, 0, sgr=False) == b""


@pytest.mark.parametrize(
    ("flags", "mouse", "sgr"),
    [("0000", "", False), ("0010", "clicks", False), ("0011", "clicks", True), ("0111", "drags", True),
     ("1001", "moves", True)],
)  # fmt: skip
def test_a_pane_says_what_its_program_asked_for(flags: str, mouse: str, sgr: bool) -> None:
    values = [
        *["%1", "@2", "a1", "7", "0"],
        "",
        "",
        *["120", "40", "0", "0", "1", "0", "0", "5", "9"],
        *flags,
        "vim",
        "a title",
    ]
    pane = rows.parse([rows.FORMAT[rows.FORMAT.index("}") + 1].join(values)])["%1"]
    assert (pane.mouse, pane.sgr_mouse, pane.command, pane.title) == (mouse, sgr, "vim", "a title")
