"""From an abstract call to the tool that this client offers, with the argument names it expects."""

from __future__ import annotations

import json
from collections.abc import Callable, Set
from pathlib import PurePosixPath
from typing import Any

from agentdeck.demo.script import Call

Build = Callable[..., dict[str, Any]]


def _questions(question: str, *options: str) -> dict[str, Any]:
    choices = [{"label": option, "description": option} for option in options or ("Yes", "No")]
    return {"questions": [{"question": question, "header": "Choice", "multiSelect": False, "options": choices}]}


def _command(command: str) -> dict[str, Any]:
    return {"command": command, "description": "Run a scripted command"}


# verb -> (tool, its input), the first that is offered wins. Capital letters: Claude Code; small ones: our `builtin`.
TOOLS: dict[str, tuple[tuple[str, Build], ...]] = {
    "bash": (("Bash", _command), ("bash", lambda command: {"command": command})),
    "read": (("Read", lambda path: {"file_path": path}), ("read", lambda path: {"filePath": path})),
    "write": (
        ("Write", lambda path, text: {"file_path": path, "content": text}),
        ("write", lambda path, text: {"filePath": path, "content": text}),
    ),
    "edit": (
        ("Edit", lambda path, old, new: {"file_path": path, "old_string": old, "new_string": new}),
        ("edit", lambda path, old, new: {"filePath": path, "oldString": old, "newString": new}),
    ),
    "ask": (("AskUserQuestion", _questions),),
}


def resolve(call: Call, offered: Set[str], cwd: str) -> tuple[str, dict[str, Any]] | None:
    """(tool name, input) for `call`, or None when no fitting tool is offered.

    Claude Code wants absolute paths: for it, relative ones are joined to the `cwd` that it told.
    """
    if call.verb == "call":
        name, given = call.args
        return (name, json.loads(given)) if name in offered else None
    for name, build in TOOLS[call.verb]:
        if name in offered:
            given = build(*call.args)
            if cwd and "file_path" in given:
                given["file_path"] = str(PurePosixPath(cwd) / given["file_path"])
            return name, given
    return None
