"""Finds the modules that a harness file names: the readers of a client's own files, and the maker of its words."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Protocol

from agentdeck.errors import UsageError
from agentdeck.models.conversation import Turn
from agentdeck.models.foreign import Sighting
from agentdeck.models.usage import UsageRecord


@dataclass(frozen=True, slots=True)
class Reader:
    """`records(chunk, path)` reads whole lines; a new `version` has every file read again."""

    records: Callable[[bytes, str], tuple[list[UsageRecord], int]]
    version: int


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
    """The transcript reader called `name`: the module `transcript` in the folder of that product."""
    module = _module(name, "transcript")
    if module is None:
        raise UsageError(f"no transcript reader is called '{name}'", "Mend `reader` in that harness file.")
    return Reader(module.records, module.PARSER)


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
def foreign(name: str) -> Callable[[str, Holders], ForeignReader]:
    """What makes a reader of sessions for a client's configuration directory: `Sessions` in the module `foreign`."""
    module = _module(name, "foreign")
    if module is None:
        raise UsageError(f"nothing finds sessions called '{name}'", "Mend `foreign` in that harness file.")
    return module.Sessions
