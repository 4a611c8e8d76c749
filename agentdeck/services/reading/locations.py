"""Which files the locations in a program's output name. Looks at the disk: call it in a thread."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agentdeck.models.locations import Location


def locate(path: str, tree: Path) -> Path | None:
    """The file of that name, seen from the worktree; None when there is none."""
    for name in (path, path[2:] if path[:2] in ("a/", "b/") else ""):  # as `git diff` prints them
        try:
            found = tree / Path(name).expanduser()
            if name and found.is_file():
                return found
        except (OSError, RuntimeError, ValueError):
            continue
    return None


def located(locations: Iterable[Location], tree: Path) -> list[tuple[Location, Path]]:
    """The locations that name a file, each file and line once, with their files."""
    known: dict[tuple[str, int], Location] = {}
    for each in locations:
        known.setdefault((each.path, each.line), each)
    found = ((each, locate(each.path, tree)) for each in known.values())
    return [(each, file) for each, file in found if file is not None]
