"""Reads a TOML file into plain dataclasses; what is wrong in it is told with file, line and key.

pydantic checks them; importing it takes 80 ms, so that happens only when there is something to check.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from agentdeck.errors import UsageError

T = TypeVar("T")
# Read by pydantic from each class: an unknown key is an error.
STRICT = {"extra": "forbid"}
PERMISSIONS = "Mend its permissions, or move it away."


def within(what: str, low: float, high: float, *values: float) -> None:
    for value in values:
        if not low <= value <= high:
            raise ValueError(f"{what} must be between {low:g} and {high:g}, not {value:g}")


def read(file: Path) -> tuple[dict[str, Any], str]:
    """The table that a TOML file holds, and its text; a UsageError that names the file when it cannot be had."""
    try:
        text = file.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", PERMISSIONS) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}", "Mend that line, or move the file away.") from error


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
        raise fault(place, said, source, text) from error


def fault(place: tuple[str, ...], said: str, source: str, text: str) -> UsageError:
    line = _line_of(text, place)
    where = f"{source}, line {line}" if line else source
    return UsageError(": ".join(filter(None, (where, ".".join(place), said))), "Mend or remove that key.")


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
