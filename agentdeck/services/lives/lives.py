"""What the rows of an agent say at each turn of its life; every function runs inside the caller's transaction."""

from __future__ import annotations

import secrets
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentdeck.errors import UsageError
from agentdeck.models.agent import Agent
from agentdeck.models.budget import UNLIMITED, Amounts, Budget
from agentdeck.models.clock import now_ms
from agentdeck.models.status import Status
from agentdeck.services import rows
from agentdeck.services.budgets import budget_rows
from agentdeck.services.delivery import deliveries
from agentdeck.services.lives import launch
from agentdeck.services.reading import conversations

if TYPE_CHECKING:
    from agentdeck.harnesses.schema import Harness


@dataclass(frozen=True, slots=True)
class Order:
    """What `new` asks for. `args` go to the client's command line; for `shell` they are the command."""

    name: str
    harness: str
    repo: str
    base: str = ""
    here: bool = False
    model: str = ""
    team: str = ""
    prompt: str = ""
    args: tuple[str, ...] = ()
    session: str = ""  # a conversation to go on with, in the very directory `repo` (`here`)
    limits: Amounts = Amounts()  # its budget
    beside: str = ""  # the id of the agent in whose worktree a companion is opened; `repo` is that worktree
    setup: str = "ask"  # ask: only when approved before; approve[:DIGEST]: approve the text (of that digest); skip


def reserve(conn: sqlite3.Connection, order: Order, harness: Harness, repo: str, environ: Mapping[str, str]) -> Agent:
    """Take the name, in the state `creating`: a second request for it fails, and a crash leaves a trace."""
    taken = conn.execute("SELECT id FROM agents WHERE name = ? AND life != 'removed'", (order.name,)).fetchone()
    if taken:
        raise UsageError(f"an agent is called '{order.name}' already", "Choose another name, or remove that one first.")
    argv = order.args
    if harness.own_command and not argv:
        argv = (environ.get("SHELL") or "/bin/sh",)
    agent = Agent(
        id=secrets.token_hex(4), name=order.name, harness=order.harness, repo=repo, worktree="", branch="",
        base=order.base, base_oid="", life="creating", model=order.model, team=order.team, here=order.here,
        beside=order.beside, argv=tuple(argv), created=now_ms(),
        session=order.session or (str(uuid.uuid4()) if harness.start.session_ids else ""),
        home=environ.get("HOME", str(Path.home())), config_home=launch.config_home(harness, environ),
    )  # fmt: skip
    rows.insert(conn, "agents", rows.agent_columns(agent))
    return agent


def born(conn: sqlite3.Connection, agent: Agent, prompt: str, harness: Harness, limits: Amounts = UNLIMITED) -> None:
    columns = rows.agent_columns(agent)
    columns.pop("id")
    rows.update(conn, "agents", "id", agent.id, **columns)
    conversations.remember(conn, agent)
    if limits:
        budget_rows.put(conn, Budget("agent", agent.id, limits))
    rows.event(conn, now_ms(), "agent", agent.id, action="new", name=agent.name, harness=agent.harness)
    if prompt.strip():
        deliveries.add(conn, agent.id, prompt, kind="prompt")


def resumed(conn: sqlite3.Connection, agent: Agent, columns: dict[str, object], began: int) -> None:
    """What was known of its last life goes; what it has reported since this one `began` (UTC ms) stays."""
    rows.update(conn, "agents", "id", agent.id, **columns)
    conversations.remember(conn, agent)
    conn.execute("DELETE FROM evidence WHERE agent = ? AND changed < ?", (agent.id, began))
    conn.execute("DELETE FROM status WHERE agent = ?", (agent.id,))
    rows.event(conn, now_ms(), "agent", agent.id, action="resume")


def ended(conn: sqlite3.Connection, agent_id: str) -> None:
    rows.update(conn, "agents", "id", agent_id, life="stopped", ended=now_ms())
    rows.event(conn, now_ms(), "agent", agent_id, action="stop")


def removed(conn: sqlite3.Connection, agent: Agent, **told: object) -> None:
    """Its name is free again. Which views hide it is kept for the day it comes back."""
    rows.update(conn, "agents", "id", agent.id, life="removed", pane="", window="", ended=agent.ended or now_ms())
    conn.execute(
        "UPDATE deliveries SET state = 'refused', reason = 'its agent was removed', settled = ? "
        "WHERE agent = ? AND state = 'queued'",
        (now_ms(), agent.id),
    )
    for table in ("status", "evidence", "diffs", "context", "trees", "disk_use"):
        conn.execute(f"DELETE FROM {table} WHERE agent = ?", (agent.id,))
    rows.event(conn, now_ms(), "agent", agent.id, action="remove", name=agent.name, branch=agent.branch, **told)


def present(conn: sqlite3.Connection, agent_id: str) -> bool:
    """Whether the agent is in the deck, running or not."""
    return conn.execute("SELECT 1 FROM agents WHERE id = ? AND life != 'removed'", (agent_id,)).fetchone() is not None


def returned(conn: sqlite3.Connection, agent: Agent, branch: str, **told: object) -> None:
    """Back from the trash: exited, as it was."""
    rows.update(conn, "agents", "id", agent.id, life="stopped", branch=branch)
    status = Status("exited", "tmux", agent.ended, "back from the trash", checked=now_ms())
    columns = {"agent": agent.id, **rows.status_columns(status), "epoch": 0}
    rows.insert(conn, "status", columns, verb="INSERT OR REPLACE")
    rows.event(conn, now_ms(), "agent", agent.id, action="undo", name=agent.name, branch=branch, **told)


def approve(conn: sqlite3.Connection, digest: str, text: str) -> None:
    conn.execute("INSERT OR REPLACE INTO approvals VALUES (?, 'setup', ?, ?)", (digest, text, now_ms()))


def approved(conn: sqlite3.Connection, digest: str) -> bool:
    return conn.execute("SELECT 1 FROM approvals WHERE hash = ? AND kind = 'setup'", (digest,)).fetchone() is not None
