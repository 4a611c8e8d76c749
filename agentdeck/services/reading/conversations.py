"""Which conversation of its client an agent goes on with: whether it is there, and which it is when nobody told."""

from __future__ import annotations

import glob
import os
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

from agentdeck.harnesses.readers import Kept, finder
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.services.lives import launch

if TYPE_CHECKING:
    from agentdeck.harnesses.schema import Harness


def exists(harness: Harness, agent: Agent) -> bool:
    """Whether there is something to resume: a client records nothing before its first prompt. Blocks."""
    resume, where = harness.start.resume, harness.transcript.path
    if not resume or (not agent.session and any("{session}" in word for word in resume)):
        return False
    known = {name: glob.escape(value) for name, value in launch.values(agent).items()}
    return not where or bool(glob.glob(launch.fill([where], known)[0]))


def found(harness: Harness, agent: Agent, taken: frozenset[str]) -> Agent:
    """The agent with the newest conversation of its tree since its start, if it knows none. Blocks.

    A client's hooks tell its session; this is for one whose hooks did not run. `taken` are other agents' sessions.
    """
    if agent.session or not harness.transcript.sessions:
        return agent
    since = int(agent.pid_start * 1000) or agent.created
    newest = finder(harness.transcript.sessions)(agent.config_home, os.path.realpath(agent.worktree), since, taken)
    return replace(agent, session=newest.session) if newest else agent


def newer(harness: Harness, agent: Agent, taken: frozenset[str]) -> Kept | None:
    """The conversation that an agent has gone on to while its client told nothing. Blocks. `taken` as in `found`."""
    if not harness.transcript.follow or agent.life != "live":
        return None
    since = int(agent.pid_start * 1000) or agent.created
    newest = finder(harness.transcript.sessions)(agent.config_home, os.path.realpath(agent.worktree), since, taken)
    return newest if newest and newest.session != agent.session else None


def enter(conn: sqlite3.Connection, agent: str, kept: Kept, at: int, *, begins: bool = False) -> None:
    """Note that the agent held this conversation at `at` (UTC ms): it is its current one if it is new, or `begins`."""
    known = conn.execute(
        "INSERT INTO agent_sessions (agent, vendor_session, transcript, started) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (agent, vendor_session) DO UPDATE SET transcript = excluded.transcript "
        "WHERE excluded.transcript != '' AND transcript != excluded.transcript",
        (agent, kept.session, kept.transcript, at),
    )
    if known.rowcount or begins:
        change = "UPDATE agents SET session = ? WHERE id = ? AND session != ?"
        if conn.execute(
            change, (kept.session, agent, kept.session)
        ).rowcount:  # what filled the last one is not in this
            conn.execute("DELETE FROM context WHERE agent = ?", (agent,))


def of_others(conn: sqlite3.Connection, agent: Agent) -> frozenset[str]:
    """The sessions that agents other than this one have or had."""
    query = "SELECT vendor_session FROM agent_sessions WHERE agent != ?"
    return frozenset(row[0] for row in conn.execute(query, (agent.id,)))


def remember(conn: sqlite3.Connection, agent: Agent) -> None:
    """Enter the agent's session, if it has one."""
    if agent.session:
        conn.execute(
            "INSERT OR IGNORE INTO agent_sessions (agent, vendor_session, started) VALUES (?, ?, ?)",
            (agent.id, agent.session, now_ms()),
        )
