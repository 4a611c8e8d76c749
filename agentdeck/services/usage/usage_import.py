"""Finds the histories that clients keep on disk, wherever they lie, and what each file is by its first bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentdeck.errors import UsageError
from agentdeck.harnesses import packed
from agentdeck.harnesses.readers import History, histories, reader
from agentdeck.services.usage.usage_places import Places
from agentdeck.services.usage.usage_sources import Source

HEAD = 1 << 16
SUFFIXES = (".jsonl", ".json", ".db")


@dataclass
class Discovery:
    """`sources` are one a file. `unknown`: files of no client that we know; `packed`: those that nothing unpacks."""

    sources: list[Source] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    packed: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    bytes: int = 0

    def by_harness(self) -> dict[str, int]:
        """Files (or sessions of a database) of each client."""
        counts: dict[str, int] = {}
        for source in self.sources:
            counts[source.harness] = counts.get(source.harness, 0) + 1
        return dict(sorted(counts.items()))


def usual(environ: Mapping[str, str]) -> list[str]:
    """The folders in which the clients keep their history, as far as they are there."""
    home = environ.get("HOME") or str(Path.home())
    found = [root for history in histories() for root in history.roots(environ, home)]
    return [root for root in dict.fromkeys(found) if os.path.exists(root)]


def discover(places: Sequence[str]) -> Discovery:
    """The histories in these files and folders. Raises UsageError for a place that is not there."""
    found, seen, dirs = Discovery(), set[tuple[int, int]](), Places()
    for place in places:
        if not os.path.exists(place):
            raise UsageError(f"there is nothing at {place}", "Name a transcript, or a folder of them.")
        for path in _files(os.path.abspath(place), found.unreadable):
            _take(found, path, seen, dirs)
    return found


def _files(place: str, unreadable: dict[str, str]) -> Iterator[str]:
    """All files below `place`, linked folders once."""
    if os.path.isfile(place):
        yield place
        return
    top = os.stat(place)
    walked = {(top.st_dev, top.st_ino)}

    def told(error: OSError) -> None:
        unreadable[str(error.filename)] = error.strerror or str(error)

    for folder, folders, names in os.walk(place, followlinks=True, onerror=told):
        kept = []
        for name in sorted(folders):
            stat = os.stat(os.path.join(folder, name)) if os.path.exists(os.path.join(folder, name)) else None
            if stat and (stat.st_dev, stat.st_ino) not in walked:
                walked.add((stat.st_dev, stat.st_ino))
                kept.append(name)
        folders[:] = kept
        yield from (os.path.join(folder, name) for name in sorted(names))


def _take(found: Discovery, path: str, seen: set[tuple[int, int]], dirs: Places) -> None:
    name = packed.plain(path)
    if not name.endswith(SUFFIXES):
        return
    try:
        stat = os.stat(path)
        if (stat.st_dev, stat.st_ino) in seen or not stat.st_size:
            return
        head = next(packed.blocks(path, HEAD if name.endswith(".jsonl") else 4096), b"")
    except packed.NoUnpacker:
        found.packed.append(path)
        return
    except OSError as error:
        found.unreadable[path] = error.strerror or str(error)
        return
    seen.add((stat.st_dev, stat.st_ino))
    history = next((one for one in histories() if one.owns(name, head)), None)
    if history is not None:
        found.bytes += stat.st_size
        found.sources += _sources(history, path, dirs)
    elif name.endswith(".jsonl"):
        found.unknown.append(path)


def _sources(history: History, path: str, dirs: Places) -> list[Source]:
    """One of a file; of a database, one a session."""
    store = reader(history.name).store_of(path)
    if store is None:
        place = history.place(path)
        return [Source("", history.name, dirs.repo(place) if place else "", "", history.name, (path,), plain=True)]
    return [
        Source("", history.name, dirs.repo(directory), session, history.name, (store.name(path, session),), plain=True)
        for session, directory in store.sessions(path)
    ]
