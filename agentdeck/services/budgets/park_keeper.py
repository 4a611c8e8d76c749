"""Parks agents that share a usage limit or an outage, tells of it once, and has them go on when it is over."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping

from agentdeck.adapters.database.store import Writer
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.status import Status
from agentdeck.services import rows
from agentdeck.services.budgets.budgets import AT_WORK
from agentdeck.services.budgets.parking import Key, Member, Park, parks
from agentdeck.services.delivery import deliveries
from agentdeck.services.status.monitor import Monitor
from agentdeck.services.status.verdict import over_at

RESUMING_MS = 60_000  # so long an agent that was told to go on may take to begin


class ParkKeeper:
    """`look` on each beat. `told` hears of each park once; `resume` is the text an agent gets at its limit's reset.

    Clients that go on by themselves at the reset are working by then and get none.
    """

    def __init__(self, writer: Writer, monitor: Monitor, resume: str, told: Callable[[Park], None]) -> None:
        self.writer = writer
        self.monitor = monitor
        self.resume = resume
        self.told = told
        self.parks: dict[Key, Park] = {}
        self._why: dict[str, str] = {}
        self._limited: dict[str, int] = {}  # agent -> when its limit resets
        self._resuming: dict[str, int] = {}

    def holds(self, agent: str) -> str:
        """Why an agent is handed nothing, '' when something may be."""
        return self._why.get(agent, "")

    def hushed(self, agent: str) -> bool:
        """Whether an agent's own trouble is no news: it is part of what was told of all."""
        return any(agent in park.seen for park in self.parks.values())

    def pauses(self, agent: str) -> bool:
        """Whether an agent that rests is about to go on with what the limit cut short."""
        return agent in self._resuming

    async def look(self) -> None:
        now, everybody = now_ms(), [a for a in self.monitor.agents.values() if a.life == "live" and not a.beside]
        found = parks(members(everybody, self.monitor), self.parks, now)
        new = [park for key, park in found.items() if key not in self.parks]
        over = [park for key, park in self.parks.items() if key not in found]
        why = {agent: park.words for park in found.values() for agent in park.parked}
        changed = why != self._why
        self.parks, self._why = found, why
        again = self._reset(everybody, now)
        if changed or again or over:
            await self.writer.run(lambda conn: _store(conn, why, new, over, again, self.resume))
        for park in new:
            self.told(park)

    def _reset(self, everybody: Iterable[Agent], now: int) -> list[str]:
        """Agents whose limit has reset and who did not go on by themselves; each is named once."""
        again, present = [], set[str]()
        for agent in everybody:
            present.add(agent.id)
            status = self.monitor.status(agent.id)
            if status.state == "limited" and status.until:
                self._limited[agent.id] = status.until
            elif status.state == "idle" and now >= over_at(self._limited.get(agent.id, now)):
                again.append(agent.id)
                self._limited.pop(agent.id)
                self._resuming[agent.id] = now
            elif status.state != "unknown":
                self._limited.pop(agent.id, None)
            if status.state in AT_WORK or now - self._resuming.get(agent.id, now) > RESUMING_MS:
                self._resuming.pop(agent.id, None)
        for gone in self._limited.keys() | self._resuming.keys():
            if gone not in present:
                self._limited.pop(gone, None)
                self._resuming.pop(gone, None)
        if not self.resume:
            self._resuming.clear()
        return again if self.resume else []


def members(agents: Iterable[Agent], monitor: Monitor) -> list[Member]:
    return [_member(agent, monitor.status(agent.id)) for agent in agents]


def _member(agent: Agent, status: Status) -> Member:
    return Member(agent.id, agent.harness, agent.config_home or agent.home, status)


def _store(
    conn: sqlite3.Connection, why: Mapping[str, str], new: Iterable[Park], over: Iterable[Park],
    again: Iterable[str], text: str,
) -> None:  # fmt: skip
    conn.execute("DELETE FROM parked")
    conn.executemany("INSERT INTO parked VALUES (?, ?)", why.items())
    for park in new:
        rows.event(conn, now_ms(), "park", action="begin", why=park.words, agents=list(park.parked), until=park.until)
    for park in over:
        rows.event(conn, now_ms(), "park", action="end", why=park.words, agents=list(park.parked))
    last = "SELECT outcome FROM attempts WHERE agent = ? ORDER BY started DESC, n DESC LIMIT 1"
    for agent in again:
        row = conn.execute(last, (agent,)).fetchone()
        if row is None or row["outcome"] != "limited":  # what it did has gone to the next harness of its niche
            deliveries.add(conn, agent, text, kind="resume")
