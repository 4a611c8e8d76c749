"""Finds the rollouts of the threads that a session spawned: each writes a file of its own, on the day it began.

Seen with 0.169.0: a spawned thread's first row names its parent and the session that all of them belong to. Older
versions name the parent alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import date, timedelta

from agentdeck.harnesses.jsonl import first_row, mapping, text

SETTLED = 2.0  # seconds after which a folder's time tells of every file in it
_ends: dict[str, tuple[str, str]] = {}  # rollout -> (parent, session) of a spawned thread, ('', '') of another
_folders: dict[str, tuple[int, list[str]]] = {}  # folder -> (its time, the spawned threads' rollouts in it)


def kin(path: str) -> Iterator[str]:
    """The rollouts of all threads that the thread of rollout `path` spawned, and of those that these did."""
    families = {_thread(path)}
    for folder in _days(os.path.dirname(path)):
        for file in _spawned(folder):
            parent, session = _ends[file]
            if file != path and (parent in families or session in families):
                families.add(_thread(file))
                yield file


def _days(folder: str) -> Iterator[str]:
    """A day's folder and those of the days since; a folder that is no day's alone."""
    parts = folder.rsplit(os.sep, 3)
    try:
        day = date(*map(int, parts[1:]))
    except (ValueError, TypeError):
        yield folder
        return
    while day <= date.today() + timedelta(1):
        yield os.path.join(parts[0], f"{day:%Y}", f"{day:%m}", f"{day:%d}")
        day += timedelta(1)


def _spawned(folder: str) -> list[str]:
    """The rollouts of spawned threads in a folder, oldest first. A look at one that did not change costs one stat."""
    try:
        changed = os.stat(folder).st_mtime_ns
        known = _folders.get(folder)
        if known is not None and known[0] == changed:
            return known[1]
        files = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".jsonl")]
    except OSError:
        return []
    unread = [file for file in files if not _read(file)]
    found = [file for file in files if any(_ends.get(file, ()))]
    if not unread and time.time() - changed / 1e9 > SETTLED:
        _folders[folder] = changed, found
    return found


def _read(file: str) -> bool:
    """Whether it is known who spawned the thread of a rollout; not before its first row is whole."""
    if file not in _ends:
        row = first_row(file)
        if not row:
            return False
        told = mapping(row.get("payload"))
        spawned = mapping(mapping(mapping(told.get("source")).get("subagent")).get("thread_spawn"))
        _ends[file] = (text(spawned.get("parent_thread_id")), text(told.get("session_id"))) if spawned else ("", "")
    return True


def _thread(path: str) -> str:
    return os.path.basename(path).partition(".")[0][-36:]
