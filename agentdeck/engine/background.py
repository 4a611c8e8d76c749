"""The engine of a hidden window: until it is not needed, or told to end."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from logging.handlers import RotatingFileHandler

from agentdeck import paths
from agentdeck.adapters import tmux
from agentdeck.adapters.database.store import EpochLost
from agentdeck.engine.engine import Engine

log = logging.getLogger("agentdeck.engine")


def log_to_file(name: str) -> None:
    """Log below the state directory, rotated at 1 MB."""
    file = paths.log_file(name)
    paths.make_private(file.parent)
    handler = RotatingFileHandler(file, maxBytes=1_000_000, backupCount=2)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger("agentdeck").setLevel(logging.INFO)


def on_end_signals(tell: Callable[[], None]) -> None:
    """Call `tell` on the loop when a signal asks this process to end."""
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(signum, tell)


async def run_background() -> int:
    """Returns the exit code; 0 at once when another engine lives."""
    log_to_file("engine")
    try:
        engine = Engine(background=True)
        if not await engine.start():
            return 0
    except Exception:  # the boundary: nobody sees the hidden window's last words
        log.exception("the engine could not start")
        raise
    on_end_signals(engine.ended.set)
    await engine.ended.wait()
    unneeded = engine.failure is None and engine.unneeded
    await engine.stop()
    if unneeded and not any(not pane.dead for pane in await asyncio.to_thread(tmux.survivors, paths.tmux_socket())):
        await asyncio.to_thread(tmux.kill_server, paths.tmux_socket())  # never with a program that no row knows of
    return 0 if engine.failure is None or isinstance(engine.failure, EpochLost) else 1
