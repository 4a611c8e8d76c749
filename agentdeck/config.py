"""What the human chose: config.toml, over it the environment, over that the command line.

The types are plain dataclasses, so that importing this module costs nothing; pydantic checks
them (80 ms) only when there is a file or a variable to check.
"""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from agentdeck import paths
from agentdeck.errors import UsageError
from agentdeck.models.status import STATES

T = TypeVar("T")
# Read by pydantic from each class: an unknown key is an error.
STRICT = {"extra": "forbid"}
_PERMISSIONS = "Mend its permissions, or move it away."


def _within(what: str, low: float, high: float, *values: float) -> None:
    for value in values:
        if not low <= value <= high:
            raise ValueError(f"{what} must be between {low:g} and {high:g}, not {value:g}")


@dataclass(frozen=True, slots=True)
class Price:
    """Of one model, in dollars per million tokens; a class left out is free."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    input: float = 0.0
    cache_read: float = 0.0
    cache_write_5m: float = 0.0
    cache_write_1h: float = 0.0
    output: float = 0.0

    def __post_init__(self) -> None:
        _within("price", 0, 1e6, self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h, self.output)


@dataclass(frozen=True, slots=True)
class Grid:
    """How often a tile may be drawn anew, per second: the focused one, the others, and those of a far overview."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    focused_hz: float = 30.0
    visible_hz: float = 8.0
    overview_hz: float = 2.0

    def __post_init__(self) -> None:
        _within("a rate", 0.1, 60, self.focused_hz, self.visible_hz, self.overview_hz)


@dataclass(frozen=True, slots=True)
class PaneSize:
    """The canonical size of an agent's screen in cells, whatever the tile or the terminal that shows it."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    cols: int = 120
    rows: int = 40

    def __post_init__(self) -> None:
        _within("columns", 40, 500, self.cols)
        _within("rows", 10, 200, self.rows)


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


@dataclass(frozen=True, slots=True)
class Disk:
    """Nothing new starts while a file system has less than `floor_gb` gigabytes (10^9 bytes) left; 0: never mind."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    floor_gb: float = 2.0

    def __post_init__(self) -> None:
        _within("the floor", 0, 1e6, self.floor_gb)


@dataclass(frozen=True, slots=True)
class Trash:
    """How long a removed agent can be brought back (days), and how much its trash may hold (GB) before that."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    days: float = 14.0
    max_gb: float = 20.0

    def __post_init__(self) -> None:
        _within("days", 0, 3650, self.days)
        _within("max_gb", 0, 1e6, self.max_gb)


@dataclass(frozen=True, slots=True)
class Gate:
    """How the verify command of a task is run: for how long, how much it may print (10^6 bytes), and which
    variables of your environment it sees beside the usual ones (PATH, HOME, LANG and the like)."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    verify_seconds: float = 900.0
    output_mb: float = 64.0
    env: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _within("verify_seconds", 1, 86_400, self.verify_seconds)
        _within("output_mb", 0.01, 10_000, self.output_mb)


@dataclass(frozen=True, slots=True)
class Queue:
    """How tasks are handed out; a cap of 0 is none.

    `max_attempts` a task; after `breaker` attempts in a row that died, were refused or never started, a harness or a
    spec pauses until `agentdeck task resume`. `review_cap`: nothing new starts while so many tasks wait for your
    judgement. `watch`: folders whose specs are queued, once you approve each text. `hung_minutes`: so long an agent
    may hang before it is interrupted. `stop_after_turns`: so many turns without a change end a task that keeps going.
    `spawn`: how many agents the queue may start by itself (0: none), with the engine's environment and `spawn_args`
    (by harness) on their command line; `warm`: how many of them it keeps set up and idle in reserve. `auto_accept`:
    specs may ask to be accepted without you.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    max_attempts: int = 3
    breaker: int = 5
    per_repo: int = 0
    per_harness: dict[str, int] = field(default_factory=dict)
    per_account: int = 0
    review_cap: int = 0
    watch: tuple[str, ...] = ()
    hung_minutes: float = 10.0
    stop_after_turns: int = 3
    spawn: int = 0
    spawn_args: dict[str, tuple[str, ...]] = field(default_factory=dict)
    warm: int = 0
    auto_accept: bool = False

    def __post_init__(self) -> None:
        _within("max_attempts", 1, 100, self.max_attempts)
        _within("breaker", 1, 1000, self.breaker)
        _within("a cap", 0, 1000, self.per_repo, self.per_account, self.review_cap, *self.per_harness.values())
        _within("hung_minutes", 0.01, 10_000, self.hung_minutes)
        _within("stop_after_turns", 1, 1000, self.stop_after_turns)
        _within("spawn", 0, 100, self.spawn)
        _within("warm", 0, 20, self.warm)


@dataclass(frozen=True, slots=True)
class Route:
    """One choice for a niche: a harness, and perhaps a model of it."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    harness: str
    model: str = ""


NICHE = re.compile(r"frontier|workhorse|local|expert:[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Dollars, tokens, minutes at work, and turns (responses of the model); 0 is no limit."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    usd: float = 0.0
    tokens: int = 0
    minutes: float = 0.0
    turns: int = 0

    def __post_init__(self) -> None:
        _within("a limit", 0, 1e15, self.tokens, self.turns)
        _within("a limit", 0, 1e9, self.usd, self.minutes)


@dataclass(frozen=True, slots=True)
class Budgets:
    """`agent` and `task` hold for each one, `team` by name, `repo` by path, `day` for the whole deck from midnight on.

    A limit set by `agentdeck budget` holds beside these: the lower one counts. From the share `warn` of a limit on it
    is said, from `hold` on an agent is handed nothing more; at the limit it is interrupted, and stopped if it goes on.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    warn: float = 0.8
    hold: float = 0.9
    agent: Limits = Limits()
    task: Limits = Limits()
    team: dict[str, Limits] = field(default_factory=dict)
    repo: dict[str, Limits] = field(default_factory=dict)
    day: Limits = Limits()

    def __post_init__(self) -> None:
        _within("warn", 0.01, 1, self.warn)
        _within("hold", 0.01, 1, self.hold)
        if self.warn > self.hold:
            raise ValueError(f"warn ({self.warn:g}) must not be above hold ({self.hold:g})")


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
        raise UsageError(f"{file} cannot be read: {error.strerror}", _PERMISSIONS) from error
    else:
        config = _load(file, stamp.st_mtime_ns, stamp.st_size, variables)
    return _checked(_merged(_as_table(config), chosen), "the command line", "") if chosen else config


@lru_cache(maxsize=4)
def _load(file: Path | None, _mtime: int, _size: int, variables: tuple[tuple[str, str], ...]) -> Config:
    table: dict[str, Any] = {}
    if file is not None:
        table, text = read(file)
        _split_commands(table, str(file), text)
        _checked(table, str(file), text)
    if not variables:
        return _checked(table, "", "") if table else Config()
    for name, value in variables:
        # one by one, so that the error names the variable and not the file
        table = _merged(table, _nested(VARIABLES[name], value))
        _checked(table, name, "")
    return _checked(table, "the environment", "")


def read(file: Path) -> tuple[dict[str, Any], str]:
    """The table that a TOML file holds, and its text; a UsageError that names the file when it cannot be had."""
    try:
        text = file.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", _PERMISSIONS) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}", "Mend that line, or move the file away.") from error


def _split_commands(table: dict[str, Any], source: str, text: str) -> None:
    """Commands written as one text become argv."""
    tools = table.get("tools", [])
    if isinstance(tools, dict):
        raise _fault(("tools",), "each tool is a section of its own, with two brackets: [[tools]]", source, text)
    holders = [(("tools", str(at)), one) for at, one in enumerate(tools if isinstance(tools, list) else [])]
    for place, holder in [*holders, (("terminal",), table.get("terminal")), (("editor",), table.get("editor"))]:
        if isinstance(holder, dict) and isinstance(holder.get("command"), str):
            try:
                holder["command"] = shlex.split(holder["command"])
            except ValueError as error:
                raise _fault((*place, "command"), f"it cannot be read: {error}", source, text) from error
    _check_names([one.get("name") if isinstance(one, dict) else None for _, one in holders], source, text)


def _check_names(names: list[object], source: str, text: str) -> None:
    """A name is how a tool is found, in the menu and among the actions."""
    taken = [name.lower() if isinstance(name, str) else None for name in names]
    for at, name in enumerate(taken):
        if name and name in taken[:at]:
            raise _fault(("tools", str(at), "name"), f"two tools are called {names[at]}", source, text)


def _fault(place: tuple[str, ...], said: str, source: str, text: str) -> UsageError:
    line = _line_of(text, place)
    where = f"{source}, line {line}" if line else source
    return UsageError(": ".join(filter(None, (where, ".".join(place), said))), "Mend or remove that key.")


def _checked(table: dict[str, Any], source: str, text: str) -> Config:
    return checked(Config, table, source, text)


def checked(kind: type[T], table: dict[str, Any], source: str, text: str) -> T:
    """The table as a `kind` (a dataclass), or a UsageError that names `source`, the line in `text` and the key."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(table)
    except ValidationError as error:
        # a misspelt key may leave another one missing: name what is there, not what is not
        first = min(error.errors(), key=lambda found: found["type"] != "unexpected_keyword_argument")
        place = tuple(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        said = "unknown key" if first["type"] == "unexpected_keyword_argument" else said
        raise _fault(place, said, source, text) from error


def _line_of(text: str, place: tuple[str, ...]) -> int:
    """The line (from 1) on which the key at `place` is set, 0 when it cannot be told."""
    section: tuple[str, ...] = ()
    best = 0
    repeated: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[+)([^\]]+)\]", line):
            section = _parts(header[2])
            if header[1] == "[[":
                repeated[section] = repeated.get(section, -1) + 1
                section = (*section, str(repeated[section]))
            found = section
        elif assignment := re.match(r"\s*([^=#]+?)\s*=", line):
            found = section + _parts(assignment[1])
        else:
            continue
        if found and found == place[: len(found)]:
            best = number
        if found == place:
            return number
    return best


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.]+", dotted))


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
