"""Reads harness files: those in the package, then the human's own, which add or override by name."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from agentdeck import paths
from agentdeck.errors import UsageError
from agentdeck.harnesses.schema import Harness

FRESH_SECONDS = 0.2
"""How long `get` may answer by what the files held, unless it is asked strictly."""


def _files() -> Iterator[Path]:
    yield from sorted(Path(__file__).parent.glob("*/harness.toml"))
    own = paths.user_harnesses_dir()
    yield from sorted(own.glob("*.toml"))
    yield from sorted(own.glob("*/harness.toml"))


def load_file(file: Path) -> Harness:
    """One harness file; a malformed one is an error that names the file, the key and the reason."""
    from pydantic import ValidationError

    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        return Harness.model_validate(data)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}", "Mend that line, or move the file away.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{file}: {where}: {first['msg']}", "Mend that key, or move the file away.") from error


@cache
def _file(file: Path, _mtime_ns: int) -> Harness | UsageError:
    try:
        return load_file(file)
    except UsageError as error:
        return error


_whole: dict[Path, Harness] = {}  # of each file, as it was when it could last be read


def load_all(*, strict: bool = True) -> dict[str, Harness]:
    """All harnesses by name; a file is read again only when it changed.

    `strict` raises for a malformed file. Otherwise that file counts as it was when it was whole, or not
    at all: a human's slip in one file must not take the deck from the agents that run.
    """
    found: dict[str, Harness] = {}
    for file in _files():
        harness = _file(file, file.stat().st_mtime_ns)
        if isinstance(harness, Harness):
            _whole[file] = harness
        elif strict:
            raise harness
        elif file in _whole:
            harness = _whole[file]
        else:
            continue
        found[harness.name] = harness
    return found


_lately: tuple[float, Path, dict[str, Harness]] = (-FRESH_SECONDS, Path(), {})  # when, whose files, what they hold


def _recent() -> dict[str, Harness]:
    """All harnesses, looked for at most every FRESH_SECONDS: a round over many agents asks for each of them."""
    global _lately
    when, own, known = _lately
    now = time.monotonic()
    if now - when >= FRESH_SECONDS or own != paths.user_harnesses_dir():
        known = load_all(strict=False)
        _lately = (now, paths.user_harnesses_dir(), known)
    return known


def get(name: str, *, strict: bool = False) -> Harness:
    """The harness called `name`, or an error that lists the known ones; `strict` as in `load_all`."""
    known = load_all() if strict else _recent()
    if name not in known:
        known = load_all(strict=False)
    if name not in known:
        load_all()  # it may stand in a malformed file: then say that
        raise UsageError(
            f"unknown harness '{name}'",
            f"Known: {', '.join(sorted(known))}. Add your own as {paths.user_harnesses_dir()}/{name}.toml.",
        )
    return known[name]
