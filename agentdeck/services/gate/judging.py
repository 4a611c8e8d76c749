"""Attempts that their agents call done: the gate's look at each, and what follows from it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from agentdeck.adapters.database.store import EpochLost, Writer
from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.gate import GateStep
from agentdeck.models.spec import Spec
from agentdeck.models.task import Attempt, Task
from agentdeck.services import settings
from agentdeck.services.budgets import budget_report
from agentdeck.services.failpoints import reach
from agentdeck.services.gate.gatekeeper import Gatekeeper
from agentdeck.services.gate.ruling import ruling, told
from agentdeck.services.queue import queue, specs, task_limits
from agentdeck.services.status.monitor import Monitor

log = logging.getLogger("agentdeck.gate")
UNLIMITED = 1_000_000  # attempts of a task whose agent is told to go on


def limit(task: Task) -> int:
    """How many attempts of a task may fail before the task does."""
    return UNLIMITED if task.keep_going else task.max_attempts or settings.current().queue.max_attempts


class Judging:
    """`hear` is told which attempts wait for a judgement; each gets one, whichever engine began it."""

    def __init__(
        self, writer: Writer, monitor: Monitor, keeper: Gatekeeper, count: Callable[[], Awaitable[None]]
    ) -> None:
        self.writer = writer
        self.monitor = monitor
        self.keeper = keeper
        self.count = count  # so that an attempt's usage is there when it is said to have ended
        self._work: dict[tuple[int, int], asyncio.Task[None]] = {}
        self._stopped: set[tuple[int, int]] = set()
        self._halted = False

    def hear(self, waiting: Iterable[Attempt]) -> None:
        """Begin on those that are new; end the verify run of what a human cancelled meanwhile."""
        if self._halted:
            return
        due = {(attempt.task, attempt.n): attempt for attempt in waiting}
        for key, attempt in due.items():
            if key not in self._work:
                work = self._work[key] = asyncio.create_task(self._judge(attempt))
                work.add_done_callback(lambda _, key=key: self._done(key))
        for key in self._work.keys() - due.keys() - self._stopped:
            self._stopped.add(key)
            self.keeper.stop(*key)

    async def settle(self) -> None:
        """An orderly end: the looks are given up; a verify command that runs goes on and is found again."""
        for work in self._work.values():
            work.cancel()
        await asyncio.gather(*self._work.values(), return_exceptions=True)

    async def halt(self) -> None:
        """End every check that runs, and begin none until `go_on`: all of them begin anew then."""
        self._halted = True
        keys = list(self._work)
        await self.settle()
        await asyncio.gather(*(asyncio.to_thread(self.keeper.halt, *key) for key in keys))
        await self.writer.run(_tell_halted)

    def go_on(self) -> None:
        """Somebody works again."""
        self._halted = False

    def _done(self, key: tuple[int, int]) -> None:
        self._stopped.discard(key)
        work = self._work.pop(key)
        if not work.cancelled() and not isinstance(work.exception(), EpochLost | None):
            log.error("task %s is checked again", key[0], exc_info=work.exception())

    async def _judge(self, attempt: Attempt) -> None:
        agent = self.monitor.agents.get(attempt.agent)
        task = await self.writer.run(lambda conn: _taken_up(conn, attempt.task))
        if task.state != "verifying" or task.attempts[-1].n != attempt.n:
            return  # judged meanwhile: what `hear` was told is a moment old
        if agent is None:
            change = functools.partial(_abandon, attempt=attempt)
            await self.writer.run(change)
            return
        try:
            text = await self.writer.run(lambda conn: queue.text(conn, attempt.spec_version))
            steps, tip = await self.keeper.judge(attempt, agent, task, specs.stored(text, task.path))
        except EpochLost:
            raise
        except Exception as error:  # the boundary: a check that breaks must not hold its agent for ever
            log.exception("task %s could not be checked", attempt.task)
            steps, tip = [GateStep("branch", "failed", f"it could not be checked: {error}")], ""
        with contextlib.suppress(AgentDeckError, OSError):  # the meter tries again in its next round
            await self.count()
        await reach("judged", task.id)
        await self.writer.run(lambda conn: self._conclude(conn, attempt, agent, task, steps, tip))
        await reach("ruled", task.id)
        self.keeper.forget(attempt.task, attempt.n)

    def _conclude(
        self, conn: sqlite3.Connection, attempt: Attempt, agent: Agent, task: Task, steps: list[GateStep], tip: str
    ) -> None:
        """Store the ruling, and in the same transaction what follows: review, acceptance, or the next attempt."""
        outcome, reason = ruling(steps, bool(_spec(conn, attempt).verify))
        before = queue.task(conn, task.id)
        spec = _spec(conn, attempt)
        end = _end(conn, before, tip) if outcome == "failed" else ""
        words = "; ".join(filter(None, (reason, end)))
        state = queue.finish(conn, task.id, attempt.n, outcome, words, tip, 0 if end else limit(task))
        if before.state != "verifying":
            return  # cancelled while it was checked
        if state == "review" and outcome == "passed" and spec.auto_accept and settings.current().queue.auto_accept:
            queue.accept(conn, task.id, "accepted by itself: verify passed")
        alive = conn.execute("SELECT 1 FROM agents WHERE id = ? AND life = 'live'", (agent.id,)).fetchone()
        if state == "queued" and alive:
            queue.carry_on(conn, attempt, replace(agent, branch=attempt.branch), told(task.title, steps))


def _taken_up(conn: sqlite3.Connection, task: int) -> Task:
    """The task as it stands; that it was halted is over."""
    conn.execute("UPDATE tasks SET reason = '' WHERE id = ? AND state = 'verifying'", (task,))
    return queue.task(conn, task)


def _tell_halted(conn: sqlite3.Connection) -> None:
    words = "halted: it is checked once an agent is started again"
    conn.execute("UPDATE tasks SET reason = ? WHERE state = 'verifying'", (words,))


def _end(conn: sqlite3.Connection, task: Task, tip: str) -> str:
    """Why a task whose work failed is not tried again, whatever its attempts; '' when it may be."""
    over = budget_report.spent_task(conn, task.id)
    if over or not task.keep_going:
        return f"its budget is spent: {over}" if over else ""
    return task_limits.stands_still(task.attempts, settings.current().queue.stop_after_turns, tip)


def _spec(conn: sqlite3.Connection, attempt: Attempt) -> Spec:
    """The version that the attempt was given, whatever the task says by now."""
    return specs.stored(queue.text(conn, attempt.spec_version))


def _abandon(conn: sqlite3.Connection, attempt: Attempt) -> None:
    task = queue.task(conn, attempt.task)
    queue.finish(conn, attempt.task, attempt.n, "died", "its agent was removed", limit=limit(task))
