"""Captures that leave nothing behind in the tmux server.

`capture-pane -p` to a control client is never freed by tmux (seen in 3.3a: 3 kB a capture, 1 GB an hour for a busy
grid; tmux issue 4590 of 2025). A capture into a named buffer, which `show-buffer` then prints, is. That prints escape
sequences as vis(3) writes them; decoded here, the rows are those that `-p` gives.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from agentdeck.adapters.tmux.protocol import TmuxError

PREFIX = "deck-capture-"
_ESCAPED = re.compile(r"\\([0-7]{3}|.)", re.DOTALL)
_CSTYLE = {"n": "\n", "r": "\r", "b": "\b", "a": "\a", "v": "\v", "f": "\f", "t": "\t", "s": " ", "0": "\0"}

Command = Sequence[str]
Reply = list[str] | TmuxError


def buffer_name(pid: int, number: int) -> str:
    """The buffer of a process's client: a capture of another one must not come in between."""
    return f"{PREFIX}{pid}-{number}"


def left_over(names: Sequence[str]) -> list[str]:
    """Of the names of buffers, those whose process has ended without taking its own away."""
    found = []
    for name in names:
        match = re.fullmatch(PREFIX + r"(\d+)-\d+", name)
        if match and not _runs(int(match[1])):
            found.append(name)
    return found


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_capture(command: Command) -> bool:
    return tuple(command[:2]) == ("capture-pane", "-p")


def expand(commands: Sequence[Command], buffer: str) -> list[Command]:
    """Each capture that prints as two commands by way of `buffer`; all others as they are."""
    wanted: list[Command] = []
    for command in commands:
        if is_capture(command):
            wanted += [("capture-pane", "-b", buffer, *command[2:]), ("show-buffer", "-b", buffer)]
        else:
            wanted.append(command)
    return wanted


def collapse(commands: Sequence[Command], replies: Sequence[Reply]) -> list[Reply]:
    """The replies to `expand(commands)` as the replies to `commands`."""
    found: list[Reply] = []
    rest = iter(replies)
    for command in commands:
        reply = next(rest)
        if is_capture(command):
            shown = next(rest)  # of a capture that failed, the buffer still holds the one before
            reply = reply if isinstance(reply, TmuxError) else shown if isinstance(shown, TmuxError) else decode(shown)
        found.append(reply)
    return found


def decode(lines: list[str]) -> list[str]:
    """What `show-buffer` printed as the rows of the screen."""
    text = "\n".join(lines)
    # nearly all that is escaped is ESC: what is left is little enough for a regular expression
    parts = [part.replace("\\033", "\x1b") for part in text.split("\\\\")]
    rows = "\\".join(_ESCAPED.sub(_plain, part) if "\\" in part else part for part in parts).split("\n")
    return rows[:-1] if rows and not rows[-1] else rows


def _plain(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code, 8)) if len(code) == 3 else _CSTYLE.get(code, code)
