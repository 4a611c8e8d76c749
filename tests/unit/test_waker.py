"""What wakes a beat of the engine."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from agentdeck.engine.wake import Waker


@pytest.mark.parametrize("steps", range(5))
async def test_a_cancelled_wait_ends_though_a_wake_comes_at_the_same_moment(tmp_path: Path, steps: int) -> None:
    """An engine that is told to end while a hook file arrives must not beat on for ever."""
    waker = Waker(tmp_path / "wake", tmp_path)

    async def beats() -> None:
        while True:
            await waker.wait(1.0)

    task = asyncio.create_task(beats())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waker.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(task), 0.5)
    assert task.cancelled()
