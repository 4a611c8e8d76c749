"""Agents that the queue starts by itself, up to a cap of the user's: called `queue-1`, `queue-2` and so on.

One that has ended is resumed before a new one is made. `warm` of them are kept idle, set up and ready, so that the
next task starts at once. Asked for by a request like a human's own.
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agentdeck.adapters.database.store import Writer
from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.task import Task
from agentdeck.services import rows, settings
from agentdeck.services.queue.assignment import UNABLE, Candidate, Rules, fits

OURS = re.compile(r"queue-(\d+)")
AGAIN_MS = 60_000  # after one could not be started
STARTING = ("starting", "unknown")


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
    warm: int,
    habit: Callable[[str], tuple[str, str]],
) -> Start | None:
    """The next agent to start, if any. Pure. `ready`: tasks that may start and found nobody, in order.

    `habit` gives the harness and model that a repository's tasks go to when neither task nor niche names one.
    """  # fmt: skip
    states = {one.id: one for one in candidates}
    ours = [agent for agent in agents if OURS.fullmatch(agent.name)]
    up = [agent for agent in ours if agent.life in ("live", "creating")]
    coming = [agent for agent in up if _is_coming(agent, states.get(agent.id))]
    if len(up) >= cap or len(coming) >= len(ready) + warm:
        return None
    unserved = [task for task in ready if not any(_serves(task, agent, rules) for agent in coming)]
    task = next(iter([*unserved, *ready]), None)
    if task is None:  # another one in reserve, like the last
        last = ours[-1] if ours else None
        return _start(last.repo, last.harness, last.model, last.team, ours) if last else None
    harness, model = _route(task, candidates, rules) or habit(task.repo)
    chosen = task.harness or harness
    return _start(task.repo, chosen, task.model or model, task.team, ours) if chosen else None


def _is_coming(agent: Agent, seen: Candidate | None) -> bool:
    """Whether it will take a task as soon as there is one for it."""
    return agent.life == "creating" or seen is None or seen.free or seen.state in STARTING


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


def _start(repo: str, harness: str, model: str, team: str, ours: Iterable[Agent]) -> Start:
    for agent in ours:
        alike = (agent.repo, agent.harness, agent.model, agent.team) == (repo, harness, model, team)
        if agent.life == "stopped" and alike:
            return Start(agent.name, repo, harness, model, team, agent.id)
    taken = {int(found[1]) for agent in ours if (found := OURS.fullmatch(agent.name))}
    number = next(n for n in range(1, len(taken) + 2) if n not in taken)
    return Start(f"queue-{number}", repo, harness, model, team)


class Spawner:
    """`look` after each round of the queue; at most one start is on its way at a time."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self._asked = ""
        self._not_before = 0

    async def look(
        self, ready: Sequence[Task], agents: Sequence[Agent], known: Sequence[Candidate], rules: Rules
    ) -> None:
        limits = settings.current().queue
        if not limits.spawn or now_ms() < self._not_before or await self._on_its_way():
            return
        habits = {agent.repo: (agent.harness, agent.model) for agent in agents if loader.get(agent.harness).takes_tasks}
        start = wanted(ready, agents, known, rules, limits.spawn, limits.warm, lambda repo: habits.get(repo, ("", "")))
        if start is not None:
            self._asked = await self.writer.run(lambda conn: _ask(conn, start))

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
