"""What the dashboard asks the database for, now and then: each opens it, reads, closes it; run in a thread."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.clock import now_ms
from agentdeck.models.delivery import Delivery
from agentdeck.services import away as absences
from agentdeck.services import fleet as fleets
from agentdeck.services.usage.stats import AgentStats, agent_stats

if TYPE_CHECKING:
    from agentdeck.models.trash import TrashEntry
    from agentdeck.services.trees.loss_report import Report
    from agentdeck.services.usage.usage_view import By, Quarters, Span, UsageView

CONFIRMED_MS = 4_000  # a status that was looked at within this time is of now


def stats(agent: str) -> AgentStats:
    """What one agent used; nothing where there is no database yet."""
    conn = store.read(paths.database_file())
    if conn is None:
        return AgentStats()
    with contextlib.closing(conn):
        return agent_stats(conn, agent, now_ms())


def usage_view(by: By, span: Span, quarters: Quarters) -> tuple[UsageView, int]:
    """All of the usage screen, and the lines that landed tasks merged. Asks git for these."""
    from agentdeck.services.budgets import budget_report
    from agentdeck.services.queue import merged
    from agentdeck.services.usage import usage_view

    conn, now = store.read(paths.database_file()), now_ms()
    if conn is None:
        return usage_view.load(None, by, span, now), 0
    with contextlib.closing(conn):
        view = replace(usage_view.load(conn, by, span, now, quarters), budgets=budget_report.standings(conn))
    return view, merged.lines(view.outcome.landed)


def loss(agent: str) -> Report:
    """What removing an agent would take away. Asks git: 100 ms and more."""
    from agentdeck.services.trees import loss_report

    with contextlib.closing(store.write(paths.database_file())) as conn:
        return loss_report.describe(conn, agent)


def trash() -> list[TrashEntry]:
    """What can be brought back, newest first."""
    from agentdeck.services.trash import trash_rows

    with contextlib.closing(store.write(paths.database_file())) as conn:
        return [entry for entry in trash_rows.held(conn) if entry.state == "trashed"]


def away(view: str, since: int) -> tuple[absences.Absence, bool]:
    """The absence, and whether the statuses it rests on are of this moment."""
    now, conn = now_ms(), store.read(paths.database_file())
    if conn is None:
        return absences.Absence(since, now), False
    with contextlib.closing(conn):
        fleet = fleets.load(conn, view, now)
        checked = [row.status.checked for row in fleet.agents if row.agent.life == "live"]
        fresh = fleet.engine.alive and all(now - at < CONFIRMED_MS for at in checked)
        return absences.load(conn, fleet.rows, since, now), fresh


def receipt(delivery: str) -> tuple[str, str]:
    """State and reason of a delivery; empty when there is none of that id."""
    conn = store.read(paths.database_file())
    if conn is None:
        return "", ""
    with contextlib.closing(conn):
        row = conn.execute("SELECT state, reason FROM deliveries WHERE id = ?", (delivery,)).fetchone()
        return (row["state"], row["reason"]) if row else ("", "")


def waiting(agents: frozenset[str]) -> list[Delivery]:
    """The texts that wait for these agents and can be taken back, oldest first."""
    from agentdeck.services.delivery import deliveries

    conn = store.read(paths.database_file())
    if conn is None:
        return []
    with contextlib.closing(conn):
        return [one for one in deliveries.pending(conn) if one.agent in agents and one.kind != "task"]
