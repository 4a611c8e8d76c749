"""Who takes which task, and what a task's attempts make of it. Pure: rows in, decisions out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from agentdeck.models.agent import Agent
from agentdeck.models.task import Attempt, Task, TaskState

UNDELIVERED_TRIES = 3  # attempts in a row that never reached an agent, before a human must look


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent as the queue sees it. `state` is its status; `by_name` ones take only tasks that name them."""

    id: str
    name: str
    repo: str
    harness: str
    model: str = ""
    state: str = "idle"
    by_name: bool = False
    free: bool = True  # idle, alive, and no attempt of its own is running


@dataclass(frozen=True, slots=True)
class Choice:
    task: int
    agent: str


def candidate(agent: Agent, state: str, *, takes_tasks: bool, leased: bool = False) -> Candidate:
    """`leased`: an attempt of it is running. A `--here` agent shares the human's checkout, so it must be named."""
    free = state == "idle" and agent.life == "live" and not leased
    by_name = agent.here or not takes_tasks
    return Candidate(agent.id, agent.name, agent.repo, agent.harness, agent.model, state, by_name, free)


def fits(task: Task, agent: Candidate) -> bool:
    """Whether the agent may ever take the task: its repository, and the harness, model and name it asks for."""
    named = task.agent in (agent.name, agent.id) if task.agent else not agent.by_name
    return named and agent.repo == task.repo and task.harness in ("", agent.harness) and task.model in ("", agent.model)


def choose(tasks: Iterable[Task], agents: Sequence[Candidate]) -> list[Choice]:
    """Who starts what now: tasks by priority (higher first), then age; each takes the first free agent that fits."""
    free = [agent for agent in agents if agent.free]
    choices = []
    for task in sorted((t for t in tasks if t.state == "queued"), key=lambda t: (-t.priority, t.id)):
        taker = next((agent for agent in free if fits(task, agent)), None)
        if taker is not None:
            free.remove(taker)
            choices.append(Choice(task.id, taker.id))
    return choices


def why(task: Task, agents: Sequence[Candidate]) -> str:
    """One line on why the task does not run now, or what it does."""
    if task.state != "queued":
        return f"it is {task.state}" + (f": {task.reason}" if task.reason else "")
    if task.agent:
        named = [agent for agent in agents if task.agent in (agent.name, agent.id)]
        if not named:
            return f"no agent is called {task.agent}"
        if not fits(task, named[0]):
            return f"agent {named[0].name} is not what it asks for: {_wants(replace(task, agent=''))}"
        return _waits(named[0])
    able = [agent for agent in agents if fits(task, agent)]
    if not able:
        return f"no agent {_wants(task)}"
    if any(agent.free for agent in able):
        return "an agent is free: it starts next"
    if len(able) == 1:
        return _waits(able[0])
    return f"no idle agent {_wants(task)}: " + ", ".join(f"{agent.name} {_does(agent)}" for agent in able)


def _wants(task: Task) -> str:
    parts = [f"harness {task.harness}"] if task.harness else []
    parts += [f"model {task.model}"] if task.model else []
    return (f"with {' and '.join(parts)} " if parts else "") + "in this repository"


def _waits(agent: Candidate) -> str:
    if agent.free:
        return f"agent {agent.name} is free: it starts next"
    return f"waits for agent {agent.name}, which {_does(agent)}"


def _does(agent: Candidate) -> str:
    words = {"working": "works", "needs_input": "waits for a human", "idle": "has another task", "exited": "has exited",
             "held": "has spent its budget"}  # fmt: skip
    return words.get(agent.state, f"is {agent.state}")


def state_after(
    attempts: Sequence[Attempt], delivered: Collection[int], limit: int = 1, before: int = 0
) -> tuple[TaskState, str]:
    """A task's state and its reason as they follow from its attempts, oldest first.

    `delivered` are the numbers of those whose text was submitted to the agent. One that ended
    badly before that did no work, and the task goes back to the queue; after three such in a
    row a human must look. One that failed or died goes back until there are `limit` of them;
    those numbered up to `before` do not count. A usage limit is nobody's failure.
    """
    if not attempts:
        return "queued", ""
    last = attempts[-1]
    if last.outcome == "running":
        return "running", ""
    if last.outcome in ("ended", "passed", "flagged"):
        return "review", last.reason
    if last.outcome == "cancelled":
        return "cancelled", last.reason
    if last.outcome in ("refused", "died") and last.n not in delivered:
        tries = 0
        for attempt in reversed(attempts):
            if attempt.n in delivered or attempt.outcome not in ("refused", "died"):
                break
            tries += 1
        if tries % UNDELIVERED_TRIES:
            return "queued", last.reason
        return "failed", last.reason or last.outcome
    if last.outcome == "limited":
        return "queued", last.reason
    if last.outcome != "rejected":
        counted = [a for a in attempts if a.n > before and (a.outcome == "failed" or _lost(a, delivered))]
        if len(counted) < limit:
            return "queued", last.reason
    return "failed", last.reason or last.outcome


def _lost(attempt: Attempt, delivered: Collection[int]) -> bool:
    return attempt.outcome in ("died", "refused") and attempt.n in delivered
