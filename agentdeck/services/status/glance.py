"""Statuses without an engine: one look at every source, the same pure verdict, and nothing written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from agentdeck import paths
from agentdeck.adapters import tmux
from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.pane import Pane
from agentdeck.models.status import Evidence, Status
from agentdeck.services import rows
from agentdeck.services.fleet import AgentRow
from agentdeck.services.status import evidence as ev
from agentdeck.services.status import probes
from agentdeck.services.status.monitor import strip
from agentdeck.services.status.verdict import verdict


def derive(conn: sqlite3.Connection, fleet: Iterable[AgentRow]) -> list[AgentRow]:
    """The rows with fresh statuses. Costs a process per live agent (4 ms each)."""
    alive = tmux.server_alive(paths.tmux_socket())
    panes = _panes() if alive else {}
    return [replace(row, status=_status(conn, row, panes, alive)) if row.agent.life == "live" else row for row in fleet]


def _panes() -> dict[str, Pane] | None:
    try:
        return tmux.panes_now(paths.tmux_socket())
    except tmux.TmuxError:
        return None


def _status(conn: sqlite3.Connection, row: AgentRow, panes: dict[str, Pane] | None, alive: bool) -> Status:
    agent, now = row.agent, now_ms()
    known = {
        e.source: e for e in map(rows.evidence, conn.execute("SELECT * FROM evidence WHERE agent = ?", (agent.id,)))
    }
    for found in _look(agent, panes, alive, now):
        known[found.source] = found if found.source == "hook" else ev.merge(known.get(found.source), found)
    grace = int(agent.pid_start * 1000 + loader.get(agent.harness).ready_seconds * 1000)
    return verdict(known.values(), now, row.status, grace)


def _look(agent: Agent, panes: dict[str, Pane] | None, alive: bool, now: int) -> list[Evidence]:
    pane = (panes or {}).get(agent.pane)
    if not alive or (panes is not None and (pane is None or pane.deck_id != agent.id)):
        return [ev.gone(now)]
    harness = loader.get(agent.harness)
    events, _ = probes.read_spool(agent.id, now / 1000)
    found = [e for e in (ev.from_hook(harness, event.payload, event.at) for event in events) if e is not None]
    file = probes.read_status_file(harness, agent)
    vendor = ev.from_status_file(harness, file, now) if file is not None else None
    if vendor is not None:
        found.append(vendor)
    return found + (_pane_evidence(agent, pane, now) if pane is not None else [])


def _pane_evidence(agent: Agent, pane: Pane, now: int) -> list[Evidence]:
    harness = loader.get(agent.harness)
    found = [ev.from_pane(pane, now)]
    if harness.titles:
        found.append(ev.from_title(harness, pane.title, now))
    if harness.process_status:
        found.append(ev.from_process(agent.argv, pane, now, None))
    if harness.patterns:
        try:
            shown = tmux.capture_now(paths.tmux_socket(), agent.pane, ansi=False)
        except tmux.TmuxError:
            return found
        found.append(ev.from_screen(harness, strip(shown), now))
    return found
