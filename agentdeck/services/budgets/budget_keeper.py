"""Holds agents to their budgets: judges on every record and every second, and orders what `budgets` decides."""

from __future__ import annotations

import logging
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from agentdeck.adapters.database.store import Writer
from agentdeck.config import Budgets
from agentdeck.models.agent import Agent
from agentdeck.models.budget import Act, Amounts, Budget, Level, Standing
from agentdeck.models.clock import now_ms
from agentdeck.services.budgets import budget_rows, budgets
from agentdeck.services.budgets.budgets import AT_WORK, Seen, Shares
from agentdeck.services.status.monitor import Monitor
from agentdeck.services.usage.stats import QUARTER_MS

log = logging.getLogger("agentdeck.budgets")
ROUND_SECONDS = 1.0
LONGEST_STEP_MS = 2_000  # a pause longer than this was the machine's sleep, not work


@dataclass(frozen=True, slots=True)
class Rules:
    """What config.toml says: limits by (scope, name); for agents and tasks the name is '' and means each one."""

    shares: Shares = Shares()
    limits: dict[tuple[str, str], Amounts] = field(default_factory=dict)


def rules(chosen: Budgets) -> Rules:
    """The rules of `[budgets]`; a repository's path may begin with ~."""
    named = {("team", name): limits for name, limits in chosen.team.items()}
    named |= {("repo", str(Path(path).expanduser())): limits for path, limits in chosen.repo.items()}
    whole = {("agent", ""): chosen.agent, ("task", ""): chosen.task, ("day", ""): chosen.day}
    found = {place: budgets.amounts(**asdict(limits)) for place, limits in (named | whole).items()}
    return Rules(Shares(chosen.warn, chosen.hold), {place: limits for place, limits in found.items() if limits})


@dataclass(frozen=True, slots=True)
class _News:
    agent: str
    act: Act
    order: Level


class BudgetKeeper:
    """`judge` after each count, `step` on each beat; `holds` says why an agent is handed nothing.

    `told` hears the agent and the act of each interrupt and stop; `wake` has the engine carry orders out at once.
    """

    def __init__(
        self, writer: Writer, monitor: Monitor, rules: Rules, wake: Callable[[], None], told: Callable[[str, Act], None]
    ) -> None:
        self.writer = writer
        self.monitor = monitor
        self.rules = rules
        self.wake = wake
        self.told = told
        self.acts: dict[str, Act] = {}
        self.spent_tasks: frozenset[int] = frozenset()
        self._tasks: dict[str, int] = {}  # agent -> the task it has in hand
        self._worked: dict[tuple[str, int, int], int] = defaultdict(int)
        self._last = 0
        self._loaded = False

    def holds(self, agent: str) -> str:
        return budgets.holds(self.acts.get(agent))

    def step(self) -> None:
        """Note who has been at work since the last step."""
        now = now_ms()
        gone, self._last = min(now - self._last, LONGEST_STEP_MS), now
        for agent in self.monitor.agents.values():
            if not agent.beside and self.monitor.status(agent.id).state in AT_WORK:
                self._worked[agent.id, self._tasks.get(agent.id, 0), now // QUARTER_MS * QUARTER_MS] += max(0, gone)

    async def judge(self, agents: Collection[str] | None = None) -> None:
        """Judge these agents (ids), or all; store what is decided, with its orders, in one transaction."""
        wanted = [a for a in list(self.monitor.agents.values()) if not a.beside and (agents is None or a.id in agents)]
        worked, self._worked = self._worked, defaultdict(int)
        news = await self.writer.run(lambda conn: self._judge(conn, wanted, worked))
        for one in news:
            self.told(one.agent, one.act)
        if any(one.order for one in news):
            self.wake()

    async def round(self) -> None:
        await self.judge()

    def _judge(
        self, conn: sqlite3.Connection, agents: Iterable[Agent], worked: dict[tuple[str, int, int], int]
    ) -> list[_News]:
        """On the writer's thread. What is kept here is replaced whole, so that the loop reads a consistent one."""
        if worked:
            budget_rows.add_work(conn, worked)
        if not self._loaded:
            self.acts, self._loaded = budget_rows.acts(conn), True
        running = conn.execute("SELECT agent, task FROM attempts WHERE outcome = 'running'")
        self._tasks = {row["agent"]: row["task"] for row in running}
        stored = budget_rows.load(conn)
        if not stored and not self.rules.limits and not self.acts:
            self.spent_tasks = frozenset()
            return []
        book = Book(conn, stored, self.rules, now_ms())
        self.spent_tasks = book.spent_tasks()
        acts, news = {key: act for key, act in self.acts.items() if key in self.monitor.agents}, []
        for agent in agents:
            before = acts.pop(agent.id, None)
            act, order = self._decide(conn, book, agent, before)
            if act is not None:
                acts[agent.id] = act
            if act != before:
                budget_rows.keep(conn, agent.id, act, before)
            if act is not None and order:
                budget_rows.order(conn, order, agent.id, act.why)
                news.append(_News(agent.id, act, order))
        self.acts = acts
        return news

    def _decide(
        self, conn: sqlite3.Connection, book: Book, agent: Agent, before: Act | None
    ) -> tuple[Act | None, Level]:
        found = book.worst(agent, self._tasks.get(agent.id, 0))
        if found is None and before is None:
            return None, ""
        count, newest = budget_rows.turns(conn, [agent.id])[agent.id] if found and found.share >= 1 else (0, 0)
        state = "exited" if agent.life != "live" else self.monitor.status(agent.id).state
        return budgets.decide(
            before, found, Seen(state, count, newest, int(agent.pid_start * 1000)), book.now, self.rules.shares
        )


class Book:
    """All limits and what was used under each, asked once for one judgement."""

    def __init__(self, conn: sqlite3.Connection, stored: Iterable[Budget], rules: Rules, now: int) -> None:
        self.conn = conn
        self.stored = list(stored)
        self.now = now
        self.rules = rules
        self._of: dict[tuple[str, str], list[Budget]] = defaultdict(list)
        for budget in self.stored:
            self._of[budget.scope, budget.key].append(budget)
        self._known: dict[tuple[str, str], list[Standing]] = {}

    def worst(self, agent: Agent, task: int) -> Standing | None:
        """Of all limits that an agent with that task in hand (0: none) is under."""
        return budgets.worst(self.standings(agent, task), self.rules.shares)

    def standings(self, agent: Agent, task: int) -> list[Standing]:
        under = [("agent", agent.id), ("repo", agent.repo), ("day", "")]
        under += [("task", str(task))] if task else []
        under += [("team", agent.team)] if agent.team else []
        return [one for scope, key in under for one in self.standing(scope, key)]

    def standing(self, scope: str, key: str) -> list[Standing]:
        """How the limits of one scope stand: what was set and what config.toml says."""
        if (scope, key) not in self._known:
            given = self.rules.limits.get((scope, "" if scope in ("agent", "task") else key))
            known = next(one for one in budget_rows.SCOPES if one == scope)
            found = [*self._of.get((scope, key), ()), *([Budget(known, key, given, "config.toml")] if given else [])]
            spent = budget_rows.spent(self.conn, known, key, self.now) if found else None
            self._known[scope, key] = [one for each in found for one in budgets.standings(each, spent)] if spent else []
        return self._known[scope, key]

    def spent_tasks(self) -> frozenset[int]:
        """Queued tasks whose own limits are reached: trying again would go beyond them."""
        queued = [row[0] for row in self.conn.execute("SELECT id FROM tasks WHERE state = 'queued'")]
        return frozenset(task for task in queued if any(one.share >= 1 for one in self.standing("task", str(task))))
