"""A stopped deck must not stop its agents: `python -m benchmarks.stall [SECONDS] [--agents N]`.

One agent floods its terminal, the others work. Their rates, by their own counters, are taken with nobody watching
(neither dashboard nor engine) before and after; in between the dashboard, in a real terminal, and the engine are
stopped by SIGSTOP for SECONDS (60). Prints each agent's rate while they are stopped as a share of its unwatched rate.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import dataclass

from benchmarks.rig import Rig, place, rig, rss, state
from tests.waiting import wait_for

GOAL = 0.7


@dataclass(frozen=True, slots=True)
class Stall:
    """Bytes per second by agent: unwatched, and under stopped watchers; megabytes by which the tmux server grew."""

    unwatched: dict[str, float]
    stopped: dict[str, float]
    grown: float

    @property
    def ratios(self) -> dict[str, float]:
        return {name: rate / max(self.unwatched[name], 1.0) for name, rate in self.stopped.items()}


def fill(deck: Rig, agents: int) -> None:
    """One agent that floods and `agents` - 1 that work."""
    for mode in ["flood", *["typical"] * (agents - 1)]:
        deck.add(mode)
    wait_for(lambda: all(deck.counter(name).exists() for name in deck.agents), 20, "counters")


def stall(deck: Rig, seconds: float) -> Stall:
    """Measure: half of `seconds` unwatched, `seconds` stopped, half unwatched again. The watchers go on afterwards."""
    deck.unwatch()
    before = deck.rates(seconds / 2)
    deck.run_engine()
    terminal = deck.open()
    stopped, grown = _stopped(deck, [deck.dashboard, deck.engine], seconds)
    shown = terminal.text()
    wait_for(lambda: terminal.text() != shown, 20, "the dashboard to go on")
    deck.unwatch()
    after = deck.rates(seconds / 2)
    return Stall({name: (before[name] + after[name]) / 2 for name in before}, stopped, grown)


def _stopped(deck: Rig, pids: list[int], seconds: float) -> tuple[dict[str, float], float]:
    server = deck.server
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: all(state(pid) == "T" for pid in pids), 5, "stopped watchers")
        size = rss(server)
        return deck.rates(seconds), rss(server) - size
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("seconds", type=float, nargs="?", default=60.0)
    parser.add_argument("--agents", type=int, default=4)
    options = parser.parse_args()
    with place() as repo, rig(repo) as deck:
        fill(deck, options.agents)
        found = stall(deck, options.seconds)
    load = os.getloadavg()[0]
    print(f"dashboard and engine stopped for {options.seconds:g} s ({os.cpu_count()} cores, load {load:.1f})")
    for name, ratio in found.ratios.items():
        before, stopped = found.unwatched[name], found.stopped[name]
        print(f"  {name:12} {before:>12,.0f} B/s unwatched {stopped:>12,.0f} B/s stopped {ratio:6.2f}")
    worst = min(found.ratios.values())
    print(f"  smallest ratio {worst:.2f} (goal {GOAL}); the tmux server grew by {found.grown:.1f} MB")
    return 0 if worst >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
