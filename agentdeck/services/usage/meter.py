"""Keeps usage and diffs up to date: soon after something happened, never on a tick when nothing did."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from agentdeck.adapters.database.store import Writer
from agentdeck.errors import AgentDeckError
from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.status import State
from agentdeck.services.fleet import Diff
from agentdeck.services.reading import conversations
from agentdeck.services.rounds import forever
from agentdeck.services.status.monitor import Monitor, Report
from agentdeck.services.trees import worktrees
from agentdeck.services.usage import usage_sources
from agentdeck.services.usage.proposals import Proposals
from agentdeck.services.usage.transcript_watch import TranscriptWatch
from agentdeck.services.usage.usage import Ingest, Source, sources_for
from agentdeck.services.usage.vitals import VitalsWatch

log = logging.getLogger("agentdeck.meter")
ROUND_SECONDS = 0.5
QUIET_SECONDS = 2.0  # between two rounds while nobody is at work; a transcript that grows is seen at once all the same
GAP_SECONDS = 0.05  # between two counts, however fast transcripts grow
FILES_EVERY_MS = 2_000  # so often it is looked which files there are to watch
WRITING: tuple[State, ...] = ("working", "retrying", "starting", "needs_input", "unknown")
DIFF_EVERY_MS = 2_000  # at most this often for one agent
FOLLOW_EVERY_MS = 2_000  # so often it is looked for conversations that a client began without telling
DIFF_AT_LEAST_MS = 10_000  # and this often while it works: not every edit comes with a hook


async def _nobody(agents: set[str]) -> None:
    return None


class Meter:
    """`hear` marks what changed; `run` counts usage and `measure` diffs, each in rounds of its own.

    `touched` is told the paths of each diff, or None for an agent whose tree could not be read.
    """

    def __init__(
        self,
        writer: Writer,
        monitor: Monitor,
        prices: dict[str, dict[str, float]] | None = None,
        touched: Callable[[str, Sequence[str] | None], None] = lambda agent, paths: None,
    ) -> None:
        self.writer = writer
        self.monitor = monitor
        self.touched = touched
        self.ingest = Ingest(writer, prices)
        self.watch = TranscriptWatch()
        self.vitals = VitalsWatch(writer)
        self.proposals = Proposals()
        self.counted: Callable[[set[str]], Awaitable[None]] = _nobody
        self._stale: set[str] = set()
        self._counted = 0
        self._followed = self._listed = 0
        self._sources: list[Source] = []
        self._measured: dict[str, int] = {}
        self._diffs: dict[str, Diff] = {}

    def mark(self, agents: Iterable[str]) -> None:
        """These agents' trees have changed: measure them soon."""
        self._stale.update(agents)

    def hear(self, report: Report) -> None:
        self._stale.update(report.changed)
        if report.changed:
            self._listed = 0  # who writes now is another one
            self.watch.changed.set()
        self._stale.update(event.agent for event in report.events)

    async def run(self) -> None:
        """Count without end, at once when a transcript grew; one that cannot be read now is tried again."""
        self.watch.start()
        try:
            await forever(self._next, GAP_SECONDS, "counting usage", log)
        finally:
            self.watch.stop()

    async def _next(self) -> None:
        """Everybody's transcripts each round, between rounds only those that have grown."""
        await self.watch.wait(max(0.0, self._pause() - (now_ms() - self._counted) / 1000))
        grown = self.watch.take()
        if now_ms() - self._counted >= self._pause() * 1000:
            await self.count()
        else:
            await self._scan([source for source in self._sources if source.agent in grown])

    def _pause(self) -> float:
        """Seconds between two rounds."""
        at_work = any(self.monitor.status(agent).state in WRITING for agent in self.monitor.agents)
        return ROUND_SECONDS if at_work else QUIET_SECONDS

    async def measure(self) -> None:
        """Measure trees without end, apart from counting: git may take its time."""
        await forever(self.round, ROUND_SECONDS, "measuring", log)

    async def count(self) -> None:
        """Bring usage up to what the transcripts hold now; `counted` hears whose numbers changed."""
        self._counted = now_ms()
        agents = list(self.monitor.agents.values())
        if now_ms() - self._followed >= FOLLOW_EVERY_MS:
            self._followed = now_ms()
            await self._follow(agents)
        self._sources = await self.writer.run(lambda conn: sources_of(conn, agents))
        self._sources += await self.proposals.look(self.writer, agents)
        await self._scan(self._sources)
        told = await self.vitals.look(agents, self.ingest.quotes)
        if told:
            await self.counted(told)
        if now_ms() - self._listed >= FILES_EVERY_MS:
            self._listed = now_ms()
            await asyncio.to_thread(self._list_files)

    async def _scan(self, sources: Sequence[Source]) -> None:
        changed = await self.ingest.scan(sources)
        if changed:
            await self.counted(changed)

    def _list_files(self) -> None:
        busy: dict[str, str] = {}
        quiet: dict[str, str] = {}
        for source in list(self._sources):
            writes = self.monitor.status(source.agent).state in WRITING
            (busy if writes else quiet).update(dict.fromkeys(usage_sources.files(source), source.agent))
        self.watch.follow(busy, quiet)

    async def _follow(self, agents: Sequence[Agent]) -> None:
        """Whoever shares a tree with another of its kind is left alone: nobody could say whose conversation it is."""
        homes = Counter((agent.harness, agent.worktree) for agent in agents if agent.life == "live")
        for agent in agents:
            harness = loader.get(agent.harness)
            if not harness.transcript.follow or homes[agent.harness, agent.worktree] != 1:
                continue
            taken = await self.writer.run(lambda conn, one=agent: conversations.of_others(conn, one))
            kept = await asyncio.to_thread(conversations.newer, harness, agent, taken)
            if kept is not None:
                await self.writer.run(lambda conn, one=agent.id, it=kept: conversations.enter(conn, one, it, now_ms()))

    async def round(self) -> None:
        agents = list(self.monitor.agents.values())
        self._forget({agent.id for agent in agents})
        for agent in agents:
            if self._due(agent):
                await self._diff(agent)

    def _forget(self, present: set[str]) -> None:
        """An agent that was removed is measured afresh when it comes back: what was stored of it went with it."""
        for gone in self._measured.keys() - present:
            self._measured.pop(gone)
            self._diffs.pop(gone, None)

    def _due(self, agent: Agent) -> bool:
        if not agent.worktree or agent.beside:
            return False
        age = now_ms() - self._measured.get(agent.id, 0)
        if agent.id in self._stale or agent.id not in self._measured:
            return age >= DIFF_EVERY_MS
        return self.monitor.status(agent.id).state == "working" and age >= DIFF_AT_LEAST_MS

    async def _diff(self, agent: Agent) -> None:
        self._stale.discard(agent.id)
        self._measured[agent.id] = now_ms()
        if not Path(agent.worktree).is_dir():
            self.touched(agent.id, ())
            return
        try:
            base = agent.base or agent.base_oid
            shown, paths = await asyncio.to_thread(worktrees.changes, agent.worktree, base, agent.repo)
        except AgentDeckError as error:
            log.info("no diff of %s: %s", agent.name, error.title)
            self.touched(agent.id, None)
            return
        self.touched(agent.id, paths)
        if self._diffs.get(agent.id) != shown:
            self._diffs[agent.id] = shown
            row = (agent.id, shown.files, shown.added, shown.removed, now_ms())
            await self.writer.run(lambda conn: conn.execute("INSERT OR REPLACE INTO diffs VALUES (?, ?, ?, ?, ?)", row))


def sources_of(conn: sqlite3.Connection, agents: Sequence[Agent]) -> list[Source]:
    """Where the transcripts of these agents are, all their sessions."""
    sessions: dict[str, list[tuple[str, str]]] = {}
    for row in conn.execute("SELECT agent, vendor_session, transcript FROM agent_sessions"):
        sessions.setdefault(row["agent"], []).append((row["vendor_session"], row["transcript"]))
    return [
        source
        for agent in agents
        for source in sources_for(agent, loader.get(agent.harness), sessions.get(agent.id, []))
    ]
