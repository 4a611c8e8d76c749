"""Milliseconds until the terminal shows it: a key that moves the focus, and what an agent writes.

The terminal is asked every two milliseconds by a control client of its own, which adds about one to each figure.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from agentdeck.adapters.tmux import ControlClient
from benchmarks.rig import Rig

EDGE = "▌"
PATIENCE = 10.0
ROSTER = 30
_ASK = 0.002


async def focus_times(deck: Rig, keys: int, terminal: Path | None = None) -> list[float]:
    """From each of `keys` keys until the focus stands on another tile, in the dashboard of this terminal (socket)."""
    client = await ControlClient.open(terminal or deck.folder / "outer", "t")
    taken = []
    try:
        for number in range(keys):
            before = await _focus(client)
            started = time.perf_counter()
            await client.command("send-keys", "-t", "t", "lh"[number % 2])
            taken.append(await until(started, lambda before=before: _moved(client, before), deck))
            await pause(number)
    finally:
        await client.close()
    return taken


async def output_times(deck: Rig, agent: str, writes: int) -> list[float]:
    """From each of `writes` writes to an agent's terminal until the dashboard shows it in the agent's tile."""
    tty = deck.deck.tmux("display-message", "-p", "-t", deck.panes()[agent], "#{pane_tty}").strip()
    client = await ControlClient.open(deck.folder / "outer", "t")
    taken, row = [], -1
    terminal = os.open(tty, os.O_WRONLY | os.O_NOCTTY)
    try:
        for number in range(writes):
            mark = f"mark{number:03}"
            started = time.perf_counter()
            # as the agent's own program would, in the last row, where no load writes
            os.write(terminal, f"\x1b7\x1b[40;20H{mark}\x1b8".encode())
            taken.append(await until(started, lambda mark=mark, row=row: _shows(client, mark, row), deck))
            row = row if row >= 0 else await _row_of(client, mark)
            await pause(number)
    finally:
        os.close(terminal)
        await client.close()
    return taken


async def pause(number: int) -> None:
    await asyncio.sleep(0.1 + number % 7 / 50)  # not in step with anybody's tick


async def until(started: float, true: Callable[[], Awaitable[bool]], deck: Rig) -> float:
    while not await true():
        if time.perf_counter() - started > PATIENCE:
            raise SystemExit(f"nothing came within {PATIENCE:g} s:\n{deck.outer.text()}")
        await asyncio.sleep(_ASK)
    return (time.perf_counter() - started) * 1000


async def _moved(client: ControlClient, before: tuple[int, int]) -> bool:
    return await _focus(client) not in (before, (-1, -1))


async def _focus(client: ControlClient) -> tuple[int, int]:
    """Row and column of the focused tile's edge."""
    lines = await client.command("capture-pane", "-p", "-t", "t")
    return next(((row, line.index(EDGE)) for row, line in enumerate(lines) if EDGE in line), (-1, -1))


async def _shows(client: ControlClient, mark: str, row: int) -> bool:
    """Is it there? Once its row is known, no other is asked for."""
    where = ("-S", str(row), "-E", str(row)) if row >= 0 else ()
    return any(mark in line for line in await client.command("capture-pane", "-p", *where, "-t", "t"))


async def _row_of(client: ControlClient, mark: str) -> int:
    lines = await client.command("capture-pane", "-p", "-t", "t")
    return next(row for row, line in enumerate(lines) if mark in line)


def middle_and_worst(times: Sequence[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    return statistics.median(times), statistics.quantiles(times, n=100, method="inclusive")[98]
