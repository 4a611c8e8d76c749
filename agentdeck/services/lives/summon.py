"""Starts the engine when none is alive: in a hidden window of our own tmux server."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.errors import AgentDeckError
from agentdeck.models.clock import now_ms
from agentdeck.services.fleet import EngineNote, engine_note
from agentdeck.services.lives import environment

START_SECONDS = 15.0


def look() -> EngineNote:
    """The engine's heartbeat as the database has it. Blocks for under a millisecond."""
    conn = store.read(paths.database_file())
    if conn is None:
        return EngineNote()
    with contextlib.closing(conn):
        return engine_note(conn, now_ms())


async def ensure_engine() -> None:
    """Return once an engine beats; start one when none does. Safe to race: the lock decides.

    Whoever calls it lends its environment to the agents that the engine starts by itself.
    """
    await asyncio.to_thread(environment.lend)
    if (await asyncio.to_thread(look)).alive:
        return
    await asyncio.to_thread(_start)
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if (await asyncio.to_thread(look)).alive:
            return
        await asyncio.sleep(0.05)
    raise AgentDeckError("the engine did not start", f"Its log says why: {paths.log_file('engine')}")


def _start() -> None:
    from agentdeck import config
    from agentdeck.adapters import tmux  # libtmux: 68 ms

    tmux.version()
    config.load()  # an engine would fail over a malformed one where nobody sees it
    tmux.ensure_server(paths.tmux_socket(), paths.tmux_conf())
    tmux.spawn_hidden(paths.tmux_socket(), "engine", [sys.executable, "-P", "-m", "agentdeck", "engine"])
