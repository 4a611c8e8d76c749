"""`agentdeck run`: the engine in the foreground. It follows an engine that lives and takes over when that ends."""

from __future__ import annotations

import asyncio
import contextlib

from agentdeck import paths
from agentdeck.adapters import tmux
from agentdeck.adapters.database import store
from agentdeck.engine.background import log_to_file, on_end_signals
from agentdeck.engine.engine import Engine
from agentdeck.errors import AgentDeckError

LOOK_SECONDS = 0.25


async def run_foreground(seconds: float | None, until_empty: bool) -> int:
    """Exit code 0 when the end condition is reached, 130 when a signal ended it."""
    log_to_file("run")
    deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
    await asyncio.to_thread(tmux.ensure_server, paths.tmux_socket(), paths.tmux_conf())
    await asyncio.to_thread(lambda: store.write(paths.database_file()).close())
    told = asyncio.Event()  # to end, by a signal: while it follows as well as while it leads
    on_end_signals(told.set)
    while not told.is_set():
        engine = Engine(background=False)
        if await engine.start():
            try:
                reached = await _until(engine, told, deadline, until_empty)
            finally:
                await engine.stop()
            if reached or engine.failure is None:
                return 0 if reached else 130
            if not isinstance(engine.failure, store.EpochLost):
                raise AgentDeckError(
                    f"the engine failed: {engine.failure}", f"Its log has the story: {paths.log_file('run')}"
                )
        elif await _reached(deadline, until_empty):
            return 0
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), LOOK_SECONDS)
    return 130


async def _until(engine: Engine, told: asyncio.Event, deadline: float | None, until_empty: bool) -> bool:
    """Whether the end condition came before a signal and the engine's own end."""
    while not engine.ended.is_set() and not told.is_set():
        if await _reached(deadline, until_empty):
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(engine.ended.wait(), LOOK_SECONDS)
    return False


async def _reached(deadline: float | None, until_empty: bool) -> bool:
    if deadline is not None and asyncio.get_running_loop().time() >= deadline:
        return True
    return until_empty and not await asyncio.to_thread(_open_tasks)


def _open_tasks() -> int:
    conn = store.read(paths.database_file())
    if conn is None:
        return 0
    with contextlib.closing(conn):
        row = conn.execute("SELECT COUNT(*) FROM tasks WHERE state IN ('queued', 'running', 'verifying')").fetchone()
        return int(row[0])
