"""Programs that the human opens beside an agent: tools, a terminal, an editor."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from agentdeck.config.tables import STRICT, fault

Place = Literal["auto", "popup", "window", "os", "tile", "fullscreen", "background"]
"""Where a program appears that the human opens beside an agent; one in the `background` has no terminal at all."""
PLACEHOLDERS = ("worktree", "branch", "base", "repo", "agent", "file")
PLACEHOLDER = re.compile(r"\{\{(?P<literal>\w+)\}\}|\{(?P<name>\w+)\}")
"""`{name}`; `{{name}}` means just that text in single braces."""
_TOOL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,23}")


def _known(words: tuple[str, ...], *more: str) -> None:
    known = (*PLACEHOLDERS, *more)
    for name in (found["name"] for word in words for found in PLACEHOLDER.finditer(word)):
        if name and name not in known:
            words_of = " ".join(f"{{{each}}}" for each in known)
            raise ValueError(f"{{{name}}} is no placeholder (write {{{{{name}}}}} for the text); known: {words_of}")


@dataclass(frozen=True, slots=True)
class Tool:
    """A program to open beside an agent. `key` runs it at once; without one it is in the menu of tools only.

    `command` is argv; in the file it may also be one text, split as a shell would split it. No shell ever runs it.
    `where = "auto"` is where a shell would open. With `hold` what it printed stays until Enter.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    name: str
    command: tuple[str, ...]
    key: str = ""
    where: Place = "auto"
    hold: bool = False

    def __post_init__(self) -> None:
        if not _TOOL_NAME.fullmatch(self.name):
            raise ValueError("a name is 1 to 24 letters, digits, spaces and . _ -")
        if not self.command or not self.command[0]:
            raise ValueError(f"{self.name} has no command")
        _known(self.command)


@dataclass(frozen=True, slots=True)
class Terminal:
    """`command` starts the terminal emulator for a window of its own; `where` is the place of a shell by its key.

    In `command`, the word `{command}` is replaced by what is to run in the window, if anything.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    command: tuple[str, ...] = ()
    where: Literal["auto", "popup", "window", "os", "tile", "fullscreen"] = "auto"

    def __post_init__(self) -> None:
        _known(self.command, "command")


@dataclass(frozen=True, slots=True)
class Editor:
    """`command` comes before $VISUAL and $EDITOR; without `{worktree}` or `{file}` what to open is added to it."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    command: tuple[str, ...] = ()
    where: Place = "auto"

    def __post_init__(self) -> None:
        _known(self.command, "line")


def split_commands(table: dict[str, Any], source: str, text: str) -> None:
    """Commands written as one text become argv."""
    tools = table.get("tools", [])
    if isinstance(tools, dict):
        raise fault(("tools",), "each tool is a section of its own, with two brackets: [[tools]]", source, text)
    holders = [(("tools", str(at)), one) for at, one in enumerate(tools if isinstance(tools, list) else [])]
    for place, holder in [*holders, (("terminal",), table.get("terminal")), (("editor",), table.get("editor"))]:
        if isinstance(holder, dict) and isinstance(holder.get("command"), str):
            try:
                holder["command"] = shlex.split(holder["command"])
            except ValueError as error:
                raise fault((*place, "command"), f"it cannot be read: {error}", source, text) from error
    _check_names([one.get("name") if isinstance(one, dict) else None for _, one in holders], source, text)


def _check_names(names: list[object], source: str, text: str) -> None:
    """A name is how a tool is found, in the menu and among the actions."""
    taken = [name.lower() if isinstance(name, str) else None for name in names]
    for at, name in enumerate(taken):
        if name and name in taken[:at]:
            raise fault(("tools", str(at), "name"), f"two tools are called {names[at]}", source, text)
