"""Sessions of coding agents that somebody started outside the deck: looked at, never touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentdeck.models.status import Reason, State


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a client's own files tell of one session now; times are UTC milliseconds.

    `pid` is the process that has the session, `started` when the client says that it began, `transcript` the
    file that records it ('' when the harness's own pattern finds it). `told` is the client's status file; a client
    without one is described by `states`, the likeliest first, since `changed`, and `why`.
    """

    session: str
    pid: int
    cwd: str
    name: str = ""
    started: int = 0
    transcript: str = ""
    told: Mapping[str, object] = field(default_factory=dict)
    states: tuple[State, ...] = ()
    changed: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A row of `foreign_sessions`: a session that runs elsewhere, or has ended a while ago. Times as above.

    `pid` is 0 once its process has ended, at `ended`. `config_home` is where its client keeps its own files.
    """

    harness: str
    session: str
    config_home: str
    cwd: str
    pid: int = 0
    pid_start: float = 0.0
    name: str = ""
    transcript: str = ""
    started: int = 0
    state: State = "unknown"
    reason: Reason = ""
    source: str = ""
    since: int = 0
    why: str = ""
    ended: int = 0
