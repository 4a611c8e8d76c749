"""What the human chose: config.toml, over it the environment, over that the command line.

The types are plain dataclasses, so that importing this module costs nothing; pydantic checks
them (80 ms) only when there is a file or a variable to check.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from agentdeck import paths
from agentdeck.config.looks import Disk, Grid, PaneSize, Price, Trash
from agentdeck.config.programs import PLACEHOLDER, PLACEHOLDERS, Editor, Place, Terminal, Tool, split_commands
from agentdeck.config.tables import PERMISSIONS, STRICT, checked, read
from agentdeck.config.work import NICHE, Budgets, Gate, Limits, Queue, Route
from agentdeck.errors import UsageError
from agentdeck.models.status import STATES

__all__ = [
    "Budgets", "Config", "Disk", "Editor", "Gate", "Grid", "Limits", "NICHE", "PLACEHOLDER", "PLACEHOLDERS", "PaneSize",
    "Place", "Price", "Queue", "Route", "STRICT", "Terminal", "Tool", "Trash", "checked", "load", "read",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Config:
    """`keys`: action id -> key. `prices`: model -> Price, before the bundled prices.

    `notify_command`: argv that is run with a title and a text as two more arguments, when an agent comes to one of the
    states `notify_on`. `bell`: the terminal's bell, when an agent newly needs a human. `foreign`: look for sessions of
    known clients that were started outside the deck. `niches`: for frontier, workhorse, local or expert:LABEL the
    harnesses and models that do such work, the preferred one first. `limit_resume`: what an agent is told when the
    usage limit that cut it short has reset and it does not go on by itself; empty: nothing.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    theme: str = "deck-dark"
    keys: dict[str, str] = field(default_factory=dict)
    prices: dict[str, Price] = field(default_factory=dict)
    grid: Grid = Grid()
    pane: PaneSize = PaneSize()
    disk: Disk = Disk()
    trash: Trash = Trash()
    gate: Gate = Gate()
    queue: Queue = Queue()
    niches: dict[str, tuple[Route, ...]] = field(default_factory=dict)
    tools: tuple[Tool, ...] = ()
    terminal: Terminal = Terminal()
    editor: Editor = Editor()
    notify_command: tuple[str, ...] = ()
    notify_on: tuple[str, ...] = ("needs_input", "failed", "hung", "limited", "exited")
    bell: bool = True
    foreign: bool = True
    budgets: Budgets = Budgets()
    limit_resume: str = "Your usage limit has reset. Go on with what you were doing."

    def __post_init__(self) -> None:
        for state in self.notify_on:
            if state not in STATES:
                raise ValueError(f"notify_on: '{state}' is no status; there are {', '.join(STATES)}")
        for niche in self.niches:
            if not NICHE.fullmatch(niche):
                raise ValueError(f"niches: '{niche}' is none; there are frontier, workhorse, local and expert:LABEL")


# Environment variable -> key. Numbers come as text and are read as such.
VARIABLES: Mapping[str, tuple[str, ...]] = {
    "DECK_THEME": ("theme",),
    "DECK_PANE_COLS": ("pane", "cols"),
    "DECK_PANE_ROWS": ("pane", "rows"),
}


def load(**flags: object) -> Config:
    """The configuration in force. `flags` are top-level keys given on the command line (None: not given).

    A missing file means the defaults; a malformed one is a UsageError that names file, line and key.
    """
    chosen = {name: value for name, value in flags.items() if value is not None}
    variables = tuple((name, os.environ[name]) for name in VARIABLES if os.environ.get(name))
    file = paths.config_file()
    try:
        stamp = file.stat()
    except FileNotFoundError:
        config = _load(None, 0, 0, variables)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", PERMISSIONS) from error
    else:
        config = _load(file, stamp.st_mtime_ns, stamp.st_size, variables)
    return _checked(_merged(_as_table(config), chosen), "the command line", "") if chosen else config


@lru_cache(maxsize=4)
def _load(file: Path | None, _mtime: int, _size: int, variables: tuple[tuple[str, str], ...]) -> Config:
    table: dict[str, Any] = {}
    if file is not None:
        table, text = read(file)
        split_commands(table, str(file), text)
        _checked(table, str(file), text)
    if not variables:
        return _checked(table, "", "") if table else Config()
    for name, value in variables:
        # one by one, so that the error names the variable and not the file
        table = _merged(table, _nested(VARIABLES[name], value))
        _checked(table, name, "")
    return _checked(table, "the environment", "")


def _checked(table: dict[str, Any], source: str, text: str) -> Config:
    return checked(Config, table, source, text)


def _nested(keys: tuple[str, ...], value: object) -> dict[str, Any]:
    return {keys[0]: _nested(keys[1:], value) if len(keys) > 1 else value}


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for name, value in over.items():
        old = merged.get(name)
        merged[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _as_table(config: Config) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(config)
