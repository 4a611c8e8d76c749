"""Whose a response is: agent by session and time, task and attempt by what that agent was running."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

UNKNOWN_START = 1 << 62
LATE_MS = 60_000  # what an agent's client still writes when the agent has ended


@dataclass(frozen=True, slots=True)
class Owner:
    """Empty and 0 where nothing of ours was running."""

    agent: str = ""
    task: int = 0
    attempt: int = 0
    repo: str = ""


class Owners:
    """What the database says of agents, sessions and attempts, read once for one batch."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._agents = {row[0]: (row[1], row[2]) for row in conn.execute("SELECT id, created, repo FROM agents")}
        self._sessions: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for session, started, agent in conn.execute("SELECT vendor_session, started, agent FROM agent_sessions"):
            self._sessions[session].append((started, agent))
        self._attempts: dict[str, list[tuple[int, int, int, int]]] = defaultdict(list)
        for row in conn.execute("SELECT agent, started, ended, task, n FROM attempts ORDER BY started DESC"):
            self._attempts[row[0]].append(tuple(row[1:]))
        self._trees = {
            row[0].rstrip("/"): (row[1], row[2], row[3])
            for row in conn.execute("SELECT worktree, id, created, ended FROM agents WHERE NOT here ORDER BY created")
        }
        self._nobody: dict[str, Owner] = {}

    def add(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Sessions of agents that nothing has recorded yet, as (session, agent)."""
        for session, agent in pairs:
            if agent and agent in self._agents and all(known != agent for _, known in self._sessions[session]):
                self._sessions[session].append((self._agents[agent][0], agent))

    def started(self, session: str) -> int:
        """When the deck first knew this session, so that the earlier of two can be told."""
        return min((started for started, _ in self._sessions.get(session, ())), default=UNKNOWN_START)

    def find(self, session: str, ts: int, repo: str, cwd: str = "") -> Owner:
        """The owner of what `session` used at `ts` (ms). `repo` is where it happened if no agent of ours did it."""
        agent = self._agent(session, ts) if session in self._sessions else self._dweller(cwd, ts)
        if not agent:
            found = self._nobody.get(repo)
            if found is None:
                found = self._nobody[repo] = Owner(repo=repo)
            return found
        for started, ended, task, n in self._attempts.get(agent, ()):
            if started <= ts and (not ended or ts <= ended):
                return Owner(agent, task, n, self._agents[agent][1])
        return Owner(agent, repo=self._agents[agent][1])

    def _dweller(self, cwd: str, ts: int) -> str:
        """The agent whose own work tree `cwd` lies in, for a session that nobody has told of: '' when it is none's."""
        place = cwd.rstrip("/") if self._trees else ""
        while place:
            if place in self._trees:
                agent, created, ended = self._trees[place]
                return agent if created <= ts and (not ended or ts <= ended + LATE_MS) else ""
            place = place.rpartition("/")[0]
        return ""

    def _agent(self, session: str, ts: int) -> str:
        """The last agent to have taken the session up by then; what is older than all of them is somebody else's."""
        known = [(started, agent) for started, agent in self._sessions.get(session, ()) if agent in self._agents]
        taken = [pair for pair in known if pair[0] <= ts]
        if taken:
            return max(taken)[1]
        first = min(known, default=None)  # its start may have been recorded late
        return first[1] if first and ts >= self._agents[first[1]][0] else ""
