"""What a client says while it works without a terminal: each line that it prints, read by its product's own module."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agentdeck.harnesses.jsonl import Row, text
from agentdeck.harnesses.readers import headless


@dataclass(frozen=True, slots=True)
class Line:
    """`text` is what the model says (`more`: it goes on with what came before), `doing` the tool that it calls.

    `session` is the client's name of the conversation; `dollars` what it says that the work has cost by now, None when
    it says nothing of that.
    """

    text: str = ""
    more: bool = False
    doing: str = ""
    session: str = ""
    dollars: float | None = None


def lines(name: str, printed: Iterable[str]) -> Iterator[Line]:
    """What the printed lines of the client `name` tell; a line that is no JSON object is told as it is."""
    read = headless(name)
    for raw in printed:
        row = _row(raw) if read is not None else None
        if row is not None and read is not None:
            yield read(row)
        elif raw.strip():
            yield Line(text=raw.rstrip())


def _row(raw: str) -> Row | None:
    if not raw.startswith("{"):
        return None
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def about(tool: object, given: object) -> str:
    """A tool call in a few words: its name, and the file or the command it is about."""
    told = given if isinstance(given, dict) else {}
    keys = ("file_path", "filePath", "path", "command", "pattern", "description")
    what = next((text(told[key]) for key in keys if told.get(key)), "")
    return " ".join(f"{text(tool)} {what}".split())[:200]


def dollars(value: object) -> float | None:
    """A price that a client tells; None for what is none."""
    fit = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6
    return float(value) if fit else None  # pyrefly: ignore
