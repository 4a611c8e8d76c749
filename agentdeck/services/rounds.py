"""Work that comes round again and again for as long as the engine lives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from agentdeck.adapters.database.store import EpochLost
from agentdeck.errors import AgentDeckError


async def once(work: Callable[[], Awaitable[object]], what: str, log: logging.Logger) -> None:
    """Do `work`; when it fails that is logged as `what`, and ends no engine.

    Only EpochLost is raised: another engine is in charge by then.
    """
    try:
        await work()
    except EpochLost:
        raise
    except AgentDeckError as error:
        log.warning("%s failed: %s", what, error.title)
    except Exception:  # the boundary
        log.exception("%s failed", what)


async def forever(work: Callable[[], Awaitable[object]], seconds: float, what: str, log: logging.Logger) -> None:
    """Do `work` as `once` does, wait `seconds`, without end: what failed is tried again in the next round."""
    while True:
        await once(work, what, log)
        await asyncio.sleep(seconds)
