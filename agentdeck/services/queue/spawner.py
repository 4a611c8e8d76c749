"""Agents that the queue starts by itself, up to a cap of the user's: called `queue-1`, `queue-2` and so on.

One that has ended is resumed before a new one is made. `warm` worktrees are kept set up and ready, so that the next
new one starts at once. Asked for by a request like a human's own.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from agentdeck.adapters.database.store import Writer
from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.task import Task
from agentdeck.services import rows, settings
from agentdeck.services.queue.assignment import SETTLING, UNABLE, Candidate, Rules, fits
from agentdeck.services.trees import warm
from agentdeck.services.trees.warm import WarmPool

OURS = re.compile(r"queue-(\d+)")
AGAIN_MS = 60_000  # after one could not be started
COMING = ("starting", "unknown", SETTLING)


@dataclass(frozen=True, slots=True)
class Start:
    """What to start: `resume` names an agent that has ended, else a new one is made."""

    name: str
    repo: str
    harness: str
    model: str = ""
    team: str = ""
    resume: str = ""


def wanted(
    ready: Sequence[Task],
    agents: Sequence[Agent],
    candidates: Sequence[Candidate],
    rules: Rules,
    cap: int,
    habit: Callable[[str], tuple[str, str]],
    name: Callable[[str], str] = lambda repo: "",
) -> Start | None:
    """The next agent to start, if any. Pure. `ready`: tasks that may start and found nobody, in order.

    `habit` gives the harness and model that a repository's tasks go to when neither task nor niche names one, `name`
    what a new agent there is to be called.
    """  # fmt: skip
    states = {one.id: one for one in candidates}
    ours = [agent for agent in agents if OURS.fullmatch(agent.name)]
    up = [agent for agent in ours if agent.life in ("live", "creating")]
    coming = [agent for agent in up if _is_coming(agent, states.get(agent.id))]
    if len(up) >= cap or len(coming) >= len(ready):
        return None
    unserved = [task for task in ready if not any(_serves(task, agent, rules) for agent in coming)]
    task = next(iter([*unserved, *ready]), None)
    if task is None:
        return None
    harness, model = _route(task, candidates, rules) or habit(task.repo)
    chosen = task.harness or harness
    start = Start(
        name(task.repo) or free_name(agent.name for agent in ours), task.repo, chosen, task.model or model, task.team
    )
    return _ended_alike(start, ours) or start if chosen else None


def _is_coming(agent: Agent, seen: Candidate | None) -> bool:
    """Whether it will take a task as soon as there is one for it."""
    return agent.life == "creating" or seen is None or seen.free or seen.state in COMING


def _serves(task: Task, agent: Agent, rules: Rules) -> bool:
    return fits(
        task, Candidate(agent.id, agent.name, agent.repo, agent.harness, agent.model, team=agent.team), rules.routes
    )


def _route(task: Task, candidates: Sequence[Candidate], rules: Rules) -> tuple[str, str] | None:
    """The preferred entry of the task's niche none of whose agents is at a limit or down."""
    for harness, model in rules.routes.get(task.niche, ()) if task.niche else ():
        mine = [one for one in candidates if one.harness == harness and model in ("", one.model)]
        if f"harness {harness}" not in rules.paused and not any(one.state in UNABLE[:2] for one in mine):
            return harness, model
    return None


def _ended_alike(start: Start, ours: Iterable[Agent]) -> Start | None:
    """One that has ended and is just what would be made anew."""
    wanted = (start.repo, start.harness, start.model, start.team)
    for agent in ours:
        if agent.life == "stopped" and (agent.repo, agent.harness, agent.model, agent.team) == wanted:
            return replace(start, name=agent.name, resume=agent.id)
    return None


def free_name(taken: Iterable[str]) -> str:
    """`queue-N`, N being the lowest number that is free."""
    numbers = {int(found[1]) for name in taken if (found := OURS.fullmatch(name))}
    return f"queue-{next(n for n in range(1, len(numbers) + 2) if n not in numbers)}"


class Spawner:
    """`look` after each round of the queue; at most one start is on its way at a time."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.pool = WarmPool(writer)
        self.environ: Callable[[str], dict[str, str]] = lambda file: {}  # what a set-up command is run with
        self._asked = ""
        self._not_before = 0

    async def look(
        self, ready: Sequence[Task], agents: Sequence[Agent], known: Sequence[Candidate], rules: Rules
    ) -> None:
        limits = settings.current().queue
        if not limits.spawn or now_ms() < self._not_before or await self._on_its_way():
            return
        prepared = await self.writer.run(warm.pool)
        habits = {agent.repo: (agent.harness, agent.model) for agent in agents if loader.get(agent.harness).takes_tasks}
        repo = next((task.repo for task in ready), next((a.repo for a in agents[::-1] if OURS.fullmatch(a.name)), ""))
        names = {agent.name for agent in agents} | (await asyncio.to_thread(warm.names, repo) if repo else set())
        free = {one.repo: one.name for one in prepared[::-1] if one.state == "ready"}
        start = wanted(
            ready, agents, known, rules, limits.spawn, lambda repo: habits.get(repo, ("", "")),
            lambda there: free.get(there) or free_name(names),
        )  # fmt: skip
        if start is not None:
            self._asked = await self.writer.run(lambda conn: _ask(conn, start))
        elif repo:
            names |= {one.name for one in prepared}
            await self.pool.look(repo, free_name(names), limits.warm, await asyncio.to_thread(self.environ, ""))

    async def _on_its_way(self) -> bool:
        if not self._asked:
            return False
        row = await self.writer.run(lambda conn: conn.execute(
            "SELECT state, result FROM requests WHERE id = ?", (self._asked,)).fetchone())  # fmt: skip
        if row is not None and row["state"] in ("queued", "running"):
            return True
        self._asked = ""
        if row is not None and row["state"] == "failed":
            self._not_before = now_ms() + AGAIN_MS
            why = json.loads(row["result"] or "{}").get("title", "")
            await self.writer.run(lambda conn: rows.event(conn, now_ms(), "queue", state="not started", reason=why))
            return True
        return False


def _ask(conn: sqlite3.Connection, start: Start) -> str:
    key = secrets.token_hex(6)
    kind = "resume" if start.resume else "new"
    args: dict[str, object] = {} if start.resume else {
        "name": start.name, "harness": start.harness, "repo": start.repo, "model": start.model, "team": start.team
    }  # fmt: skip
    more = settings.current().queue.spawn_args.get(start.harness)
    if more and not start.resume:
        args["args"] = list(more)
    conn.execute(
        "INSERT INTO requests (id, kind, agent, args, created) VALUES (?, ?, ?, ?, ?)",
        (key, kind, start.resume, json.dumps(args), now_ms()),
    )
    rows.event(conn, now_ms(), "queue", start.resume, state="started", subject=start.name, harness=start.harness)
    return key
