"""The usual way to watch agents, as claude-squad does it: processes on a timer.

Twice a second, for every agent, a `tmux capture-pane`, a `git add -N .` and a `git diff` in its worktree; ten times a
second one more capture of the agent that is selected. What is counted is the processor time of these processes and of
the tmux server: not what starts them, and nothing is drawn. That is a lower bound.
"""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentdeck import paths
from benchmarks.rig import Rig, cpu_seconds

ROUND, SELECTED = 0.5, 0.1
"""Seconds between two rounds over all agents, and between two captures of the selected one."""


@dataclass(frozen=True, slots=True)
class Polled:
    """`rounds` per second that were reached, of 2 wanted; `cpu` in percent of one processor."""

    rounds: float
    cpu: float

    @property
    def wanted(self) -> float:
        """What all the rounds it wants would take: with many agents it cannot keep up."""
        return self.cpu * max(1.0, 1 / (self.rounds * ROUND))


@dataclass(frozen=True, slots=True)
class _Watched:
    pane: str
    tree: Path


def poll(deck: Rig, seconds: float) -> Polled:
    """Watch all agents of `deck` for `seconds`."""
    rows = deck.deck.sql("SELECT pane, worktree FROM agents WHERE life = 'live'")
    agents = [_Watched(row["pane"], Path(row["worktree"])) for row in rows]
    pid = deck.server
    server, children, started = cpu_seconds(pid), _children(), time.monotonic()
    rounds = _rounds(agents, started, seconds)
    span = time.monotonic() - started
    used = cpu_seconds(pid) - server + _children() - children
    return Polled(rounds / span, used / span * 100)


def _rounds(agents: Sequence[_Watched], started: float, seconds: float) -> int:
    rounds, preview = 0, started
    while time.monotonic() - started < seconds:
        for agent in agents:
            _capture(agent)
            for argv in (["git", "add", "-N", "."], ["git", "diff"]):
                subprocess.run(argv, cwd=agent.tree, stdout=subprocess.DEVNULL, check=True)
            preview = _preview(agents[0], preview)
        rounds += 1
        while (now := time.monotonic()) < started + rounds * ROUND:
            time.sleep(max(0.0, min(preview + SELECTED, started + rounds * ROUND) - now))
            preview = _preview(agents[0], preview)
    return rounds


def _preview(agent: _Watched, last: float) -> float:
    """When the selected agent was last captured: now, if it was due."""
    now = time.monotonic()
    if now < last + SELECTED:
        return last
    _capture(agent)
    return max(last + SELECTED, now - SELECTED)


def _capture(agent: _Watched) -> None:
    argv = ["tmux", "-S", str(paths.tmux_socket()), "capture-pane", "-p", "-e", "-J", "-t", agent.pane]
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)


def _children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
