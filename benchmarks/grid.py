"""What a live grid costs, beside the budgets and beside polling: `python -m benchmarks.grid [--agents 8,16,32,64]`.

For `typical` agents (a spinner at 10 Hz, 200 bytes of text a second), then for `quiet` ones: so many agents run in a
deck, the dashboard shows all of them in a terminal of 400x100. Printed are

- processor time of dashboard, engine and tmux server in percent of one processor, and resident memory;
- the tmux server with nobody watching, and a rival that polls as claude-squad does (`rival.py`), in the same run on
  the same agents, and our cost as a share of its cost;
- milliseconds from a key that moves the focus until the terminal shows it; from what an agent writes until the terminal
  shows it, for the agent in focus and for another one.

`--program PATH` gives the agents' program in place of load.py; it is run as `PATH MODE NUMBER`. `--modes` and
`--agents` choose a part of the run, `--seconds` the time that each load is measured. At the end: rows for a table.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from dataclasses import dataclass

from agentdeck.config import Grid
from agentdeck.ui.tiers import FAR
from benchmarks.latency import focus_times, middle_and_worst, output_times
from benchmarks.rig import Load, Rig, measure, place, rig
from benchmarks.rival import Polled, poll
from tests.waiting import wait_for

MODES = ("typical", "quiet")
SETTLE = {"typical": 5.0, "quiet": 65.0}
"""Seconds; in its first minute a state's age is drawn every second, and nothing is quiet."""
SAMPLES = 40
TILE_BUDGET = {"typical": 1.2, "quiet": 0.05}
"""Percent of a processor that the dashboard may take per visible tile at 10 Hz."""
SHARE_GOAL = {"typical": 0.6, "quiet": 0.05}
"""Of what the rival takes, with 32 agents."""
MEMORY_BUDGET = 60.0  # MB
ENGINE_BUDGET = 5.0
KEY_BUDGET = (30, 120)  # ms: median, 99th percentile
FOCUSED_BUDGET = (40, 120)
OTHER_SLACK = 150  # ms that may be added to a tile's own period


@dataclass(frozen=True, slots=True)
class Figures:
    """Percent of one processor, megabytes and milliseconds."""

    mode: str
    agents: int
    load: float
    base: Load
    rival: Polled
    ours: dict[str, Load]
    key: tuple[float, float]
    focused: tuple[float, float]
    other: tuple[float, float]

    @property
    def shown(self) -> float:
        """What showing everybody takes: dashboard and tmux server, as the rival is counted."""
        return self.ours["dashboard"].cpu + self.ours["tmux"].cpu

    @property
    def share(self) -> float:
        return self.shown / max(self.rival.wanted, 0.01)

    @property
    def whole_share(self) -> float:
        """The same with the engine, which also derives every status."""
        return (self.shown + self.ours["engine"].cpu) / max(self.rival.wanted, 0.01)

    @property
    def other_budget(self) -> float:
        rates = Grid()
        return 1000 / (rates.overview_hz if self.agents > FAR else rates.visible_hz) + OTHER_SLACK


def take(deck: Rig, mode: str, seconds: float, settle: float, size: tuple[int, int]) -> Figures:
    deck.unwatch()
    base = measure({"tmux": deck.server}, seconds / 2)["tmux"]
    rival = poll(deck, seconds / 2)
    deck.open(*size)
    time.sleep(settle)
    pids = {"dashboard": deck.dashboard, "engine": deck.engine, "tmux": deck.server}
    ours = measure(pids, seconds)
    load = os.getloadavg()[0]
    key = asyncio.run(focus_times(deck, SAMPLES))
    focused = asyncio.run(output_times(deck, deck.agents[0], SAMPLES))
    other = asyncio.run(output_times(deck, deck.agents[-1], SAMPLES))
    times = [middle_and_worst(each) for each in (key, focused, other)]
    return Figures(mode, len(deck.agents), load, base, rival, ours, times[0], times[1], times[2])


def show(found: Figures, size: tuple[int, int]) -> None:
    print(f"\n{found.agents} {found.mode} agents in {size[0]}x{size[1]}, {os.cpu_count()} cores, load {found.load:.1f}")
    budget = found.agents * TILE_BUDGET[found.mode]
    budgets = {"dashboard": f"budget {budget:.1f} %, {MEMORY_BUDGET:.0f} MB", "engine": f"budget {ENGINE_BUDGET:g} %"}
    for name, taken in found.ours.items():
        print(f"  {name:28} {taken.cpu:6.1f} %  {taken.rss:6.1f} MB   {budgets.get(name, '')}")
    print(f"  {'tmux with nobody watching':28} {found.base.cpu:6.1f} %  {found.base.rss:6.1f} MB")
    reached = f"{found.rival.rounds:.1f} of 2 rounds a second"
    print(f"  {'polling rival and tmux':28} {found.rival.cpu:6.1f} %   {reached}, nothing drawn")
    print(
        f"  all rounds would take it {found.rival.wanted:.0f} %; dashboard and tmux take {found.share:.2f} of that,"
        f" with the engine {found.whole_share:.2f} (goal with 32 agents {SHARE_GOAL[found.mode]:g})"
    )
    _times("key to highlight", found.key, KEY_BUDGET)
    _times("output to screen, in focus", found.focused, FOCUSED_BUDGET)
    _times("output to screen, another", found.other, (None, found.other_budget))


def _times(what: str, taken: tuple[float, float], budget: tuple[float | None, float]) -> None:
    middle = f" (budget {budget[0]:.0f})" if budget[0] is not None else ""
    print(f"  {what:28} {taken[0]:6.0f} ms p50{middle} {taken[1]:6.0f} ms p99 (budget {budget[1]:.0f})")


def row(found: Figures) -> str:
    """One row of a Markdown table."""
    dashboard, engine, tmux = (found.ours[name] for name in ("dashboard", "engine", "tmux"))
    cells = [
        f"{found.agents} {found.mode}",
        f"{dashboard.cpu:.1f} % ({found.agents * TILE_BUDGET[found.mode]:.1f})",
        f"{dashboard.rss:.0f} MB",
        f"{engine.cpu:.1f} %",
        f"{tmux.cpu:.1f} % ({found.base.cpu:.1f})",
        f"{found.rival.wanted:.0f} % ({found.rival.rounds:.1f}/s)",
        f"{found.share:.2f} ({found.whole_share:.2f})",
        *(f"{middle:.0f} / {worst:.0f}" for middle, worst in (found.key, found.focused, found.other)),
    ]
    return f"| {' | '.join(cells)} |"


def run(mode: str, options: argparse.Namespace, size: tuple[int, int]) -> list[Figures]:
    """All numbers of agents of one mode, in one deck that grows."""
    found = []
    program = [options.program] if options.program else []
    with place() as repo, rig(repo) as deck:
        for count in options.agents:
            while len(deck.agents) < count:
                deck.add(mode, program)
            wait_for(lambda count=count: len(deck.deck.panes()) == count, 20, "all panes")
            settle = SETTLE[mode] if options.settle is None else options.settle
            found.append(take(deck, mode, options.seconds, settle, size))
            show(found[-1], size)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--agents", type=lambda text: sorted(map(int, text.split(","))), default=[8, 16, 32, 64])
    parser.add_argument("--modes", type=lambda text: text.split(","), default=list(MODES))
    parser.add_argument("--program", default="", help="the agents' program, run as PROGRAM MODE NUMBER")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--settle", type=float, help="seconds from the first picture to the measuring")
    parser.add_argument("--size", default="400x100", help="of the terminal, columns x rows")
    options = parser.parse_args()
    if unknown := set(options.modes) - set(MODES):
        parser.error(f"no such mode: {', '.join(unknown)}; there are {' and '.join(MODES)}")
    columns, rows = map(int, options.size.split("x"))
    found = [figures for mode in options.modes for figures in run(mode, options, (columns, rows))]
    print("\n" + "\n".join(map(row, found)))


if __name__ == "__main__":
    main()
