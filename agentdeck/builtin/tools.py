"""What the model may do: four tools, and `submit` for runs that must end with a summary."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentdeck.builtin import shell
from agentdeck.errors import UsageError

READ_LIMIT = 100_000  # characters of one file that go to the model at once

Input = dict[str, Any]


class ToolError(Exception):
    """A failure the model should read and act on; it never ends the turn."""


@dataclass
class Workplace:
    """Where tools work: inside `root` without asking, elsewhere only with permission."""

    root: Path
    show: Callable[[str], None]  # takes a command's output while it runs
    summary: str | None = None  # what `submit` was given

    def resolve(self, given: str) -> Path:
        """The file itself, symbolic links followed: a link out of the tree does not count as inside."""
        return (self.root / Path(given).expanduser()).resolve()

    def inside(self, given: str) -> bool:
        return self.resolve(given).is_relative_to(self.root.resolve())


@dataclass(frozen=True)
class Tool:
    """`asks` says why this call needs a human's permission, '' when it needs none."""

    name: str
    description: str
    properties: dict[str, Input]
    required: tuple[str, ...]
    run: Callable[[Workplace, Input], Awaitable[str]]
    asks: Callable[[Workplace, Input], str]

    def definition(self) -> Input:
        schema = {"type": "object", "properties": self.properties, "required": list(self.required)}
        return {"name": self.name, "description": self.description, "input_schema": schema}

    def check(self, given: Input) -> None:
        """Models sometimes leave an argument out or send a number: tell them which."""
        for name in self.required:
            if not isinstance(given.get(name), str):
                raise ToolError(f"{self.name} needs {name}, a string.")


async def _bash(place: Workplace, given: Input) -> str:
    done = await shell.run(given["command"], place.root, place.show)
    if done.exit_code == 0:
        return done.output
    how = f"timed out after {shell.TIMEOUT:.0f} s" if done.exit_code is None else f"exit code {done.exit_code}"
    raise ToolError(f"{done.output}\n[{how}]".lstrip())


async def _read(place: Workplace, given: Input) -> str:
    path = place.resolve(given["filePath"])
    if path.is_dir():
        return "\n".join(sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in path.iterdir()))
    lines = _text_of(path, given["filePath"]).splitlines(keepends=True)
    first = max(1, _whole_number(given, "offset", 1))
    text = "".join(lines[first - 1 :][: _whole_number(given, "limit", len(lines))])
    if len(text) > READ_LIMIT:
        return text[:READ_LIMIT] + f"\n[... cut; the file has {len(lines)} lines, use offset and limit ...]"
    return text


async def _write(place: Workplace, given: Input) -> str:
    path = place.resolve(given["filePath"])
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(path, given["content"])
    return f"Wrote {_count_lines(given['content'])} to {given['filePath']}."


async def _edit(place: Workplace, given: Input) -> str:
    path, old, new = place.resolve(given["filePath"]), given["oldString"], given["newString"]
    if not old:
        raise ToolError("oldString is empty: to make a new file use write.")
    if old == new:
        raise ToolError("oldString and newString are the same.")
    text = _text_of(path, given["filePath"])
    if "\r\n" in text and "\r\n" not in old:
        old, new = old.replace("\n", "\r\n"), new.replace("\n", "\r\n")
    found = text.count(old)
    if found == 0:
        raise ToolError(f"oldString is not in {given['filePath']}. Read the file and give its text exactly.")
    if found > 1:
        raise ToolError(f"oldString is in {given['filePath']} {found} times. Give more of the lines around it.")
    _save(path, text.replace(old, new))
    return f"Edited {given['filePath']}."


async def _submit(place: Workplace, given: Input) -> str:
    place.summary = given["summary"]
    return "Submitted."


def _text_of(path: Path, given: str) -> str:
    if not path.exists():
        raise ToolError(f"{given} does not exist.")
    if not path.is_file():
        raise ToolError(f"{given} is not a file.")
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise ToolError(f"{given} is not UTF-8 text.") from None


def _save(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))  # bytes: line ends stay as they are


def _whole_number(given: Input, name: str, default: int) -> int:
    value = given.get(name, default)
    if not isinstance(value, int) or value < 0:
        raise ToolError(f"{name} must be a whole number.")
    return value


def _count_lines(text: str) -> str:
    count = len(text.splitlines())
    return f"{count} line{'' if count == 1 else 's'}"


def _always(place: Workplace, given: Input) -> str:
    return "it runs a command"


def _never(place: Workplace, given: Input) -> str:
    return ""


def _outside(place: Workplace, given: Input) -> str:
    return "" if place.inside(given["filePath"]) else "it reads outside the working directory"


def _changes_outside(place: Workplace, given: Input) -> str:
    if not place.inside(given["filePath"]):
        return "it writes outside the working directory"
    # A hook or a setting written into .git is a command that runs later.
    return "it writes into .git" if ".git" in place.resolve(given["filePath"]).parts else ""


_FILE = {"filePath": {"type": "string", "description": "Absolute, or relative to the working directory."}}
_LINES = {
    "offset": {"type": "integer", "description": "First line to read, from 1."},
    "limit": {"type": "integer", "description": "How many lines to read."},
}


def _strings(*names: str) -> dict[str, Input]:
    return {name: {"type": "string"} for name in names}


ALL = {
    tool.name: tool
    for tool in (
        Tool(
            "bash",
            "Run a shell command in the working directory and get its output. It has no terminal and no input, "
            "may take ten minutes, and everything it started ends with it.",
            _strings("command"),
            ("command",),
            _bash,
            _always,
        ),
        Tool("read", "Read a text file, or list a directory.", _FILE | _LINES, ("filePath",), _read, _outside),
        Tool(
            "write",
            "Write a whole file, making it and its directories when they do not exist.",
            _FILE | _strings("content"),
            ("filePath", "content"),
            _write,
            _changes_outside,
        ),
        Tool(
            "edit",
            "Replace oldString by newString in a file. oldString must be the file's text exactly, "
            "white space too, and must occur once.",
            _FILE | _strings("oldString", "newString"),
            ("filePath", "oldString", "newString"),
            _edit,
            _changes_outside,
        ),
        Tool(
            "submit",
            "End this run with a summary of what was done.",
            _strings("summary"),
            ("summary",),
            _submit,
            _never,
        ),
    )
}
USUAL = ("bash", "read", "write", "edit")


def choose(names: str = "") -> dict[str, Tool]:
    """The tools of a comma-separated list, the usual four when it is empty; UsageError for a name that is none."""
    wanted = [name.strip() for name in names.split(",") if name.strip()] or list(USUAL)
    for name in wanted:
        if name not in ALL:
            raise UsageError(f"There is no tool named {name!r}", f"Tools are: {', '.join(ALL)}.")
    return {name: ALL[name] for name in wanted}
