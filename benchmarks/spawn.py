"""How long a task waits for an agent that the queue starts for it: `python -m benchmarks.spawn [--setup S --files N]`.

From `agentdeck task add` to the text in the new agent's hands, in a repository of N files whose set-up command takes
S seconds: without and with worktrees that are set up in advance (`[queue] warm`), in one run.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from agentdeck import paths
from benchmarks.rig import place
from tests import repos, workclient
from tests.deck import Deck

AGENTS = 3


def measure(repo: Path, warm: int) -> float:
    """Median seconds over AGENTS tasks, each of which gets an agent of its own."""
    command = workclient.command(repo.parent / "queue.log")
    paths.user_harnesses_dir().mkdir(parents=True)
    (paths.user_harnesses_dir() / "worker.toml").write_text(workclient.worker_harness("worker"))
    words = f"[queue]\nspawn = {AGENTS + 1}\nwarm = {warm}\nspawn_args = {{ worker = {command!r} }}\n"
    (paths.config_dir() / "config.toml").write_text(words)
    deck = Deck(repo)
    try:
        deck.ok("new", "ann", "--harness", "shell", "--setup", "approve", "--", "cat")
        return sorted(_task(deck, n, warm, n > 0) for n in range(AGENTS + 1))[AGENTS // 2]
    finally:
        (repo.parent / "end").touch()
        deck.end()


def _task(deck: Deck, n: int, warm: int, prepared: bool) -> float:
    if warm and prepared:
        deck.until(lambda: deck.sql("SELECT 1 FROM warm_trees WHERE state = 'ready'"), "a tree in reserve", 120)
    end, done = deck.repo.parent / "end", deck.repo.parent / f"out-{warm}-{n}"
    spec = f"---\nharness: worker\n---\nrun: touch {done}; until [ -e {end} ]; do sleep 0.1; done\n"
    deck.ok("task", "add", "-", given=spec)
    began = time.monotonic()
    deck.until(done.exists, "the agent at work", 120)
    return time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--setup", type=float, default=10.0)
    parser.add_argument("--files", type=int, default=5000)
    words = parser.parse_args()
    took = []
    for warm in (0, 1):
        with place() as repo:
            repos.git(repo, "config", "user.name", "bench")
            repos.git(repo, "config", "user.email", "bench@example.invalid")
            many = {f"src/{n % 40}/{n}.txt": f"{n}\n" * 20 for n in range(words.files)}
            repos.commit(repo, "Base", {".agentdeck.toml": f'[worktree]\nsetup = "sleep {words.setup}"\n', **many})
            took.append(measure(repo, warm))
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"task add to text in hand: {took[0]:.1f} s; with a tree in reserve: {took[1]:.1f} s", end=" ")
    print(f"({took[1] / took[0]:.2f} of it; set-up {words.setup:g} s, {words.files} files; load {load})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
