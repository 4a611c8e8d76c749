"""Terminal bytes -> Textual's own parser -> our encoding: what was typed is what the agent gets."""

from __future__ import annotations

import pytest
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._keyboard_protocol import FUNCTIONAL_KEYS
from textual._xterm_parser import XTermParser
from textual.keys import Keys

from agentdeck.adapters.tmux import TEXTUAL_TO_TMUX, encode, is_key


def typed(sequence: str) -> list[bytes | str]:
    """What the pane gets for what a terminal sent."""
    parser = XTermParser()
    found = [*parser.feed(sequence), *parser.feed("")]
    return [encode(event.key, event.character) for event in found if isinstance(event, events.Key)]


@pytest.mark.parametrize("code", [*range(0x1B), *range(0x1C, 0x80)])
def test_every_ascii_byte_comes_back_as_itself(code: int) -> None:
    assert typed(chr(code)) == [bytes([code])]


@pytest.mark.parametrize("char", ["é", "ß", "漢", "€", "😀", "´", "¡", "\u00a0", "ا", "А"])
def test_other_characters_go_as_utf8(char: str) -> None:
    assert typed(char) == [char.encode()]


@pytest.mark.parametrize(
    ("sequence", "sent"),
    [
        ("\x1b[A", "Up"), ("\x1bOA", "Up"), ("\x1b[D", "Left"), ("\x1b[H", "Home"), ("\x1b[4~", "End"),
        ("\x1b[5~", "PPage"), ("\x1b[6~", "NPage"), ("\x1b[2~", "IC"), ("\x1b[3~", "DC"), ("\x1b[Z", "BTab"),
        ("\x1b[1;5A", "C-Up"), ("\x1b[1;2D", "S-Left"), ("\x1b[1;6C", "C-S-Right"), ("\x1b[1;3B", "M-Down"),
        ("\x1b[1;7H", "C-M-Home"), ("\x1b[3;5~", "C-DC"), ("\x1b[5;2~", "S-PPage"),
        ("\x1bOP", "F1"), ("\x1b[11~", "F1"), ("\x1b[15~", "F5"), ("\x1b[24~", "F12"),
        ("\x1b[1;2P", "S-F1"), ("\x1b[24;2~", "S-F12"), ("\x1b[1;5P", "C-F1"), ("\x1b[15;6~", "C-S-F5"),
        ("\x1b[20;2~", "S-F9"),
    ],
)  # fmt: skip
def test_cursor_and_function_keys_get_tmux_names(sequence: str, sent: str) -> None:
    assert typed(sequence) == [sent]
    assert is_key(sent)


@pytest.mark.parametrize(
    ("sequence", "sent"),
    [
        ("\x1b[97;5u", b"\x01"), ("\x1b[97;6u", b"\x01"), ("\x1b[97;3u", b"\x1ba"), ("\x1b[97;7u", b"\x1b\x01"),
        ("\x1b[27u", b"\x1b"), ("\x1b[27;3u", b"\x1b\x1b"), ("\x1b[27;2u", b"\x1b"), ("\x1b[13;2u", b"\n"),
        ("\x1b[13;5u", b"\n"), ("\x1b[13;3u", b"\x1b\r"), ("\x1b[127;5u", b"\b"), ("\x1b[127;3u", b"\x1b\x7f"),
        ("\x1b[127;2u", b"\x7f"), ("\x1b[9;2u", "BTab"), ("\x1b[9;4u", "M-BTab"), ("\x1b[9;5u", b"\t"),
        ("\x1b[32;5u", b"\0"), ("\x1b[32;2u", b" "), ("\x1b[32;3u", b"\x1b "), ("\x1b[91;5u", b"\x1b"),
        ("\x1b[92;5u", b"\x1c"), ("\x1b[93;5u", b"\x1d"), ("\x1b[47;5u", b"\x1f"), ("\x1b[45;5u", b"\x1f"),
        ("\x1b[50;5u", b"\0"), ("\x1b[56;5u", b"\x7f"), ("\x1b[49;5u", b"1"), ("\x1b[59;5u", b";"),
        ("\x1b[59;3u", b"\x1b;"), ("\x1b[1;3A", "M-Up"), ("\x1b[1;9A", b""), ("\x1b[99;9u", b""),
        ("\x1b[57399u", b"0"), ("\x1b[57409u", b"."), ("\x1b[57414u", b"\r"), ("\x1b[57441u", b""),
        ("\x1b[57358u", b""), ("\x1b[57428u", b""), ("\x1b[1;1P", "F1"), ("\x1b[57376u", "S-F1"),
        ("\x1b[233;3u", "\x1bé".encode()), ("\x1b[97;4u", b"\x1bA"),
    ],
)  # fmt: skip
def test_keys_of_the_kitty_protocol(sequence: str, sent: bytes | str) -> None:
    assert typed(sequence) == [sent]


def test_alt_with_a_letter_is_escape_and_the_letter() -> None:
    assert encode("alt+x", "x") == b"\x1bx"
    assert encode("alt+shift+x", "X") == b"\x1bX"
    assert encode("alt+é", "é") == "\x1bé".encode()


def test_every_key_textual_can_name_is_sent_or_known_not_to_exist() -> None:
    names = {key.value for key in Keys} | set(FUNCTIONAL_KEYS.values())
    names |= {key.value for keys in ANSI_SEQUENCES_KEYS.values() if isinstance(keys, tuple) for key in keys}
    silent = {name for name in names if encode(name, None) == b""}
    media = {name for name in FUNCTIONAL_KEYS.values() if "_" in name} - {"kp_begin"}
    other = {"pause", "menu", "kp_begin", *(f"f{n}" for n in range(25, 36))}
    assert silent == media | other | {"<any>", "<scroll-up>", "<scroll-down>", "<ignore>"}
    for name in names - silent:
        sent = encode(name, None)
        assert sent if isinstance(sent, bytes) else is_key(sent), name


@pytest.mark.parametrize("name", ["Up", "BTab", "C-M-S-F12", "Escape", "C-c", "M-x", "1", "y", ";", "C-]", "Space"])
def test_known_key_names(name: str) -> None:
    assert is_key(name)


@pytest.mark.parametrize(
    "name", ["S-Tab2", "up", "", "ab", "F13", "C-", "-l", "Up ", "C-é", "\n", "kill-server", "X-a"]
)
def test_other_names_are_no_keys(name: str) -> None:
    assert not is_key(name)


def test_the_table_is_what_tmux_calls_them() -> None:
    assert TEXTUAL_TO_TMUX["pagedown"] == "NPage"
    assert len(TEXTUAL_TO_TMUX) == 22
