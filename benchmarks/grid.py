"""What a live grid costs: `python -m benchmarks.grid [--agents N] [--mode MODE] [--program PATH] [--seconds S]`.

N agents run in the deck; the dashboard shows all of them in a terminal of 200x60. Printed: processor time of
dashboard, engine and tmux server in percent of one processor, resident memory, and the time from a key that moves the
focus until the terminal shows it. In the same run, on the same agents: the tmux server with nobody watching, and the
usual way to watch, a `tmux capture-pane` process per agent, twice and ten times a second (it draws nothing: a lower
bound).

PATH is a program to use for the agents in place of load.py; it is run as `PATH MODE NUMBER`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import subprocess
import time
from dataclasses import dataclass

from agentdeck import paths
from agentdeck.adapters.tmux import ControlClient
from benchmarks.rig import Load, Rig, cpu_seconds, measure, place, rig
from tests.waiting import wait_for

KEYS = 30
RIVAL_HZ = (2.0, 10.0)
EDGE = "▌"
TILE_BUDGET = {"typical": 1.2, "quiet": 0.05}
"""Percent of a processor that the dashboard may take per visible tile at 10 Hz."""
MEMORY_BUDGET = 60.0  # MB


@dataclass(frozen=True, slots=True)
class Figures:
    """Percent of one processor, megabytes and milliseconds."""

    base: Load
    rivals: dict[float, tuple[float, float]]  # by rounds per second wanted: rounds per second reached, percent
    loads: dict[str, Load]
    latency: list[float]


def take(deck: Rig, seconds: float, settle: float) -> Figures:
    deck.unwatch()
    base = measure({"tmux": deck.server}, seconds)["tmux"]
    rivals = {hz: poll(deck, hz, seconds / 2) for hz in RIVAL_HZ}
    deck.open()
    time.sleep(settle)
    pids = {"dashboard": deck.dashboard, "engine": deck.engine, "tmux": deck.server}
    loads = measure(pids, seconds)
    return Figures(base, rivals, loads, asyncio.run(focus_times(deck)))


def poll(deck: Rig, hz: float, seconds: float) -> tuple[float, float]:
    """Rounds per second and percent of a processor for a capture-pane process per agent, tmux server included."""
    panes = deck.deck.tmux("list-panes", "-s", "-t", "=deck-hub", "-F", "#{?@deck_id,#{pane_id},}").split()
    server_pid, rounds = deck.server, 0
    server, children, started = cpu_seconds(server_pid), _children(), time.monotonic()
    while (span := time.monotonic() - started) < seconds:
        for pane in panes:
            argv = ["tmux", "-S", str(paths.tmux_socket()), "capture-pane", "-p", "-e", "-t", pane]
            subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
        rounds += 1
        time.sleep(max(0.0, started + rounds / hz - time.monotonic()))
    used = cpu_seconds(server_pid) - server + _children() - children
    return rounds / span, used / span * 100


def _children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


async def focus_times(deck: Rig) -> list[float]:
    """Milliseconds from each of KEYS keys until the terminal shows the focus on another tile."""
    client = await ControlClient.open(deck.folder / "outer", "t")
    taken = []
    try:
        for number in range(KEYS):
            before = await _focus(client)
            started = time.perf_counter()
            await client.command("send-keys", "-t", "t", "lh"[number % 2])
            while await _focus(client) == before:
                if time.perf_counter() - started > 10:
                    raise SystemExit("the focus did not move within 10 s:\n" + deck.outer.text())
                await asyncio.sleep(0.002)
            taken.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.1 + number % 7 / 50)  # not in step with anybody's tick
    finally:
        await client.close()
    return taken


async def _focus(client: ControlClient) -> tuple[int, int]:
    """Row and column of the focused tile's edge."""
    lines = await client.command("capture-pane", "-p", "-t", "t")
    return next(((row, line.index(EDGE)) for row, line in enumerate(lines) if EDGE in line), (-1, -1))


def show(found: Figures, agents: int, mode: str) -> None:
    load = os.getloadavg()[0]
    print(f"{agents} {mode} agents in 200x60 ({os.cpu_count()} cores, load average {load:.1f}); % of one processor")
    budgets = {
        "dashboard": f"budget {agents * TILE_BUDGET[mode]:.1f} %, {MEMORY_BUDGET:.0f} MB",
        "engine": "budget 5 %",
    }
    for name, taken in found.loads.items():
        print(f"  {name:10} {taken.cpu:6.1f} %  {taken.rss:6.1f} MB   {budgets.get(name, '')}")
    print(f"  tmux with nobody watching {found.base.cpu:.1f} %, {found.base.rss:.1f} MB")
    ours = found.loads["dashboard"].cpu + found.loads["tmux"].cpu
    print(f"  dashboard + tmux, every tile drawn at 10 Hz: {ours:.1f} %")
    for hz, (reached, cpu) in found.rivals.items():
        print(f"  capture-pane processes + tmux, nothing drawn, {hz:g} Hz ({reached:.1f} reached): {cpu:.1f} %")
    ninety_nine = statistics.quantiles(found.latency, n=100, method="inclusive")[98]
    print(
        f"  key to highlight {statistics.median(found.latency):.0f} ms p50 (budget 30),"
        f" {ninety_nine:.0f} ms p99 (budget 120), {len(found.latency)} keys"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--agents", type=int, default=16)
    parser.add_argument("--mode", choices=list(TILE_BUDGET), default="typical")
    parser.add_argument("--program", default="")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument(
        "--settle", type=float, default=3.0, help="Seconds between the first picture and the measuring."
    )
    options = parser.parse_args()
    with place() as repo, rig(repo) as deck:
        for _ in range(options.agents):
            deck.add(options.mode, [options.program] if options.program else [])
        wait_for(lambda: len(deck.deck.panes()) == options.agents, 20, "all panes")
        show(take(deck, options.seconds, options.settle), options.agents, options.mode)


if __name__ == "__main__":
    main()
