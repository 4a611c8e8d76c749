"""Bytes from a terminal in raw mode into keys, text and pastes. Pure; reads may end anywhere."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

PASTE_START, PASTE_END = b"\x1b[200~", b"\x1b[201~"


@dataclass(frozen=True)
class Key:
    """`name` is `text` and `paste` (with `text`), or the name of one key."""

    name: str
    text: str = ""


SEQUENCES = {
    "[A": "up",
    "[B": "down",
    "[C": "right",
    "[D": "left",
    "[H": "home",
    "[F": "end",
    "[1~": "home",
    "[4~": "end",
    "[3~": "delete",
    "[13;2u": "newline",  # Shift+Enter where the terminal tells it apart
    "OA": "up",
    "OB": "down",
    "OC": "right",
    "OD": "left",
    "OH": "home",
    "OF": "end",
    "\r": "newline",  # Alt+Enter
    "\n": "newline",
    "b": "word-left",
    "f": "word-right",
    "[1;5D": "word-left",
    "[1;5C": "word-right",
    "\x7f": "kill-word",
}
CONTROLS = {
    "\r": "enter",
    "\n": "newline",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x01": "home",
    "\x02": "left",
    "\x03": "interrupt",
    "\x04": "end-of-file",
    "\x05": "end",
    "\x06": "right",
    "\x0b": "kill-right",
    "\x15": "kill-left",
    "\x17": "kill-word",
    "\t": "tab",
}
# A whole control sequence, a key after ESC O, or one character held with Alt.
ESCAPED = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|O[ -~]|[^\x1b\[O\x80-\xff])")

BEGUN = re.compile(rb"\x1b(\[[0-?]*[ -/]*|O)?")


class Decoder:
    """Give it what was read, it gives the keys; a sequence or a character cut in two waits for the rest."""

    def __init__(self) -> None:
        self._rest = b""
        self._pasted: bytearray | None = None
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    @property
    def patience(self) -> float:
        """Seconds to wait for the rest of an escape sequence before `flush`; 0 when nothing is held back."""
        if self._pasted is not None or not self._rest:
            return 0.0
        return 0.05 if self._rest == b"\x1b" else 1.0  # alone it is most likely the Escape key

    def flush(self) -> list[Key]:
        """Nothing followed: an escape alone was the Escape key, half a sequence is noise."""
        rest, self._rest = self._rest, b""
        return [Key("escape")] if rest == b"\x1b" else []

    def feed(self, data: bytes) -> list[Key]:
        keys: list[Key] = []
        data, self._rest = self._rest + data, b""
        while data:
            if self._pasted is not None:
                data = self._paste(data, keys)
            elif data[0] == 0x1B:
                data = self._escape(data, keys)
            else:
                plain, mark, after = data.partition(b"\x1b")
                keys += self._plain(plain)
                data = mark + after
            if self._rest:
                break
        return keys

    def _paste(self, data: bytes, keys: list[Key]) -> bytes:
        assert self._pasted is not None
        searched = max(0, len(self._pasted) - len(PASTE_END))
        self._pasted += data
        end = self._pasted.find(PASTE_END, searched)
        if end < 0:
            return b""
        after, text = bytes(self._pasted[end + len(PASTE_END) :]), self._pasted[:end].decode("utf-8", "replace")
        self._pasted = None
        # Terminals send the line ends of a paste as Enter would.
        keys.append(Key("paste", text.replace("\r\n", "\n").replace("\r", "\n")))
        return after

    def _escape(self, data: bytes, keys: list[Key]) -> bytes:
        if data.startswith(PASTE_START):
            self._pasted = bytearray()
            return data[len(PASTE_START) :]
        if data.startswith(b"\x1b\x1b"):
            keys.append(Key("escape"))
            return data[1:]
        if data[1:2] >= b"\x80":
            return data[1:]  # a letter of several bytes held with Alt: the letter
        found = ESCAPED.match(data)
        if found is None:
            begun = BEGUN.match(data)
            assert begun is not None, "it begins with an escape"
            if begun.end() < len(data):
                return data[begun.end() :]  # no sequence after all
            self._rest = data
            return data
        name = SEQUENCES.get(found[1].decode("latin-1"))
        if name:
            keys.append(Key(name))
        return data[found.end() :]

    def _plain(self, data: bytes) -> list[Key]:
        keys: list[Key] = []
        for part in re.split(r"([\x00-\x1f\x7f])", self._decode(data)):
            if part in CONTROLS:
                keys.append(Key(CONTROLS[part]))
            elif part >= " ":
                keys.append(Key("text", part))
        return keys
