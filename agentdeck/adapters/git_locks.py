"""Locks that a killed git has left on refs: nobody holds them, and every later git would be refused.

Only locks of refs are ever released. Those are held for milliseconds, and by git itself; an index lock may belong
to a commit whose editor is open, perhaps in a container that we cannot look into. All of it blocks.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from agentdeck.adapters import processes

log = logging.getLogger("agentdeck.git")
OLD_SECONDS = 4.0  # no living program holds the lock of a ref for so long
PAUSE_SECONDS = 0.2
_REFUSED = re.compile(r"Unable to create '(.+\.lock)': File exists")
_OF_A_REF = re.compile(r"/(refs/.+|packed-refs|HEAD)\.lock\Z")


def refused_by(stderr: str) -> str:
    """The lock that a git command complained of, or ''."""
    found = _REFUSED.search(stderr)
    return found[1] if found else ""


def release(lock: str) -> bool:
    """Whether the lock is gone now: it was let go, or had been left by a git that died and was removed.

    Waits until that can be told, OLD_SECONDS at most. False when somebody may hold it still.
    """
    path = Path(lock)
    if not _OF_A_REF.search(lock):
        return False
    first = _mark(path)
    while first is not None and time.time() - first[1] < OLD_SECONDS:
        time.sleep(PAUSE_SECONDS)
        if _mark(path) != first:
            return True
    if first is None or _held(path, first[1]):
        return first is None
    if _mark(path) == first:
        log.warning("a git that was killed has left %s: removed", lock)
        path.unlink(missing_ok=True)
    return True


def _mark(lock: Path) -> tuple[int, float] | None:
    """Which lock it is, and since when; None when there is none."""
    try:
        found = lock.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime


def _held(lock: Path, since: float) -> bool:
    """Whether a git process that is older than the lock lives anywhere in its repository."""
    places = [os.path.realpath(place) for place in _places(lock)]
    older = (place for place, start in processes.directories_of("git") if start <= since + 1)
    return any(not place or any(f"{place}/".startswith(f"{top}/") for top in places) for place in older)


def _places(lock: Path) -> Iterator[Path]:
    """Where processes of this repository may be: its git directory, the directory around it, its linked trees."""
    common = next((place for place in lock.parents if (place / "objects").is_dir()), lock.parent)
    yield common
    if common.name == ".git":
        yield common.parent
    for link in common.glob("worktrees/*/gitdir"):
        yield Path(link.read_text(errors="surrogateescape").strip()).parent
