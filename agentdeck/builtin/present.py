"""How tool calls, their output and their results look on the screen. Pure."""

from __future__ import annotations

import json
from typing import Any

from agentdeck.builtin.layout import clean, wrap
from agentdeck.builtin.terminal import Row, row

FEW = 8  # rows of a call or of a failure that are shown when nobody is asked about it


def block(text: str, style: str, columns: int, first: str = "    ", limit: int = 0) -> list[Row]:
    """A text indented below `first`; with `limit`, only so many rows and how many more there are.

    Nothing that a model or a command wrote ever starts in the first column: the deck reads the
    signs there, and a text must not be able to imitate them.
    """
    rows = [part for line in clean(text).rstrip("\n").split("\n") for part in wrap(line, columns - len(first))]
    left = len(rows) - limit if limit and len(rows) > limit + 1 else 0
    shown = rows[: len(rows) - left] + ([f"… {left} more rows"] if left else [])
    heads = [first, *[" " * len(first)] * len(shown)]
    return [((head, "dim"), (part, style)) for head, part in zip(heads, shown, strict=False)]


def call(name: str, given: dict[str, Any], columns: int, whole: bool = False) -> list[Row]:
    """A tool call: its name, what it is about, and as much of its input as somebody must see."""
    head = str(given.get("command", given.get("filePath", "")))
    limit = 0 if whole else FEW
    rows: list[Row] = [row("")]
    first = block(head, "", columns, " " * (len(name) + 3), limit)
    rows += [((f"▸ {name} ", "bold"), *first[0][1:]), *first[1:]]
    if name == "edit":
        rows += _marked("- ", "red", given.get("oldString"), columns, limit)
        rows += _marked("+ ", "green", given.get("newString"), columns, limit)
    elif name == "write":
        rows += _marked("+ ", "green", given.get("content"), columns, limit)
    rest = {key: value for key, value in given.items() if key not in SHOWN}
    for key, value in rest.items():
        text = value if isinstance(value, str) else json.dumps(value)
        rows += block(f"{key}: {text}", "dim", columns, limit=limit)
    return rows


SHOWN = {"command", "filePath", "oldString", "newString", "content"}


def _marked(mark: str, style: str, text: object, columns: int, limit: int) -> list[Row]:
    if not isinstance(text, str) or not text:
        return []
    lines = "\n".join(mark + line for line in clean(text).rstrip("\n").split("\n"))
    return block(lines, style, columns, limit=limit)


def result(name: str, content: str, failed: bool, columns: int) -> list[Row]:
    """What came of a call; a command's output has been shown already while it ran."""
    if name == "bash":
        status = content.rsplit("\n", 1)[-1] if failed else ""
        return block(status or "done", "red" if failed else "dim", columns, "  ⎿ ")
    if failed:
        return block(content, "red", columns, "  ⎿ ", FEW)
    count = len(content.splitlines())
    return block(f"{count} lines" if name == "read" else content, "dim", columns, "  ⎿ ", FEW)
