"""Ten thousand tasks: `python -m benchmarks.board [--tasks 10000]`.

Prints how long the board takes to read them and to its first paint, and how long one round of choosing takes, beside
the plain way in the same run: every task read with its attempts, every task tried on every agent.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing
from random import Random

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.agent import Agent
from agentdeck.models.task import Task
from agentdeck.services import rows
from agentdeck.services.queue import board, queue, specs
from agentdeck.services.queue.assignment import Candidate, Choice, fits
from benchmarks.rig import place

STATES = ("queued",) * 6 + ("review", "accepted", "failed", "blocked")
AGENTS = 8


def fill(count: int) -> None:
    """Tasks in all states with attempts, of several harnesses and priorities."""
    random = Random(1)
    with closing(store.write(paths.database_file())) as conn, store.transaction(conn):
        for n in range(AGENTS):
            made = Agent(f"id-{n}", f"w{n}", "claude", "/r", f"/w/{n}", f"deck/w{n}/1", "", "b", "live")
            rows.insert(conn, "agents", rows.agent_columns(made))
        for n in range(count):
            spec = specs.parse(f"---\nharness: {random.choice(('claude', 'codex'))}\n---\n# Job {n}\n")
            key = queue.add(conn, spec, "/r", priority=random.randint(0, 3))
            state = random.choice(STATES)
            if state != "queued":
                rows.update(conn, "tasks", "id", key, state=state, reason="because")
                attempt = {"task": key, "n": 1, "agent": "id-1", "harness": "claude", "model": "", "spec_version": "v"}
                rows.insert(conn, "attempts", {**attempt, "outcome": "passed", "started": 1, "ended": 2})


def naive(tasks: list[Task], agents: list[Candidate]) -> list[Choice]:
    """Every task in order, tried on every agent that is free."""
    free, choices = [agent for agent in agents if agent.free], []
    for task in sorted((t for t in tasks if t.state == "queued"), key=lambda t: (-t.priority, t.id)):
        taker = next((agent for agent in free if fits(task, agent)), None)
        if taker is not None:
            free.remove(taker)
            choices.append(Choice(task.id, taker.id))
    return choices


def took(work: Callable[[], object]) -> float:
    """Median of nine, in milliseconds."""
    times = []
    for _ in range(9):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def paint() -> float:
    """From the key b to the board's first paint, in milliseconds."""
    from agentdeck.ui.screens.board import BoardScreen
    from tests.ui.deck_fakes import make_app, row, until

    app = make_app(row("ada"))
    async with app.run_test(size=(160, 45)) as pilot:
        await until(pilot, lambda: app.deck.ready)
        times = []
        for _ in range(4):
            began = time.perf_counter()
            app.deck.action_act("board")
            await until(
                pilot, lambda: isinstance(app.screen, BoardScreen) and app.screen.is_mounted and app.screen.card
            )
            times.append((time.perf_counter() - began) * 1000)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.deck)
        print(f"key b to a board that can be used: first {times[0]:.0f} ms, then {min(times[1:]):.0f} ms (goal 200)")
        return times[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", type=int, default=10_000)
    count = parser.parse_args().tasks
    with place():
        fill(count)
        conn = store.read(paths.database_file())
        assert conn is not None
        with closing(conn):
            tasks = queue.waiting(conn, ["/r"])
            read, all_read = took(lambda: board.load(conn)), took(lambda: queue.tasks(conn))
        print(f"{count} tasks, {len(tasks)} queued; load {os.getloadavg()[0]:.1f}")
        ratio = f"all tasks with attempts: {all_read:.0f} ms ({all_read / read:.0f}x)"
        print(f"reading the board: {read:.1f} ms; {ratio}")
        for name, harness in (("that take them", "claude"), ("that fit nothing", "other")):
            agents = [Candidate(str(n), f"w{n}", "/r", harness) for n in range(AGENTS)]
            ours = took(lambda agents=agents: queue.choose(tasks, agents))
            theirs = took(lambda agents=agents: naive(tasks, agents))
            told = f"{ours:.2f} ms (goal 5); plain: {theirs:.1f} ms ({theirs / ours:.1f}x)"
            print(f"choose(), {AGENTS} agents {name}: {told}")
        asyncio.run(paint())
    return 0


if __name__ == "__main__":
    sys.exit(main())
