"""tmux's control mode as text: how a command line is quoted and how the reply stream is read. No I/O here.

Every command is answered by one block: `%begin TIME NUMBER FLAGS`, the output, and `%end` or `%error` with the same
three fields. Lines outside a block are notifications. Facts: tmux(1), CONTROL MODE; tried with 3.3a.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agentdeck.errors import AgentDeckError

LINE_LIMIT = 14_000
"""Bytes of one command line. tmux refuses longer ones somewhere between 15 and 17 kB."""

_NAMED = {"\\": "\\\\", '"': '\\"', "$": "\\$", "~": "\\~", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e"}


_PLAIN = re.compile("[0-9A-Za-z-]+")


class TmuxError(AgentDeckError):
    """tmux refused a command, did not answer, or is not there."""


class TmuxSilent(TmuxError):
    """A server that is there did not answer in time: it is stopped or overloaded. What was asked may still happen."""

    def __init__(self, command: str, seconds: float) -> None:
        super().__init__(
            f"tmux did not answer {command} within {seconds:.0f} s", "Its server is stopped or overloaded.", exit_code=3
        )


def quote(argument: str) -> str:
    """`argument` as tmux's parser gives it back: in double quotes, unless it is a plain word (hex bytes stay short).

    Raises TmuxError for a NUL, which no tmux argument can hold.
    """
    if "\0" in argument:
        raise TmuxError("A tmux argument cannot hold a NUL byte")
    if _PLAIN.fullmatch(argument):
        return argument
    out = []
    for char in argument:
        if char in _NAMED:
            out.append(_NAMED[char])
        elif char < " " or char == "\x7f":
            out.append(f"\\{ord(char):03o}")
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


def command_line(argv: Sequence[str]) -> bytes:
    """The line for one command, newline included. Raises TmuxError when it is empty or longer than LINE_LIMIT."""
    if not argv:
        raise TmuxError("An empty tmux command")
    line = " ".join([argv[0], *map(quote, argv[1:])]).encode("utf-8", "surrogateescape")
    if len(line) > LINE_LIMIT:
        raise TmuxError(
            f"The tmux command {argv[0]} is {len(line)} bytes long; the limit is {LINE_LIMIT}",
            "Hand long texts over as a buffer or a file.",
        )
    return line + b"\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """The block that answers one command. `lines` holds the output, or tmux's message when not `ok`."""

    lines: list[str]
    ok: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """A line outside any block: a `%notification`, or (before the client is attached) plain complaint."""

    text: str


class Parser:
    """Bytes in, whole replies and notices out, in stream order.

    Blocks whose flags are 0 answer hooks and the attach itself, not us: they are dropped, or every later reply
    would be matched to the wrong command.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: bytes | None = None  # "TIME NUMBER FLAGS" of the open block
        self._seen = 0  # how much of the open block was already searched for its end

    def feed(self, data: bytes) -> list[Reply | Notice]:
        """All that `data` completes."""
        self._buffer += data
        out: list[Reply | Notice] = []
        while self._step(out):
            pass
        return out

    def _step(self, out: list[Reply | Notice]) -> bool:
        """Take one line or block off the buffer; False when there is no whole one."""
        return self._line(out) if self._head is None else self._block(out, self._head)

    def _line(self, out: list[Reply | Notice]) -> bool:
        end = self._buffer.find(b"\n")
        if end < 0:
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        if line.startswith(b"%begin "):
            self._head, self._seen = line[7:], 0
        elif line:
            out.append(Notice(line.decode("utf-8", "replace")))
        return True

    def _block(self, out: list[Reply | Notice], head: bytes) -> bool:
        # Output may hold lines that look like an end: only the one with this block's own fields counts.
        needle = b" " + head + b"\n"
        at = self._seen
        while (found := self._buffer.find(needle, at)) >= 0:
            start = self._buffer.rfind(b"\n", 0, found) + 1
            word = bytes(self._buffer[start:found])
            if word in (b"%end", b"%error"):
                body = bytes(self._buffer[:start])
                del self._buffer[: found + len(needle)]
                self._head = None
                if head.split()[-1:] != [b"0"]:
                    out.append(Reply(body.decode("utf-8", "replace").split("\n")[:-1], word == b"%end"))
                return True
            at = found + 1
        self._seen = max(0, len(self._buffer) - len(needle))
        return False
