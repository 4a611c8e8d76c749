"""Which files hold the usage of which agent: a harness's path templates, filled in."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentdeck import paths
from agentdeck.errors import UsageError
from agentdeck.harnesses.readers import reader
from agentdeck.models.agent import Agent

if TYPE_CHECKING:
    from agentdeck.harnesses.schema import Harness

LONGEST_SLUG = 200


@dataclass(frozen=True, slots=True)
class Source:
    """One session of one agent, and the glob patterns of the files, or of the database, that record it.

    `plain`: the patterns are paths. Without a repository it is that of the directory which each row names.
    """

    agent: str
    harness: str
    repo: str
    session: str
    reader: str
    patterns: tuple[str, ...]
    database: str = ""
    plain: bool = False


def sources_for(agent: Agent, harness: Harness, sessions: Iterable[tuple[str, str]] = ()) -> list[Source]:
    """The sources of an agent. `sessions` are (vendor session, transcript path or ''), from `agent_sessions`.

    The agent's current session is one even before anything has recorded it.
    """
    if not harness.transcript.reader:
        return []
    known = dict(sessions)
    if agent.session:
        known.setdefault(agent.session, "")
    return [_source(agent, harness, session, transcript) for session, transcript in known.items() if session]


def _source(agent: Agent, harness: Harness, session: str, transcript: str) -> Source:
    main, sub = harness.transcript.path, harness.transcript.subagents
    values = {name: glob.escape(value) for name, value in _values(agent, session, transcript).items()}
    values["slug"] = slug(os.path.realpath(agent.worktree))
    # A pattern over all days of a client is looked through only until it said where it writes.
    templates = [sub] if transcript and glob.has_magic(main) else [main, sub]
    found = [_filled(template, values) for template in templates if template]
    if transcript and "{transcript}" not in main:
        # The client said where it writes: its side files lie beside that, as in the template.
        beside = os.path.dirname(glob.escape(transcript))
        found.append(glob.escape(transcript))
        if sub.startswith(os.path.dirname(main) + "/"):
            found.append(beside + _filled(sub[len(os.path.dirname(main)) :], values))
    database = _filled(harness.transcript.database, values)
    patterns = tuple(dict.fromkeys(found))
    return Source(agent.id, harness.name, agent.repo, session, harness.transcript.reader, patterns, database)


def _values(agent: Agent, session: str, transcript: str) -> dict[str, str]:
    return {
        "home": agent.home,
        "config_home": agent.config_home,
        "worktree": agent.worktree,
        "session": session,
        "session_head": session[:8],
        "transcript": transcript or str(paths.transcripts_dir() / f"{session}.jsonl"),
    }


def _filled(template: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), template)


def slug(directory: str) -> str:
    """The folder name that clients make of a directory, as a glob pattern.

    Every UTF-16 unit that is no ASCII letter or digit becomes '-'; a name above 200 is cut
    there and gets a hash of the client's own, which a wildcard stands for.
    """
    units = "".join("--" if ord(character) > 0xFFFF else character for character in directory)
    name = re.sub(r"[^A-Za-z0-9]", "-", units)
    return name if len(name) <= LONGEST_SLUG else f"{name[:LONGEST_SLUG]}-*"


def files(source: Source) -> Iterator[str]:
    """The files of a source that exist now, and its session by name in every database that may hold it.

    With them come those of the threads that the session spawned, where its client lays them elsewhere.
    """
    store = reader(source.reader).store if source.database else None
    if store is not None:
        yield from (store.name(database, source.session) for database in sorted(glob.glob(source.database)))
    kin = None if source.plain else _kin(source.reader)
    for path in _named(source):
        yield path
        if kin is not None:
            yield from kin(path)


def _kin(name: str) -> Callable[[str], Iterable[str]] | None:
    try:
        return reader(name).kin
    except UsageError:  # a harness file of the human's own names a reader that is not there: told where it is read
        return None


def _named(source: Source) -> Iterator[str]:
    for pattern in source.patterns:
        if not source.plain and glob.has_magic(pattern):
            yield from sorted(glob.glob(pattern))
        else:
            yield pattern
