"""Ending the whole deck on purpose: agents first, then the engine, then our tmux server."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters import processes, tmux, verify_run
from agentdeck.adapters.database import store
from agentdeck.errors import AgentDeckError
from agentdeck.services import requests, rows
from agentdeck.services.lives import summon

STOP_SECONDS = 30.0
ENGINE_SECONDS = 10.0


async def halt(socket: Path) -> None:
    """Stop checks and every live agent, tell the engine to end, and end the tmux server. What is kept is kept."""
    live = await asyncio.to_thread(_live)
    if live:
        await summon.ensure_engine()
        await requests.ask("halt", timeout=STOP_SECONDS)
        done = await asyncio.gather(
            *(requests.ask("stop", agent, timeout=STOP_SECONDS) for agent in live), return_exceptions=True
        )
        failed = [found for found in done if isinstance(found, AgentDeckError)]
        if failed:
            raise failed[0]
    await _end_engine()
    await asyncio.to_thread(_end_checks)
    await asyncio.to_thread(tmux.kill_server, socket)


def _end_checks() -> None:
    """Verify commands go on without an engine; the next one begins them anew."""
    for place in (paths.state_dir() / "verify").glob("*"):
        verify_run.end(place)


def _live() -> list[str]:
    conn = store.read(paths.database_file())
    if conn is None:
        return []
    with contextlib.closing(conn):
        return [agent.id for agent in rows.agents(conn) if agent.life == "live"]


def _engine_process() -> processes.Process | None:
    conn: sqlite3.Connection | None = store.read(paths.database_file())
    if conn is None:
        return None
    with contextlib.closing(conn):
        row = conn.execute("SELECT pid, pid_start FROM engine").fetchone()
        return processes.Process(row["pid"], row["pid_start"]) if row and row["pid"] else None


async def _end_engine() -> None:
    engine = await asyncio.to_thread(_engine_process)
    if engine is None:
        return
    await asyncio.to_thread(processes.send, [engine], signal.SIGTERM)
    deadline = asyncio.get_running_loop().time() + ENGINE_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if not await asyncio.to_thread(processes.alive, engine):
            return
        await asyncio.sleep(0.05)
