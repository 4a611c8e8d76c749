"""Keys as Textual names them, turned into what a pane should get.

Plain characters and control characters go as bytes. Cursor and function keys go as tmux key names, because tmux knows
whether the program wants application cursor keys. Names: Textual 8.2's `keys.py`, `_ansi_sequences.py`,
`_keyboard_protocol.py`; tmux(1), KEY BINDINGS.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

TEXTUAL_TO_TMUX: Final[dict[str, str]] = {
    name: name.capitalize() for name in ("up", "down", "left", "right", "home", "end", *(f"f{n}" for n in range(1, 13)))
} | {"insert": "IC", "delete": "DC", "pageup": "PPage", "pagedown": "NPage"}
"""Keys that have no byte of their own; modifiers become C-, M-, S- in front."""

_BYTES: Final[dict[str, bytes]] = {
    "enter": b"\r",
    "return": b"\r",
    "newline": b"\n",
    "tab": b"\t",
    "escape": b"\x1b",
    "backspace": b"\x7f",
    "space": b" ",
    "ctrl-at": b"\0",
}
_KEYPAD: Final[dict[str, str]] = dict(  # as the Kitty protocol reports it
    zip(("decimal", "divide", "multiply", "subtract", "add", "equal", "separator"), "./*-+=,", strict=True)
)
_SHORT: Final[dict[str, str]] = dict(
    zip(("slash", "backslash", "at", "minus", "plus", "underscore"), "/\\@-+_", strict=True)
)
_NAMES: Final[dict[str, str]] = (
    {unicodedata.name(c).lower().replace("-", "_").replace(" ", "_"): c for c in map(chr, range(0x21, 0x7F))}
    | _KEYPAD
    | _SHORT
)
# What terminals send for Ctrl with a character that is no letter.
_CONTROL: Final[dict[str, bytes]] = {
    char: bytes([code])
    for code, chars in {0: "@`2 ", 27: "[{3", 28: "\\|4", 29: "]}5", 30: "^~6", 31: "_/-7", 127: "?8"}.items()
    for char in chars
}
_MODIFIERS: Final = frozenset({"alt", "ctrl", "shift", "meta", "super", "hyper"})
_TMUX_KEY: Final = re.compile(
    r"(?:[CMS]-)*(?:Up|Down|Left|Right|Home|End|IC|DC|Insert|Delete|PPage|NPage|PageUp|PageDown|F(?:[1-9]|1[0-2])"
    r"|BTab|Tab|Enter|Escape|BSpace|Space)|(?:M-|C-|C-M-|M-C-)?[!-~]"
)


def is_key(name: str) -> bool:
    """Whether tmux takes `name` as a key: it types any name that it does not know as text."""
    return _TMUX_KEY.fullmatch(name) is not None


def encode(key: str, character: str | None) -> bytes | str:
    """What to send for one Textual key event: bytes to type, or a tmux key name.

    Empty bytes mean that a terminal program cannot see this key (a modifier by itself, a media key, Super).
    Shift+Enter and Ctrl+Enter become LF, which agents take as a new line; a harness may know better.
    """
    *mods, base = key.split("+") if len(key) > 1 else [key]
    held = {"alt" if mod == "meta" else mod for mod in mods}
    if not held <= _MODIFIERS or held & {"super", "hyper"}:
        return b""
    if character is not None and len(character) == 1 and (character < " " or character == "\x7f"):
        return _meta(held, character.encode())  # the very byte that was typed: Ctrl+H is not Backspace to an agent
    if base in TEXTUAL_TO_TMUX or re.fullmatch(r"f(?:1[3-9]|2[0-4])", base):
        return _named(base, held)
    if base in _BYTES:
        return _special(base, held)
    char = character if character and not _is_control(character) else _NAMES.get(base, base)
    if (len(char) != 1 and char != character) or _is_control(char):
        return b""
    if "ctrl" in held:
        return _meta(held, _control(char))
    if "shift" in held and len(char) == 1:
        char = char.upper() if len(char.upper()) == 1 else char
    return _meta(held, char.encode("utf-8", "replace"))


def _is_control(text: str) -> bool:
    return unicodedata.category(text[0]) in ("Cc", "Cs")


def _named(base: str, held: set[str]) -> str:
    """A tmux name. Terminals report Shift+F1 to Shift+F12 as F13 to F24, and tmux knows only the former."""
    name, held = TEXTUAL_TO_TMUX.get(base, ""), set(held)
    if not name:
        name = f"F{int(base[1:]) - 12}"
        held.add("shift")
    order = (("ctrl", "C-"), ("alt", "M-"), ("shift", "S-"))
    return "".join(mark for mod, mark in order if mod in held) + name


def _special(base: str, held: set[str]) -> bytes | str:
    if base == "tab" and "shift" in held:
        return "M-BTab" if "alt" in held else "BTab"
    if base in ("enter", "return") and held & {"shift", "ctrl"}:
        return _meta(held, b"\n")
    if base == "backspace" and "ctrl" in held:
        return _meta(held, b"\b")
    if base == "space" and "ctrl" in held:
        return _meta(held, b"\0")
    return _meta(held, _BYTES[base])


def _control(char: str) -> bytes:
    """Ctrl with `char` as terminals send it; a character without a control code goes as itself."""
    if char in _CONTROL:
        return _CONTROL[char]
    if char.isascii() and char.isalpha():
        return bytes([ord(char.lower()) & 0x1F])
    return char.encode("utf-8", "replace")


def _meta(held: set[str], data: bytes) -> bytes:
    return b"\x1b" + data if "alt" in held else data
