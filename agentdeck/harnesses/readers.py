"""Finds the modules that a harness file names: the readers of a client's own files, and the maker of its words."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from agentdeck.errors import UsageError
from agentdeck.models.conversation import Turn
from agentdeck.models.foreign import Sighting
from agentdeck.models.usage import Found, UsageRecord
from agentdeck.models.vitals import Vitals

if TYPE_CHECKING:
    from agentdeck.harnesses.headless import Line
    from agentdeck.harnesses.jsonl import Row


@dataclass(frozen=True, slots=True)
class Seen:
    """By what it shows whether a file has changed: device, inode, bytes, nanoseconds since 1970."""

    device: int
    inode: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a database as JSON lines, how far it is known with them (UTC ms), and how many rows were strange."""

    lines: bytes
    until: int
    strange: int = 0


@dataclass(frozen=True, slots=True)
class Store:
    """A client's database, each session of which is read as if it were a file: its path is `name(database, session)`.

    `holds(path)` tells such a path, or a database's own, from a file of the client's that is read as it is.
    `seen(path)` and `pages(path, since)` are for counting, `said(path)` gives the lines of its conversation; these
    raise OSError when the database cannot be read now. `sessions(database)` are (session, directory).
    """

    name: Callable[[str, str], str]
    holds: Callable[[str], bool]
    seen: Callable[[str], Seen]
    pages: Callable[[str, int], Iterator[Page]]
    said: Callable[[str], Iterator[bytes]]
    sessions: Callable[[str], list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Reader:
    """`read(chunk, path, state)` reads whole lines; `state` is what it left after the piece before, '' at first.

    A new `version` has every file read again. The lines come out of files, or out of the client's database (`store`).
    `kin(path)` names the files of what a session's file has spawned, for a client that does not lay them beside it.
    """

    read: Callable[[bytes, str, str], Found]
    version: int
    store: Store | None = None
    kin: Callable[[str], Iterable[str]] | None = None

    def store_of(self, path: str) -> Store | None:
        """The client's database when the lines of `path` stand in one."""
        return self.store if self.store is not None and self.store.holds(path) else None

    def seen(self, path: str) -> Seen:
        """What changes whenever the file does. Raises OSError when it is not there."""
        store = self.store_of(path)
        if store is not None:
            return store.seen(path)
        stat = os.stat(path)
        return Seen(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)

    def lines(self, path: str, tail: int = 0) -> Iterator[bytes]:
        """All lines, for reading a conversation, or those of a file's last `tail` bytes. Raises OSError."""
        store = self.store_of(path)
        if store is not None:
            yield from store.said(path)
            return
        with open(path, "rb") as file:
            if tail and os.fstat(file.fileno()).st_size > tail:
                file.seek(-tail, os.SEEK_END)
                file.readline()
            yield from file


@dataclass(frozen=True, slots=True)
class Kept:
    """A session that a client keeps, and the file that records it ('' when it is a row of a database)."""

    session: str
    transcript: str = ""


Finder = Callable[[str, str, int, frozenset[str]], Kept | None]
"""(configuration directory, real path of a work tree, since (UTC ms), sessions of others) -> the newest, if any."""


Holders = Callable[[Collection[str]], Mapping[str, int]]
"""Which of these files a process holds locked: file -> pid."""


class ForeignReader(Protocol):
    """Finds the sessions that a client has open on this machine, whoever started them. Reads its own files only.

    Raises OSError when it cannot look, which says nothing about any session.
    """

    def look(self) -> list[Sighting]: ...


def _module(name: str, part: str) -> ModuleType | None:
    if re.fullmatch(r"[a-z][a-z0-9_]*", name):
        try:
            return import_module(f"agentdeck.harnesses.{name}.{part}")
        except ModuleNotFoundError:
            pass
    return None


@cache
def reader(name: str) -> Reader:
    """The transcript reader called `name`: the module `transcript` in the folder of that product.

    It has `PARSER`, its version, and either `read` (see Reader) or `records(chunk, path)`, which gives the records of
    whole lines and how many were damaged, for a format whose rows can each be understood alone.
    """
    module = _module(name, "transcript")
    if module is None:
        raise UsageError(f"no transcript reader is called '{name}'", "Mend `reader` in that harness file.")
    read = module.read if hasattr(module, "read") else _stateless(module.records)
    return Reader(read, module.PARSER, getattr(module, "STORE", None), getattr(module, "kin", None))


def _stateless(records: Callable[[bytes, str], tuple[list[UsageRecord], int]]) -> Callable[[bytes, str, str], Found]:
    """For a format whose rows can each be understood alone."""

    def read(chunk: bytes, path: str, _state: str) -> Found:
        found, damaged = records(chunk, path)
        return Found(found, damaged)

    return read


@dataclass(frozen=True, slots=True)
class History:
    """Where a client keeps its history, for `usage import`.

    `roots(environ, home)` are its usual folders; `owns(path, head)` knows a file of it anywhere by its first bytes;
    `place(path)` is the directory that such a file is about, for a client whose rows do not tell it.
    """

    name: str
    roots: Callable[[Mapping[str, str], str], list[str]]
    owns: Callable[[str, bytes], bool]
    place: Callable[[str], str]


@cache
def histories() -> tuple[History, ...]:
    """Of every product that has a module `history` in its folder. No harness file is read for it."""
    names = sorted(folder.name for folder in Path(__file__).parent.iterdir() if (folder / "history.py").exists())
    found = [(name, _module(name, "history")) for name in names]
    return tuple(
        History(name, module.roots, module.owns, getattr(module, "place", lambda path: ""))
        for name, module in found
        if module is not None
    )


@cache
def statusline(name: str) -> Callable[[bytes, int], Vitals] | None:
    """What reads what a client told its statusline command at a time (UTC ms): `read` in the module `statusline`."""
    module = _module(name, "statusline")
    return module.read if module is not None else None


@cache
def conversation(name: str) -> Callable[[Iterable[bytes]], Iterator[Turn]] | None:
    """What tells from a transcript's lines what was said: the module `conversation`; None when there is none."""
    module = _module(name, "conversation")
    return module.conversation if module is not None else None


@cache
def starter(name: str) -> Callable[[str], list[str]]:
    """What makes more words of a command line from the shell command of our hook: the module `start`."""
    module = _module(name, "start")
    if module is None:
        raise UsageError(f"nothing makes words called '{name}'", "Mend `start.words` in that harness file.")
    return module.words


@cache
def finder(name: str) -> Finder:
    """What finds the newest conversation of a directory: the module `sessions`."""
    module = _module(name, "sessions")
    if module is None:
        raise UsageError(f"nothing finds sessions called '{name}'", "Mend `transcript.sessions` in that harness file.")
    return module.newest


@cache
def headless(name: str) -> Callable[[Row], Line] | None:
    """What reads a row that a client without a terminal prints: `line` in the module `headless`; None for words."""
    module = _module(name, "headless")
    return module.line if module is not None else None


@cache
def foreign(name: str) -> Callable[[str, Holders], ForeignReader]:
    """What makes a reader of sessions for a client's configuration directory: `Sessions` in the module `foreign`."""
    module = _module(name, "foreign")
    if module is None:
        raise UsageError(f"nothing finds sessions called '{name}'", "Mend `foreign` in that harness file.")
    return module.Sessions
