"""Themes are TOML files of one schema, ours and the human's. A bad file is told, never a crash.

Ours are trusted (a test checks them), so that showing one loads no pydantic before the first paint.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from agentdeck import paths
from agentdeck.errors import UsageError
from agentdeck.models.status import STATES, State

if TYPE_CHECKING:
    from textual.theme import Theme

DEFAULT = "deck-dark"
_PERMISSIONS = "Mend its permissions, or move it away."

# What a status colour is when a theme does not say; usable as `$status-<state>` in styles.
STATUS_COLOURS: Mapping[State, str] = {
    "starting": "secondary",
    "working": "success",
    "needs_input": "warning",
    "retrying": "accent",
    "limited": "secondary",
    "idle": "primary",
    "failed": "error",
    "hung": "error",
    "exited": "foreground",
    "unknown": "foreground",
}


@dataclass(frozen=True, slots=True)
class ThemeFile:
    """One theme file: eleven base colours, a colour per status where it differs, and any Textual variable.

    A colour is `#rrggbb`, a CSS name, or `ansi_red` and the like for the terminal's own sixteen (`ansi = true`).
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}

    name: str
    dark: bool
    primary: str
    secondary: str
    accent: str
    foreground: str
    background: str
    surface: str
    panel: str
    boost: str
    success: str
    warning: str
    error: str
    ansi: bool = False
    status: dict[State, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def colours(self) -> dict[str, str]:
        """Every colour of the file by its key."""
        base = {item.name: getattr(self, item.name) for item in fields(self) if item.name in _BASE}
        return base | {f"status.{state}": colour for state, colour in self.status.items()}


_BASE = (
    "primary", "secondary", "accent", "foreground", "background", "surface", "panel", "boost",
    "success", "warning", "error",
)  # fmt: skip


def _our_dir() -> Path:
    inside = paths.package_dir() / "themes"  # in a wheel
    return inside if inside.is_dir() else paths.package_dir().parent / "themes"  # in a checkout


def files() -> Iterator[Path]:
    """Theme files: ours, then the human's, which add or override by name."""
    yield from sorted(_our_dir().glob("*.toml"))
    yield from sorted(paths.user_themes_dir().glob("*.toml"))


def load_file(file: Path) -> ThemeFile:
    """The theme in `file`; a malformed one is an error that names file, key and reason."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", _PERMISSIONS) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}", "Mend that line, or move the file away.") from error
    if file.parent == _our_dir():
        return ThemeFile(**table)
    return _checked(file, table)


def _checked(file: Path, table: dict[str, Any]) -> ThemeFile:
    from pydantic import TypeAdapter, ValidationError
    from textual.color import Color, ColorParseError

    try:
        theme = TypeAdapter(ThemeFile).validate_python(table)
    except ValidationError as error:
        # a misspelt key is missing as well: name what is there, not what is not
        first = min(error.errors(), key=lambda found: found["type"] != "unexpected_keyword_argument")
        where = ".".join(str(part) for part in first["loc"])
        said = "unknown key" if first["type"] == "unexpected_keyword_argument" else first["msg"]
        raise UsageError(f"{file}: {where}: {said}", "Mend that key, or move the file away.") from error
    for key, colour in theme.colours().items():
        try:
            Color.parse(colour)
        except ColorParseError as error:
            raise UsageError(f"{file}: {key}: '{colour}' is not a colour", "Write #rrggbb or a CSS name.") from error
    return theme


def find(name: str) -> tuple[Theme, list[str]]:
    """The theme called `name`, and what was wrong on the way; our default when there is none of that name.

    Reads no more files than it must: it runs before the first paint.
    """
    problems: list[str] = []
    ours = _our_dir() / f"{name}.toml"
    if not any(paths.user_themes_dir().glob("*.toml")) and ours.is_file():
        return as_textual(load_file(ours)), problems
    found, problems = load_all()
    if name in found:
        return found[name], problems
    known = ", ".join(sorted(found))
    problems.append(f"there is no theme '{name}' (known: {known}); {DEFAULT} is shown instead")
    return found[DEFAULT], problems


def load_all() -> tuple[dict[str, Theme], list[str]]:
    """Every theme by name, and one line for each file that could not be used."""
    found: dict[str, Theme] = {}
    problems: list[str] = []
    for file in files():
        try:
            theme = load_file(file)
        except UsageError as error:
            problems.append(f"{error.title}. {error.hint}")
        else:
            found[theme.name] = as_textual(theme)
    return found, problems


def as_textual(theme: ThemeFile) -> Theme:
    from textual.theme import Theme

    base = {name: getattr(theme, name) for name in _BASE}
    status = {f"status-{state}": theme.status.get(state, base[STATUS_COLOURS[state]]) for state in STATES}
    ansi = {"ansi-background": "ansi_black", "ansi-foreground": "ansi_white"} if theme.ansi else {}
    return Theme(name=theme.name, dark=theme.dark, ansi=theme.ansi, variables=ansi | status | theme.variables, **base)


def listing() -> list[dict[str, Any]]:
    """What `agentdeck themes` prints: name, dark, file; `problem` instead for a file that could not be used."""
    rows: list[dict[str, Any]] = []
    for file in files():
        try:
            theme = load_file(file)
        except UsageError as error:
            rows.append({"name": file.stem, "dark": None, "file": str(file), "problem": error.title})
        else:
            rows.append({"name": theme.name, "dark": theme.dark, "file": str(file), "problem": ""})
    return rows
