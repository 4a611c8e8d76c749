"""Which changes of status a human is told of while away from the screen: each once, and never a storm of them.

Holds what was told, decides what is due; runs nothing and reads no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from agentdeck.models.status import State, Status

WORTH_TELLING: tuple[State, ...] = ("needs_input", "failed", "hung", "limited", "exited")
GATHER_MS = 1_000  # what changes within this time is told together, and what passes within it not at all
PAUSE_MS = 5_000  # between two notices
NAMED = 3  # agents named in one notice; more are counted
_WORDS: dict[State, str] = {
    "needs_input": "needs you", "failed": "failed", "hung": "hangs", "limited": "is at its limit",
    "exited": "has ended", "idle": "is idle",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notice:
    """What `notify_command` gets as its last two arguments."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Known:
    """An agent as the herald needs it. `wanted`: its end was asked for and is no news; `seen`: a human looks at it."""

    id: str
    name: str
    status: Status
    wanted: bool = False
    seen: bool = False


class Herald:
    """`look` at every status now and then; `due` gives the next notice, or None."""

    def __init__(self, states: Collection[str] = WORTH_TELLING) -> None:
        self._states = frozenset(states)
        self._told: dict[str, tuple[object, ...]] = {}
        self._waiting: dict[str, tuple[int, Known]] = {}
        self._last = -PAUSE_MS
        self._first = True

    def look(self, agents: Iterable[Known], now: int) -> None:
        """Note what is new. The first look is at what an earlier engine left: nothing of it is news."""
        seen = {agent.id: agent for agent in agents}
        for key in [key for key in self._told if key not in seen]:
            self._told.pop(key)
            self._waiting.pop(key, None)
        for key, agent in seen.items():
            mark = _mark(agent.status)
            if agent.seen or agent.wanted:
                self._waiting.pop(key, None)
            if self._told.get(key) == mark:
                continue
            self._told[key] = mark
            self._waiting.pop(key, None)
            if not self._first and agent.status.state in self._states and not agent.wanted and not agent.seen:
                self._waiting[key] = (now, agent)
        self._first = False

    def due(self, now: int) -> Notice | None:
        """One notice for all that has lasted for GATHER_MS, PAUSE_MS after the last one at the earliest."""
        if not self._waiting or now - self._last < PAUSE_MS:
            return None
        ripe = [agent for since, agent in self._waiting.values() if now - since >= GATHER_MS]
        if not ripe:
            return None
        for agent in ripe:
            del self._waiting[agent.id]
        self._last = now
        return notice(ripe)


def _mark(status: Status) -> tuple[object, ...]:
    """What makes a status another piece of news: a second question in a row is one, another reason for it is not."""
    return (status.state, status.ask.text if status.ask else "") if status.state == "needs_input" else (status.state,)


def notice(agents: list[Known]) -> Notice:
    """One agent in its own words, several in one line."""
    if len(agents) == 1:
        name, status = agents[0].name, agents[0].status
        return Notice(f"{name} {_WORDS.get(status.state, status.state)}", status.ask.text if status.ask else status.why)
    names = ", ".join(agent.name for agent in agents[:NAMED])
    more = f" and {len(agents) - NAMED} more" if len(agents) > NAMED else ""
    lines = (f"{agent.name} {_WORDS.get(agent.status.state, agent.status.state)}" for agent in agents)
    return Notice(f"{len(agents)} agents: {names}{more}", "\n".join(lines))
