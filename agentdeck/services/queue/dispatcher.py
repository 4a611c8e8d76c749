"""Moves tasks: queued → a lease, a fresh branch and a delivery → review, each step on evidence."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from pathlib import Path

from agentdeck.adapters.database.store import Writer
from agentdeck.errors import AgentDeckError, TryAgain
from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.status import Status
from agentdeck.models.task import Attempt, Outcome, Task
from agentdeck.services import rows, settings
from agentdeck.services.budgets import budget_report
from agentdeck.services.delivery import deliveries
from agentdeck.services.delivery.paste_gate import MAX_AGE_MS
from agentdeck.services.failpoints import reach
from agentdeck.services.gate.judging import Judging, limit
from agentdeck.services.queue import foundation, queue, queue_rules, specs
from agentdeck.services.queue.assignment import SETTLING, Candidate, Rules
from agentdeck.services.queue.overseer import Overseer
from agentdeck.services.queue.spawner import Spawner
from agentdeck.services.status.monitor import Monitor
from agentdeck.services.trees import disk, trees, worktrees

IDLE_FOR_MS = 1_000  # how long an agent has been idle before it counts as done, or as free
LIMITED_FOR_MS = 2_000  # how long a usage limit has stood before the task goes to somebody else
LOOK_AGAIN_MS = 2_000  # budgets and limits change without an event
UNCERTAIN_FOR_MS = 60_000  # an uncertain delivery to an agent that stays idle this long is given up

# Agents that are spoken for: an attempt runs, or a text is on its way to them.
TAKEN = """SELECT agent FROM attempts WHERE outcome = 'running'
    UNION SELECT agent FROM deliveries WHERE state IN ('queued', 'pasted', 'submitted')"""


class Dispatcher:
    """`round` is called on a beat while tasks are open; slow work (git) is done in threads, one agent at a time."""

    def __init__(
        self, writer: Writer, monitor: Monitor, judging: Judging, count: Callable[[], Awaitable[None]]
    ) -> None:
        self.writer = writer
        self.monitor = monitor
        self.judging = judging
        self.overseer = Overseer(writer, monitor)
        self.spawner = Spawner(writer)
        self.count = count  # so that an attempt's usage is there when it is said to have ended
        self.holds: Callable[[str], str] = lambda agent: ""  # why an agent (id) is handed nothing now
        self.pauses: Callable[[str], bool] = lambda agent: False  # whether one at rest is about to go on
        self.held_tasks: Callable[[], Collection[int]] = frozenset  # those that would go beyond their own limits
        self.veto: Callable[[Task, Candidate], str] = lambda task, agent: ""  # what else may forbid it, in words
        self.halted = False  # nothing is started by itself until a human starts an agent
        self._preparing: dict[str, asyncio.Task[None]] = {}
        self._seen: object = None
        self._looked = 0
        self._spawned = 0
        self._paused: set[str] = set()

    async def round(self) -> None:
        await self._finish_ended()
        if held := self.held_tasks():
            await self.writer.run(lambda conn: _give_up(conn, held))
        candidates = self._candidates(await self.writer.run(_taken))
        await self._spawn(candidates)
        if not any(agent.free for agent in candidates):
            return
        seen = (await self.writer.run(_last_event), candidates)
        if seen == self._seen and now_ms() - self._looked < LOOK_AGAIN_MS:
            return  # nothing has changed since nobody could start anything
        self._seen, self._looked = seen, now_ms()
        await self._give_out(candidates)

    async def _give_out(self, candidates: list[Candidate]) -> None:
        places = {agent.repo for agent in candidates if agent.free}
        waiting = await self.writer.run(lambda conn: queue.waiting(conn, places))
        if waiting and await asyncio.to_thread(disk.shortage, *{task.repo for task in waiting}):
            self._seen = None  # room comes without an event
            return  # they wait: `task why` says for what
        found, held = settings.current(), self.held_tasks()
        rules, load = await self.writer.run(lambda conn: queue_rules.read(conn, found))
        await self._tell_paused(rules)
        by_id = {task.id: task for task in waiting}
        for choice in queue.choose(
            [task for task in waiting if task.id not in held], candidates, replace(rules, veto=self.veto), load
        ):
            task, agent = by_id[choice.task], self.monitor.agents[choice.agent]
            try:
                attempt = await self.writer.run(lambda conn, task=task, agent=agent: _lease(conn, task, agent))
            except TryAgain:
                continue
            if attempt.delivery:
                continue  # it goes on where it stood
            self._begin(attempt, agent)

    async def _spawn(self, candidates: list[Candidate]) -> None:
        """Where the user lets the queue start agents: see what nobody who is free can take."""
        found, now = settings.current(), now_ms()
        if not found.queue.spawn or self.halted or now - self._spawned < LOOK_AGAIN_MS:
            return
        self._spawned = now
        rules, load = await self.writer.run(lambda conn: queue_rules.read(conn, found))
        ready = await self.writer.run(lambda conn: queue.ready(conn, rules, self.held_tasks()))
        taken = {choice.task for choice in queue.choose(ready, candidates, replace(rules, veto=self.veto), load)}
        left = [task for task in ready if task.id not in taken]
        await self.spawner.look(left, list(self.monitor.agents.values()), candidates, rules)

    def _begin(self, attempt: Attempt, agent: Agent) -> None:
        work = asyncio.create_task(self._prepare(attempt, agent))
        self._preparing[agent.id] = work
        work.add_done_callback(lambda _, key=agent.id: self._preparing.pop(key, None))

    async def _tell_paused(self, rules: Rules) -> None:
        """Say once that something pauses, and again when it does so anew."""
        new = {subject: why for subject, why in rules.paused.items() if subject not in self._paused}
        self._paused = set(rules.paused)

        def tell(conn: sqlite3.Connection) -> None:
            last = "SELECT data FROM events WHERE kind = 'queue' AND data LIKE ? ORDER BY id DESC LIMIT 1"
            for subject, reason in new.items():
                row = conn.execute(last, (f'%"subject": "{subject}"%',)).fetchone()
                if row is None or '"state": "paused"' not in row["data"]:  # an earlier engine has told it
                    rows.event(conn, now_ms(), "queue", subject=subject, state="paused", reason=reason)

        if new:
            await self.writer.run(tell)

    def _candidates(self, taken: Collection[str]) -> list[Candidate]:
        found = []
        for agent in self.monitor.agents.values():
            if agent.beside:
                continue  # a human's own terminal
            status = self.monitor.status(agent.id)
            state = status.state if status.state != "idle" or settled_idle(status, now_ms()) else SETTLING
            state = "held" if state == "idle" and self.holds(agent.id) else state
            takes = loader.get(agent.harness).takes_tasks
            found.append(queue.candidate(agent, state, takes_tasks=takes, leased=agent.id in taken))
        return found

    async def _prepare(self, attempt: Attempt, agent: Agent) -> None:
        """A fresh branch (what was left is committed on the old one), then the delivery of the spec's own text."""
        await reach("leased", attempt.task)
        try:
            base = (await self.writer.run(lambda conn: queue.task(conn, attempt.task))).base
            agent = await (self._in_place(attempt, agent) if agent.here else self._branch(attempt, agent, base))
        except AgentDeckError as error:
            reason = f"{error.title}. {error.hint}".strip()
            await self.writer.run(lambda conn: _refuse(conn, attempt, reason))
            return
        await reach("prepared", attempt.task)
        await self.writer.run(lambda conn: _deliver(conn, attempt, agent))
        await reach("handed", attempt.task)

    async def _in_place(self, attempt: Attempt, agent: Agent) -> Agent:
        """In the human's own checkout nothing is made; what it stands on is where the attempt begins."""
        head = await asyncio.to_thread(worktrees.head, agent.worktree)
        await self.writer.run(lambda conn: queue.set_branch(conn, attempt, agent.branch, head))
        return agent

    async def _branch(self, attempt: Attempt, agent: Agent, base: str) -> Agent:
        await asyncio.to_thread(trees.require, agent)
        n, base = agent.task_count + 1, base or agent.base
        needed = await self.writer.run(lambda conn: foundation.heads(conn, attempt.task))
        if needed:
            base = await asyncio.to_thread(foundation.lay, Path(agent.repo), base, needed)
        made = await asyncio.to_thread(worktrees.next_branch, agent.worktree, agent.name, n, base, task=attempt.task)
        await reach("branched", attempt.task)
        count = int(made.branch.rsplit("/", 1)[-1])
        agent = replace(agent, branch=made.branch, base_oid=made.base_oid, task_count=count)

        def change(conn: sqlite3.Connection) -> None:
            rows.update(conn, "agents", "id", agent.id, task_count=count, branch=agent.branch, base_oid=agent.base_oid)
            queue.set_branch(conn, attempt, agent.branch, agent.base_oid)
            if made.saved_oid:
                rows.event(
                    conn, now_ms(), "agent", agent.id, action="leftovers", commit=made.saved_oid, ref=made.saved_ref
                )

        await self.writer.run(change)
        return agent

    async def _finish_ended(self) -> None:
        running = await self.writer.run(_in_hand)
        self.judging.hear(attempt for attempt, _, state in running if state == "verifying")
        await self.overseer.look(attempt for attempt, _, state in running if state == "running")
        for attempt, delivery, state in running:
            if state == "verifying":
                continue
            agent = self.monitor.agents.get(attempt.agent)
            status = self.monitor.status(attempt.agent) if agent else Status("exited")
            changed = self._hook_changed(attempt.agent)
            end = outcome(status, delivery, changed, now_ms())
            if attempt.agent in self._preparing:
                continue
            if end is None and not attempt.delivery and agent is not None and await self._unprepared(attempt):
                self._begin(attempt, agent)  # an earlier engine ended before it had handed the text over
            if end is None or self.pauses(attempt.agent):
                continue
            if end[0] == "limited" and not await self._has_another(attempt):
                continue  # it goes on itself once the limit is over
            if end[0] == "ended" and agent is not None:
                await reach("rested", attempt.task)
                await self.writer.run(lambda conn, task=attempt.task: queue.check(conn, task))
                await reach("verifying", attempt.task)
            else:
                await self._finish(attempt, agent, *end)

    async def _unprepared(self, attempt: Attempt) -> bool:
        """Whether nobody has handed the text over: what was read of the attempt may be older than our own doing."""
        return await self.writer.run(lambda conn: _waits_for_text(conn, attempt))

    async def _has_another(self, attempt: Attempt) -> bool:
        """Whether the task's niche names another harness or model that could go on at once."""
        niche = (await self.writer.run(lambda conn: queue.task(conn, attempt.task))).niche
        return len(settings.current().niches.get(niche, ())) > 1

    def _hook_changed(self, agent_id: str) -> int:
        """When the newest hook that fits idle came in, 0 without one: a turn may be too short to be seen."""
        watched = self.monitor.watched.get(agent_id)
        hook = watched.evidence.get("hook") if watched else None
        return hook.changed if hook is not None and "idle" in hook.states else 0

    async def _finish(self, attempt: Attempt, agent: Agent | None, end: Outcome, reason: str) -> None:
        head = ""
        if agent is not None:
            try:
                head = await asyncio.to_thread(worktrees.head, agent.worktree)
            except AgentDeckError:
                head = ""  # the tree is gone; the attempt's end stands all the same
        with contextlib.suppress(AgentDeckError, OSError):  # the meter tries again in its next round
            await self.count()

        def change(conn: sqlite3.Connection) -> None:
            task = queue.task(conn, attempt.task)
            routed = end == "failed" and task.niche  # its next harness tries: nobody's failure
            state = queue.finish(conn, attempt.task, attempt.n, "limited" if routed else end, reason, head, limit(task))
            if end == "failed" and state == "queued" and agent is not None and not routed:
                words = f"Your last turn ended in an error ({reason}). Go on with the task: {task.title}"
                queue.carry_on(conn, attempt, agent, words)

        await self.writer.run(change)


def _lease(conn: sqlite3.Connection, task: Task, agent: Agent) -> Attempt:
    """A new attempt; in the same tree when this agent was only held up by a limit and still stands there."""
    tried = queue.task(conn, task.id).attempts
    last = tried[-1] if tried else None
    if last and last.outcome == "limited" and (last.agent, last.branch) == (agent.id, agent.branch):
        return queue.carry_on(conn, last, agent, f"The usage limit is over. Go on with the task: {task.title}")
    return queue.lease(conn, task.id, agent)


def _refuse(conn: sqlite3.Connection, attempt: Attempt, reason: str) -> None:
    queue.finish(conn, attempt.task, attempt.n, "refused", reason, limit=limit(queue.task(conn, attempt.task)))


def _give_up(conn: sqlite3.Connection, held: Collection[int]) -> None:
    """A task that was tried and has nothing left to spend does not wait for ever."""
    query = "SELECT 1 FROM tasks t JOIN attempts a ON a.task = t.id WHERE t.id = ? AND t.state = 'queued'"
    for task in held:
        if conn.execute(query, (task,)).fetchone():
            queue.give_up(conn, task, f"its budget is spent: {budget_report.spent_task(conn, task)}")


def _taken(conn: sqlite3.Connection) -> set[str]:
    return {row[0] for row in conn.execute(TAKEN)}


def _last_event(conn: sqlite3.Connection) -> int:
    """Every change to a task is an event."""
    row = conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return int(row[0]) if row else 0


def settled_idle(status: Status, now: int) -> bool:
    """Fresh, idle, and so for a moment: between two steps of one turn a client may look idle."""
    return status.state == "idle" and now - status.checked < MAX_AGE_MS and now - status.since >= IDLE_FOR_MS


def outcome(status: Status, delivery: dict[str, int | str], hook_changed: int, now: int) -> tuple[Outcome, str] | None:
    """How a running attempt ended, or None while it goes on. Pure.

    `delivery` holds state, reason, submitted and settled (UTC ms); `hook_changed` is when the
    newest hook event that fits idle came in.
    """
    state, submitted = str(delivery.get("state", "")), int(delivery.get("submitted", 0))
    if status.state == "exited":
        return ("died", f"the agent ended: {status.why}")
    if state == "refused":
        return ("refused", str(delivery.get("reason", "")))
    if state not in ("acknowledged", "uncertain") or not submitted:
        return None
    worked = status.since > submitted or hook_changed > submitted
    if status.state == "limited" and status.since > submitted and now - status.since >= LIMITED_FOR_MS:
        return ("limited", status.why)
    if status.state == "failed" and status.since > submitted:
        return ("failed", status.why)
    if settled_idle(status, now) and worked:
        return ("ended", "")
    if state == "uncertain" and settled_idle(status, now) and now - int(delivery.get("settled", 0)) > UNCERTAIN_FOR_MS:
        return ("refused", str(delivery.get("reason", "")))
    return None


def _in_hand(conn: sqlite3.Connection) -> list[tuple[Attempt, dict[str, int | str], str]]:
    found = []
    states = dict(conn.execute("SELECT id, state FROM tasks WHERE state IN ('running', 'verifying')").fetchall())
    for attempt in queue.running(conn):
        row = conn.execute(
            "SELECT state, reason, submitted, settled FROM deliveries WHERE id = ?", (attempt.delivery,)
        ).fetchone()
        found.append((attempt, dict(row) if row else {}, str(states.get(attempt.task, ""))))
    return found


def _waits_for_text(conn: sqlite3.Connection, attempt: Attempt) -> bool:
    query = "SELECT 1 FROM attempts WHERE task = ? AND n = ? AND outcome = 'running' AND delivery = ''"
    return conn.execute(query, (attempt.task, attempt.n)).fetchone() is not None


def _deliver(conn: sqlite3.Connection, attempt: Attempt, agent: Agent) -> None:
    if not _waits_for_text(conn, attempt):
        return  # cancelled meanwhile
    text = specs.stored(queue.text(conn, attempt.spec_version)).body
    rejected = [a for a in queue.task(conn, attempt.task).attempts if a.outcome == "rejected" and a.reason]
    if rejected:
        text += f"\n\nAn earlier attempt was rejected by a human: {rejected[-1].reason}"
    key = deliveries.add(conn, agent.id, text, kind="task", task=attempt.task)
    queue.set_delivery(conn, attempt, key)
