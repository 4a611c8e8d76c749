"""What the proposers of research loops use is their loop's: a loop tells in a file which conversations they have.

Each conversation is short and there are many of them: one is looked at while it is young, and once after that.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agentdeck.adapters.database.store import Writer
from agentdeck.errors import AgentDeckError
from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.services.usage.usage_sources import Source, sources_for

HARNESS = "loop"
FILE = "sessions.jsonl"
KEYS = {"at", "harness", "session", "transcript", "home", "config_home"}
YOUNG_MS = 20 * 60_000
"""A conversation that began longer ago is over: a proposal takes fifteen minutes at most, unless its human says so."""


@dataclass(slots=True)
class _Read:
    """How far a loop's file has been read, and those of its conversations that may still grow."""

    offset: int = 0
    young: list[dict[str, Any]] = field(default_factory=list)


class Proposals:
    def __init__(self) -> None:
        self._read: dict[str, _Read] = {}

    async def look(self, writer: Writer, agents: Sequence[Agent]) -> list[Source]:
        """The conversations to count now. New ones are entered as their agent's, so that an import knows them too."""
        loops = [agent for agent in agents if agent.harness == HARNESS and agent.argv]
        self._read = {agent.id: self._read.get(agent.id, _Read()) for agent in loops}
        if not loops:
            return []
        new, sources = await asyncio.to_thread(self._look, loops)
        if new:
            await writer.run(lambda conn: _enter(conn, new))
        return sources

    def _look(self, loops: Iterable[Agent]) -> tuple[list[tuple[str, str, str, int]], list[Source]]:
        new: list[tuple[str, str, str, int]] = []
        sources: list[Source] = []
        for agent in loops:
            known = self._read[agent.id]
            added = _added(Path(agent.argv[0]) / FILE, known)
            new += [(agent.id, one["session"], one["transcript"], one["at"]) for one in added]
            for one in [*known.young, *added]:
                sources += _sources(agent, one)
            edge = now_ms() - YOUNG_MS
            known.young = [one for one in [*known.young, *added] if one["at"] >= edge]
        return new, sources


def _added(file: Path, known: _Read) -> list[dict[str, Any]]:
    """The whole lines that came since the last look."""
    try:
        with open(file, "rb") as handle:
            handle.seek(known.offset)
            data = handle.read()
    except OSError:
        return []
    whole = data[: data.rfind(b"\n") + 1]
    known.offset += len(whole)
    return [told for line in whole.splitlines() if (told := _told(line)) is not None]


def _told(line: bytes) -> dict[str, Any] | None:
    """One conversation; None for a line that is not whole, as a loop that was killed may leave one."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.keys() >= KEYS else None


def _sources(agent: Agent, told: dict[str, Any]) -> list[Source]:
    """Where the client of a conversation keeps it; nothing for a harness that is no longer there."""
    try:
        harness = loader.get(told["harness"])
    except AgentDeckError:
        return []
    tree = str(Path(agent.argv[0]) / "candidate")
    owner = replace(agent, session="", worktree=tree, home=told["home"], config_home=told["config_home"])
    return sources_for(owner, harness, [(told["session"], told["transcript"])])


def _enter(conn: sqlite3.Connection, rows: list[tuple[str, str, str, int]]) -> None:
    conn.executemany(
        "INSERT OR IGNORE INTO agent_sessions (agent, vendor_session, transcript, started) VALUES (?, ?, ?, ?)", rows
    )
