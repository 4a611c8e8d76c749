"""Who needs a human, since when, why, and whether one has seen it: the same for every dashboard and command.

What is needed follows from the statuses; that it was seen, and that a bell has told of it, are facts kept in the
`attention` table, one row an agent, about the wait that stands there. Another wait is a new one: nobody has seen it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.clock import iso
from agentdeck.models.status import State, Status

if TYPE_CHECKING:
    from agentdeck.services.fleet import AgentRow

NEEDS_YOU: tuple[State, ...] = ("needs_input", "failed", "hung", "limited")  # the most urgent first


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait of an agent for a human: since when (UTC ms), in which state, and what exactly is asked, if known.

    `ask` is '' as long as only a dialog is seen and not the request behind it: the request then is no new wait.
    """

    state: str
    since: int
    ask: str = ""

    def same(self, other: Wait) -> bool:
        if (self.state, self.since) != (other.state, other.since):
            return False
        return not self.ask or not other.ask or self.ask == other.ask


def wait_of(status: Status) -> Wait | None:
    """The wait that a status is, None when it needs nobody."""
    if status.state not in NEEDS_YOU:
        return None
    ask = status.ask
    return Wait(status.state, status.since, f"{ask.tool}\n{ask.text}\n{ask.detail}" if ask and ask.tool else "")


def needing(rows: Iterable[AgentRow]) -> tuple[AgentRow, ...]:
    """The agents that need a human, the most urgent kind first, of a kind the one that waits longest first."""
    found = [row for row in rows if row.status.state in NEEDS_YOU and not row.agent.beside]
    return tuple(sorted(found, key=lambda row: (NEEDS_YOU.index(row.status.state), row.status.since, row.agent.name)))


def reason(row: AgentRow) -> str:
    """Why, in one line: the tool with its input, the question, or how its source put it."""
    status, ask = row.status, row.status.ask
    if ask is None:
        return status.why
    said = ask.tool and ask.detail and ask.tool not in ask.text  # such as "Run this command?", which says little
    return " ".join((f"{ask.tool}: {ask.detail}" if said else ask.text).split())


# -- what was seen and told


@dataclass(frozen=True, slots=True)
class Noted:
    """A wait, when somebody saw it and when a bell told of it (UTC ms, 0: not yet)."""

    wait: Wait
    seen: int = 0
    rung: int = 0


def load(conn: sqlite3.Connection) -> dict[str, Noted]:
    """What is noted, by agent."""
    found = conn.execute("SELECT * FROM attention")
    return {r["agent"]: Noted(Wait(r["state"], r["since"], r["ask"]), r["seen"], r["rung"]) for r in found}


def seen_at(noted: Noted | None, status: Status) -> int:
    """When a human saw what this status waits for (UTC ms), 0 when nobody has or it waits for nobody."""
    now = wait_of(status)
    return noted.seen if noted is not None and now is not None and now.same(noted.wait) else 0


def see(conn: sqlite3.Connection, agent: str, status: Status, now: int) -> bool:
    """Note that a human has seen what the agent waits for; whether that is news."""
    return _note(conn, agent, status, seen=now, rung=now)


def ring(conn: sqlite3.Connection, agents: Iterable[tuple[str, Status]], now: int) -> bool:
    """Claim the bell for these waits: whether any of them has been neither told nor seen by anybody yet."""
    told = [_note(conn, agent, status, rung=now) for agent, status in agents]  # all of them, not up to the first
    return any(told)


def _note(conn: sqlite3.Connection, agent: str, status: Status, *, rung: int, seen: int = 0) -> bool:
    """Note it of the wait that stands there; False when that was known, or the agent waits for nobody."""
    wait = wait_of(status)
    if wait is None:
        return False
    row = conn.execute("SELECT * FROM attention WHERE agent = ?", (agent,)).fetchone()
    old = Noted(Wait(row["state"], row["since"], row["ask"]), row["seen"], row["rung"]) if row else None
    if old is not None and not wait.same(old.wait):
        old = None
    known = old is not None and bool(old.seen if seen else old.rung)
    if not known or (old is not None and wait.ask and not old.wait.ask):
        conn.execute(
            "INSERT OR REPLACE INTO attention (agent, state, since, ask, seen, rung) VALUES (?, ?, ?, ?, ?, ?)",
            (agent, wait.state, wait.since, wait.ask or (old.wait.ask if old else ""),
             (old.seen if old else 0) or seen, (old.rung if old else 0) or rung),
        )  # fmt: skip
    return not known


def note_seen(agents: Sequence[tuple[str, Status]], now: int) -> None:
    """The same on a connection of its own. Blocks for a few ms: a view calls it in a thread."""
    with contextlib.closing(store.write(paths.database_file())) as conn, store.transaction(conn):
        for agent, status in agents:
            see(conn, agent, status, now)


def claim_bell(agents: Sequence[tuple[str, Status]], now: int) -> bool:
    """`ring` on a connection of its own."""
    with contextlib.closing(store.write(paths.database_file())) as conn, store.transaction(conn):
        return ring(conn, agents, now)


def as_json(row: AgentRow) -> dict[str, object]:
    """One entry of `agentdeck attention --json`."""
    from agentdeck.services.fleet import status_json

    agent = row.agent
    return {
        "id": agent.id, "name": agent.name, "harness": agent.harness, "team": agent.team, "hidden": row.hidden,
        "why": reason(row), "seen": iso(row.seen) if row.seen else None, "status": status_json(row.status),
    }  # fmt: skip
