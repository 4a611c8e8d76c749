"""Evidence and the verdict over it: the words of status, and nothing that decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

State = Literal[
    "starting", "working", "needs_input", "retrying", "limited", "idle", "failed", "hung", "exited", "unknown"
]
STATES: tuple[State, ...] = get_args(State)
Reason = Literal["", "permission", "question", "dialog"]

# How far a source is trusted, most first. Equal ranks: the newer change wins.
TRUST: dict[str, int] = {
    "tmux": 9,  # the pane is dead: nothing speaks against that
    "vendor": 6,  # the client's own status file or server events
    "hook": 6,
    "transcript": 5,
    "title": 4,
    "screen": 3,
    "process": 2,
    "silence": 1,
}


@dataclass(frozen=True, slots=True)
class Ask:
    """What a waiting agent asks, in full. `options` are the answers it offers, in order."""

    text: str
    kind: Reason = "permission"
    tool: str = ""
    detail: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One dated observation of one source.

    `states` are the states it is compatible with, the likeliest first; an empty tuple
    asserts nothing. `changed` is when its value last changed and `at` when it was last
    confirmed, both in UTC milliseconds. `why` is one line a human can read.
    """

    source: str
    states: tuple[State, ...]
    changed: int
    at: int
    why: str
    reason: Reason = ""
    ask: Ask | None = None
    until: int = 0  # for `limited`: when the limit resets, 0 when unknown
    background: bool = False  # a turn ended while background work goes on: not idle, though its screen may look so


@dataclass(frozen=True, slots=True)
class Status:
    """The verdict: what an agent is doing, which source said so, since when, and why."""

    state: State = "unknown"
    source: str = ""
    since: int = 0
    why: str = "no source has spoken yet"
    reason: Reason = ""
    ask: Ask | None = None
    until: int = 0
    checked: int = 0
    last_known: State | None = field(default=None)
