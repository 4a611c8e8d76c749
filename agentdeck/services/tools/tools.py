"""The programs a human opens beside an agent: which are offered, under which letter, and what exactly they run.

A command is argv from the config file to the process: placeholders are filled word by word, and no shell reads it.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentdeck.config import PLACEHOLDER, Config, Tool
from agentdeck.errors import UsageError
from agentdeck.models.agent import Agent

OFFERED = (
    Tool("lazygit", ("lazygit",)),
    Tool("tig", ("tig",)),
    Tool("yazi", ("yazi", "{worktree}")),
    Tool("ranger", ("ranger", "{worktree}")),
)
"""Offered to everybody; one of the human's own with the same name takes its place."""
EDITORS = ("nvim", "vim", "vi", "nano", "emacs")
"""What `vi` means to somebody who has set neither $VISUAL nor $EDITOR, best first."""
_WINDOWED = frozenset(
    ("atom", "bbedit", "code", "code-insiders", "codium", "cursor", "gedit", "gvim", "idea", "kate", "mate", "mvim")
    + ("notepadqq", "pycharm", "subl", "vscodium", "windsurf", "xed", "zed", "zeditor")
)
_FILES_ONLY = frozenset(("ed", "jed", "joe", "mcedit", "nano", "ne", "pico"))
_AT_LINE = {
    "+{line} {file}": ["emacs", "emacsclient", "joe", "kak", "mcedit", "nano", "ne", "nvim", "pico", "vi", "vim"],
    "-g {file}:{line}": ["code", "code-insiders", "codium", "cursor", "vscodium", "windsurf"],
    "{file}:{line}": ["helix", "hx", "micro", "subl", "zed", "zeditor"],
    "--line {line} {file}": ["idea", "kate", "pycharm"],
}
_SPARE = "abcdefghijklmnopqrstuvwxyz0123456789"


def values(agent: Agent, file: str = "", line: int = 0) -> dict[str, str]:
    """What the placeholders of a command mean for this agent."""
    return {
        "worktree": agent.worktree, "branch": agent.branch, "base": agent.base or agent.base_oid, "repo": agent.repo,
        "agent": agent.name, "file": file, "line": str(line or 1),
    }  # fmt: skip


def fill(words: Iterable[str], given: Mapping[str, str]) -> list[str]:
    """The words with their placeholders filled in; one that is not `given` stays as it is."""

    def put(word: str) -> str:
        return PLACEHOLDER.sub(lambda m: f"{{{m['literal']}}}" if m["literal"] else given.get(m["name"], m[0]), word)

    return [put(word) for word in words]


def uses(words: Iterable[str], name: str) -> bool:
    """Whether a command has a place for `name`."""
    return any(found["name"] == name for word in words for found in PLACEHOLDER.finditer(word))


def offered(own: Sequence[Tool]) -> tuple[Tool, ...]:
    """The human's own tools, then ours that theirs do not replace."""
    names = {tool.name.lower() for tool in own}
    return (*own, *(tool for tool in OFFERED if tool.name not in names))


def letters(tools: Sequence[Tool], taken: str) -> dict[str, str]:
    """A letter for each tool in the menu: its key if that is one, else of its name, else any; '' for none left."""
    own = {tool.key: tool.name for tool in tools if len(tool.key) == 1 and tool.key not in taken}
    found: dict[str, str] = {}
    for tool in tools:
        used = {*taken, *own, *found.values()}
        free = (letter for letter in (*tool.name.lower(), *_SPARE) if letter in _SPARE and letter not in used)
        found[tool.name] = tool.key if own.get(tool.key) == tool.name else next(free, "")
    return found


def missing(words: Sequence[str], path: str | None) -> str:
    """Why this command cannot run: '' when its program is on `path`. Looks at the disk."""
    program = os.path.expanduser(words[0])
    return "" if shutil.which(program, path=path) else f"{words[0]} is not on your PATH"


@dataclass(frozen=True, slots=True)
class Command:
    """`argv` runs in `directory`; one that is `windowed` brings a window of its own and needs no terminal."""

    argv: tuple[str, ...]
    directory: Path
    windowed: bool = False


def command(tool: Tool, agent: Agent, file: str = "") -> Command:
    """What a tool runs for this agent."""
    program, *rest = fill(tool.command, values(agent, file))
    return Command((os.path.expanduser(program), *rest), Path(agent.worktree))


def editor(settings: Config, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The human's editor: `[editor]` in the config, $VISUAL, $EDITOR, or one that is there. Looks at the disk."""
    if settings.editor.command:
        return settings.editor.command
    for variable in ("VISUAL", "EDITOR"):
        try:
            if words := shlex.split(environ.get(variable, "")):
                return tuple(words)
        except ValueError as error:
            raise UsageError(f"${variable} cannot be read: {error}", "Its quotes must be closed.") from error
    found = next((name for name in EDITORS if shutil.which(name, path=environ.get("PATH"))), "")
    if not found:
        raise UsageError("no editor is known", "Set $VISUAL or $EDITOR, or `command` under [editor] in config.toml.")
    return (found,)


def edit(words: Sequence[str], agent: Agent, file: str = "", line: int = 0) -> Command:
    """The editor's command line for an agent's worktree, or for one `line` (from 1) of one `file` in it."""
    name = Path(words[0]).name
    if not any(uses(words, each) for each in ("worktree", "file")):
        words = (*words, *_target(name, file, line))
    return Command(tuple(fill(words, values(agent, file, line))), Path(agent.worktree), name in _WINDOWED)


def _target(name: str, file: str, line: int) -> tuple[str, ...]:
    if not file:
        return () if name in _FILES_ONLY else (".",)
    form = next((form for form, names in _AT_LINE.items() if name in names), "{file}")
    return tuple(form.split()) if line else ("{file}",)
