"""What file systems have left and what directories take. All of it blocks: call it in a thread."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STRIDE = 256  # entries between two pauses of a walk


@dataclass(frozen=True, slots=True)
class Room:
    """A file system by the directory it is mounted on, and the bytes an ordinary user may still write to it."""

    mount: str
    free: int


def room(path: Path) -> Room | None:
    """The file system that holds `path`, or would when it is made; None when that cannot be told."""
    try:
        there = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
        found = os.statvfs(there)
        return Room(_mount(there.resolve()), found.f_bavail * found.f_frsize)
    except OSError:
        return None


def _mount(path: Path) -> str:
    device = path.stat().st_dev
    while path.parent != path and path.parent.stat().st_dev == device:
        path = path.parent
    return str(path)


def walk(top: Path) -> Iterator[int]:
    """Bytes on disk below `top`, the sum so far after every few entries: whoever iterates decides on the pace.

    Follows no links, stays on one file system, counts a file with several names once. What cannot be read
    or vanishes meanwhile counts nothing.
    """
    total, seen, entries = 0, set[int](), 0
    try:
        device = top.lstat().st_dev
    except OSError:
        return
    waiting = [str(top)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as found:
                for entry in found:
                    size, again = _entry(entry, device, seen)
                    total += size
                    if again:
                        waiting.append(entry.path)
                    entries += 1
                    if entries % STRIDE == 0:
                        yield total
        except OSError:
            continue
    yield total


def _entry(entry: os.DirEntry[str], device: int, seen: set[int]) -> tuple[int, bool]:
    """The bytes of one entry, and whether it is a directory to go into."""
    try:
        found = entry.stat(follow_symlinks=False)
        inside = entry.is_dir(follow_symlinks=False)
    except OSError:
        return 0, False
    if found.st_dev != device:
        return 0, False
    if found.st_nlink > 1 and not inside:
        if found.st_ino in seen:
            return 0, False
        seen.add(found.st_ino)
    return found.st_blocks * 512, inside


def taken(path: Path) -> int:
    """Bytes on disk of one file or link, or of all below a directory."""
    try:
        found = path.lstat()
    except OSError:
        return 0
    return max(walk(path), default=0) if stat.S_ISDIR(found.st_mode) else found.st_blocks * 512


def unreadable(top: Path) -> str:
    """A directory below `top` that cannot be looked into, '' when all can."""
    found: list[str] = []
    for _ in os.walk(top, onerror=lambda error: found.append(str(error.filename))):
        if found:
            break
    return found[0] if found else ""
