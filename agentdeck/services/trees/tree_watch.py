"""Keeps the stored state of every worktree true: soon after its agent did something, else every few seconds."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import astuple

from agentdeck.adapters.database.store import Writer
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.tree import TreeState
from agentdeck.services import rows
from agentdeck.services.rounds import forever
from agentdeck.services.status.monitor import Monitor, Report
from agentdeck.services.trees import trees

log = logging.getLogger("agentdeck.trees")
ROUND_SECONDS = 0.5
BUSY_MS, QUIET_MS = 2_000, 5_000  # between looks at one repository: with something heard from its agents, without


def load(conn: sqlite3.Connection) -> dict[str, TreeState]:
    """What is stored, by agent."""
    return {row["agent"]: rows.tree(row) for row in conn.execute("SELECT * FROM trees")}


class TreeWatch:
    """`hear` marks whose tree may have changed, `run` looks in rounds; `moved` is told whose commit is another one."""

    def __init__(self, writer: Writer, monitor: Monitor, moved: Callable[[Collection[str]], None]) -> None:
        self.writer = writer
        self.monitor = monitor
        self.moved = moved
        self.states: dict[str, TreeState] | None = None
        self._heard: set[str] = set()  # repositories
        self._looked: dict[str, int] = {}

    def hear(self, report: Report) -> None:
        ids = {*report.changed, *(event.agent for event in report.events)}
        self._heard |= {agent.repo for key in ids if (agent := self.monitor.agents.get(key)) is not None}

    async def run(self) -> None:
        """Rounds without end; what cannot be seen now is looked at again, and ends no engine."""
        await forever(self.round, ROUND_SECONDS, "looking at worktrees", log)

    async def round(self) -> None:
        if self.states is None:
            self.states = await self.writer.run(load)
        everybody = [agent for agent in self.monitor.agents.values() if not agent.beside]
        for repo in {agent.repo for agent in everybody}:
            if now_ms() - self._looked.get(repo, 0) >= (BUSY_MS if repo in self._heard else QUIET_MS):
                self._heard.discard(repo)
                self._looked[repo] = now_ms()
                await self._look([agent for agent in everybody if agent.repo == repo])

    async def _look(self, agents: Sequence[Agent]) -> None:
        seen = await asyncio.to_thread(trees.look, agents)
        await self._follow(await asyncio.to_thread(trees.moved_repositories, agents, seen))
        states = self.states or {}
        found = {
            agent.id: trees.judge(agent, seen[agent.id], states.get(agent.id, TreeState()))
            for agent in agents
            if agent.id in seen
        }
        news = {key: state for key, state in found.items() if state != states.get(key)}
        if news:
            await self.writer.run(lambda conn: _store(conn, news, states))
            self.moved([key for key in news if news[key].head != states.get(key, TreeState()).head])
            self.states = {**states, **news}

    async def _follow(self, moved: dict[str, str]) -> None:
        """A repository that has moved: its trees say where, so its agents go with it."""
        for agent, repo in moved.items():
            await self.writer.run(lambda conn, agent=agent, repo=repo: _move(conn, agent, repo))


def _store(conn: sqlite3.Connection, news: dict[str, TreeState], before: dict[str, TreeState]) -> None:
    known = {row[0] for row in conn.execute("SELECT id FROM agents WHERE life != 'removed'")}
    for key, state in news.items():
        if key not in known:  # removed meanwhile
            continue
        conn.execute("INSERT OR REPLACE INTO trees VALUES (?, ?, ?, ?, ?, ?, ?)", (key, *astuple(state), now_ms()))
        if state.note and state.note != before.get(key, TreeState()).note:
            rows.event(conn, now_ms(), "tree", key, trouble=state.trouble, note=state.note)


def _move(conn: sqlite3.Connection, agent: str, repo: str) -> None:
    rows.update(conn, "agents", "id", agent, repo=repo)
    rows.event(conn, now_ms(), "tree", agent, trouble="", note=f"its repository is in {repo} now")
