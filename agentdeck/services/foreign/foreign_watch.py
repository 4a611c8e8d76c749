"""Looks for sessions that were started outside the deck: their clients' own files, and the process table.

Nothing is written to them, and nothing is read but what their clients say of themselves. A look costs
a stat each; what did not change is not read again.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agentdeck import config
from agentdeck.adapters import processes
from agentdeck.adapters.database.store import Writer
from agentdeck.errors import AgentDeckError, TryAgain
from agentdeck.harnesses import loader
from agentdeck.harnesses.readers import ForeignReader
from agentdeck.harnesses.readers import foreign as reader_of
from agentdeck.harnesses.schema import Harness
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.foreign import Foreign, Sighting
from agentdeck.services.foreign import foreign, foreign_sight
from agentdeck.services.foreign.foreign import Key
from agentdeck.services.lives import launch
from agentdeck.services.lives.lives import Order
from agentdeck.services.rounds import forever
from agentdeck.services.status.monitor import Monitor
from agentdeck.services.usage.usage import Source, sources_for

log = logging.getLogger("agentdeck.foreign")
SWEEP_SECONDS = 3.0
LAST_WORDS_MS = 60_000  # what a session has used is counted so long after its end
BORN_LATE_MS = 10_000  # a process that began so long after its session is another one with the same pid

Count = Callable[[Sequence[Source]], Awaitable[object]]


@dataclass
class Sweep:
    """Holds what one look leaves for the next: the readers, and whose each process is."""

    _readers: dict[tuple[str, str], ForeignReader] = field(default_factory=dict)
    _parents: dict[processes.Process, frozenset[int]] = field(default_factory=dict)

    def look(self, agents: Sequence[Agent], environ: Mapping[str, str]) -> tuple[list[Foreign], frozenset[str]]:
        """The sessions that run outside the deck now, and the harnesses that could not be looked at. Blocks."""
        ours = frozenset(agent.pid for agent in agents if agent.life == "live" and agent.pid)
        found, blind, parents = [], set(), {}
        for harness, home in _places(agents, environ):
            try:
                sightings = self._reader(harness, home).look()
            except (OSError, AgentDeckError) as error:
                log.info("sessions of %s cannot be looked at: %s", harness.name, error)
                blind.add(harness.name)
                continue
            for sighting in sightings:
                process = _process(sighting)
                if process is None:
                    continue
                parents[process] = self._parents.get(process) or processes.ancestors(process.pid)
                if not ours & {process.pid, *parents[process]}:
                    found.append(foreign_sight.seen(harness, home, sighting, process.start, now_ms()))
        self._parents = parents
        return found, frozenset(blind)

    def _reader(self, harness: Harness, home: str) -> ForeignReader:
        key = (harness.name, home)
        if key not in self._readers:
            self._readers[key] = reader_of(harness.foreign)(home, processes.holders)
        return self._readers[key]


def _places(agents: Sequence[Agent], environ: Mapping[str, str]) -> list[tuple[Harness, str]]:
    """Where clients keep their files: as this process would start them, and as the agents were started."""
    known = [harness for harness in loader.load_all(strict=False).values() if harness.foreign]
    homes = {
        harness.name: dict.fromkeys(
            [launch.config_home(harness, environ), *(a.config_home for a in agents if a.harness == harness.name)]
        )
        for harness in known
    }
    return [(harness, home) for harness in known for home in homes[harness.name] if home]


def _process(sighting: Sighting) -> processes.Process | None:
    """The living process that has a session; None when it has ended, or its pid is another one's by now."""
    process = processes.identify(sighting.pid)
    if process is None or not processes.runs(process.pid):
        return None
    reused = bool(sighting.told) and sighting.started and process.start * 1000 > sighting.started + BORN_LATE_MS
    return None if reused else process


def sources(found: Iterable[Foreign]) -> list[Source]:
    """Where the usage of these sessions is recorded; it is nobody's of ours."""
    made: list[Source] = []
    for row in found:
        stands_in = Agent(
            id="", name="", harness=row.harness, repo=row.cwd, worktree=row.cwd, branch="", base="", base_oid="",
            life="", session=row.session, config_home=row.config_home,
        )  # fmt: skip
        try:
            harness = loader.get(row.harness)
        except AgentDeckError:
            continue  # its harness file is gone
        made += sources_for(stands_in, harness, [(row.session, row.transcript)])
    return made


class ForeignWatch:
    """Keeps the rows of foreign sessions true, as long as the configuration wants them."""

    def __init__(self, writer: Writer, monitor: Monitor, count: Count) -> None:
        self.writer = writer
        self.monitor = monitor
        self.count = count
        self.rows: dict[Key, Foreign] = {}
        self._sweep = Sweep()
        self._loaded = False
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Rounds without end; one that fails says nothing about any session."""
        await forever(self.round, SWEEP_SECONDS, "looking for other sessions", log)

    async def round(self) -> None:
        """One look, and what changed since the last one."""
        async with self._one_at_a_time:
            await self._round()

    async def find(self, session: str) -> Foreign:
        """The session with this id (or its beginning) as it is now; an error when there is none."""
        await self.round()
        return foreign.find(self.rows.values(), session)

    async def _round(self) -> None:
        if not self._loaded:
            self.rows = await self.writer.run(foreign.read)
            self._loaded = True
        after: dict[Key, Foreign] = {}
        if (await asyncio.to_thread(config.load)).foreign:
            agents = list(self.monitor.agents.values())
            found, blind = await asyncio.to_thread(self._sweep.look, agents, os.environ)
            after = foreign_sight.merged(self.rows, found, blind, now_ms())
        before = self.rows
        if after != before:
            await self.writer.run(lambda conn: foreign.store(conn, before, after))
            self.rows = after
        now = now_ms()
        await self.count(sources(row for row in after.values() if not row.ended or now - row.ended < LAST_WORDS_MS))


def still_has(row: Foreign) -> bool:
    """Whether the process that had a session has it still. Blocks."""
    return bool(row.pid) and processes.alive(processes.Process(row.pid, row.pid_start))


def require_free(row: Foreign | None) -> None:
    """Raise while another process has the session of an agent that is to be resumed. Blocks."""
    if row is not None and still_has(row):
        raise TryAgain(
            f"its conversation runs elsewhere, in process {row.pid}: two on one conversation spoil it",
            "End it there first, then resume it here.",
        )


def taken_up(row: Foreign, name: str, environ: Mapping[str, str], refused: bool) -> tuple[Order, Mapping[str, str]]:
    """What to start so that the deck goes on with a session, and with which environment.

    `refused`: its process still has it, and nobody has said that this is understood.
    """
    if refused:
        raise TryAgain(
            f"that session still runs elsewhere, in process {row.pid}: two on one conversation spoil it",
            "End it there first. Or take it all the same: `agentdeck take --anyway`, or y in the dashboard.",
        )
    harness = loader.get(row.harness)
    if harness.config_env and launch.config_home(harness, environ) != row.config_home:
        environ = {**environ, harness.config_env: row.config_home}
    return Order(name, row.harness, row.cwd, here=True, session=row.session), environ
