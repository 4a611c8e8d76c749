"""A version of a spec in the queue, and one try at it by one agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal[
    "running", "ended", "passed", "flagged", "failed", "refused", "limited", "died", "rejected", "cancelled"
]
TaskState = Literal["queued", "blocked", "running", "verifying", "review", "accepted", "landed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. Times are UTC milliseconds; `ended` 0 while it runs."""

    task: int
    n: int
    agent: str
    harness: str
    model: str
    started: int
    outcome: Outcome = "running"
    ended: int = 0
    reason: str = ""
    branch: str = ""
    base_oid: str = ""
    head_oid: str = ""
    session: str = ""
    spec_version: str = ""
    delivery: str = ""
    config_home: str = ""  # the client's own directory: whose account it was


@dataclass(frozen=True, slots=True)
class Task:
    """A row of the queue; `id` is a serial. `repo` is where it may run."""

    id: int
    title: str
    state: TaskState
    spec_version: str
    repo: str
    priority: int = 0
    reason: str = ""
    base: str = ""
    harness: str = ""
    model: str = ""
    agent: str = ""  # a name: only this agent may take it
    verify: str = ""
    niche: str = ""
    team: str = ""
    path: str = ""  # the spec file it came from
    max_attempts: int = 0  # 0: the user's config decides
    tried_before: int = 0  # attempts up to this number do not count: a human asked for a fresh start
    keep_going: int = 0  # its agent is told to go on until verify passes or a budget ends it
    created: int = 0
    attempts: tuple[Attempt, ...] = ()
