"""Reads harness files: those in the package, then the human's own, which add or override by name."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from agentdeck import paths
from agentdeck.errors import UsageError
from agentdeck.harnesses.schema import Harness


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
def _load(files: tuple[tuple[Path, int], ...]) -> dict[str, Harness]:
    found: dict[str, Harness] = {}
    for file, _ in files:
        harness = load_file(file)
        found[harness.name] = harness
    return found


def load_all() -> dict[str, Harness]:
    """All harnesses by name; read again only when a file changed."""
    return _load(tuple((file, file.stat().st_mtime_ns) for file in _files()))


def get(name: str) -> Harness:
    """The harness called `name`, or an error that lists the known ones."""
    known = load_all()
    if name not in known:
        raise UsageError(
            f"unknown harness '{name}'",
            f"Known: {', '.join(sorted(known))}. Add your own as {paths.user_harnesses_dir()}/{name}.toml.",
        )
    return known[name]
