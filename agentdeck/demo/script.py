"""The script language: what a scripted model does next, written in the prompt itself.

    Look around ::say Looking. ::bash ls -la ::wait 2 ::write notes.txt := hello ::say All done.

A directive is `::verb argument`; the argument ends at the next directive, at an
empty line or at the end. One response of the model is everything up to and
including a tool call, and what follows the last call is the last response, so
a script never ends a turn by accident.

    say TEXT                  text                think TEXT     a thinking block
    bash CMD                  run a command       read PATH      read a file
    write PATH := TEXT        write a file        edit PATH := OLD => NEW
    ask QUESTION | A | B      ask the human       call NAME {"json": "input"}   any tool by its name
    wait S                    seconds before the first byte of this response
    slow S                    stretch the stream of this response over S seconds
    fail 529 x2 MESSAGE       answer with this error, two times, then as scripted
    cut x1                    break the connection in mid-stream, once, then as scripted
    usage input=4 read=9000 write5m=300 write1h=0 output=250

In `say`, `think`, `write` and `edit`, `\\n` and `\\t` stand for newline and tab.
This module is pure: text in, steps out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from agentdeck.errors import UsageError

TEXTS = ("say", "think")
CALLS = ("bash", "read", "write", "edit", "ask", "call")
SETTINGS = ("wait", "slow", "fail", "cut", "usage")
USAGE_KEYS = ("input", "read", "write5m", "write1h", "output")

_DIRECTIVE = re.compile(rf"(?<!\S)::({'|'.join(TEXTS + CALLS + SETTINGS)})(?!\S)")
_FAIL = re.compile(r"(\d{3})(?:\s+x(\d+))?\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call by an abstract verb of CALLS; `args` are its parts as text (for `call`: name, JSON)."""

    verb: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fail:
    """An error answer, given `times` times before the step is played as written."""

    status: int
    times: int = 1
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One response of the model.

    `wait` (seconds to the first byte) and `slow` (seconds the stream takes) are None
    when the scenario's own default applies. `cut` counts how often the stream breaks
    half-way. `usage` replaces single counts, keys as in USAGE_KEYS.
    """

    say: str = ""
    think: str = ""
    calls: tuple[Call, ...] = ()
    wait: float | None = None
    slow: float | None = None
    fail: Fail | None = None
    cut: int = 0
    usage: Mapping[str, int] = field(default_factory=dict)


DONE = Step(say="Done.")


def parse(text: str) -> tuple[Step, ...]:
    """The steps that `text` asks for, () when it holds no directive; a malformed one raises UsageError."""
    steps: list[Step] = []
    parts: dict[str, Any] = {}
    for verb, argument in directives(text):
        try:
            _add(parts, verb, argument)
        except ValueError as error:
            title = f"Bad directive ::{verb} {argument}: {error}"
            raise UsageError(title, "agentdeck/demo/script.py lists them.") from None
        if "calls" in parts:
            steps.append(Step(**parts))
            parts = {}
    if parts:
        steps.append(Step(**parts))
    return closed(steps)


def directives(text: str) -> Iterator[tuple[str, str]]:
    """(verb, argument) of each directive in `text`, in order."""
    marks = list(_DIRECTIVE.finditer(text))
    for mark, after in zip_longest(marks, marks[1:]):
        end = after.start() if after else len(text)
        argument = re.split(r"\n[ \t]*\n", text[mark.end() : end], maxsplit=1)[0]
        yield mark[1], argument.strip()


def closed(steps: Sequence[Step]) -> tuple[Step, ...]:
    """`steps`, with a closing text when they would leave the client waiting for one after its tool ran."""
    if steps and steps[-1].calls:
        return (*steps, DONE)
    return tuple(steps)


def _add(parts: dict[str, Any], verb: str, argument: str) -> None:
    if verb in TEXTS:
        said = parts.get(verb)
        parts[verb] = f"{said}\n\n{_unescape(argument)}" if said else _unescape(argument)
    elif verb in CALLS:
        parts["calls"] = (call(verb, argument),)
    elif verb in ("wait", "slow"):
        parts[verb] = float(argument or 1)
    elif verb == "fail":
        parts["fail"] = _fail(argument)
    elif verb == "cut":
        parts["cut"] = int(argument.lstrip("x") or 1)
    else:
        parts["usage"] = _usage(argument)


def call(verb: str, argument: str) -> Call:
    """The call that `::verb argument` asks for; ValueError when parts are missing."""
    if verb == "write":
        return Call(verb, _split(argument, ":="))
    if verb == "edit":
        path, change = _split(argument, ":=")
        return Call(verb, (path, *_split(change, "=>")))
    if verb == "ask":
        return Call(verb, tuple(part.strip() for part in argument.split("|")))
    if verb == "call":
        name, _, given = argument.partition(" ")
        if not isinstance(json.loads(given or "{}"), dict):
            raise ValueError("the input of a tool is a JSON object")
        return Call(verb, (name, given or "{}"))
    if not argument:
        raise ValueError("nothing follows it")
    return Call(verb, (argument,))


def _split(argument: str, mark: str) -> tuple[str, str]:
    left, found, right = argument.partition(mark)
    if not found or not left.strip():
        raise ValueError(f"expected {mark} between its parts")
    return _unescape(left.strip()), _unescape(right.strip())


def _unescape(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t")


def _fail(argument: str) -> Fail:
    found = _FAIL.fullmatch(argument)
    if not found:
        raise ValueError("expected a status such as 529, perhaps x2, perhaps a message")
    return Fail(int(found[1]), int(found[2] or 1), found[3])


def _usage(argument: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for pair in argument.split():
        key, _, number = pair.partition("=")
        if key not in USAGE_KEYS:
            raise ValueError(f"unknown count {key!r}, known: {', '.join(USAGE_KEYS)}")
        counts[key] = int(number)
    return counts
