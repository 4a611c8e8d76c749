"""How work is handed out, checked, routed and limited."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from agentdeck.config.tables import STRICT, within


@dataclass(frozen=True, slots=True)
class Gate:
    """How the verify command of a task is run: for how long, how much it may print (10^6 bytes), and which
    variables of your environment it sees beside the usual ones (PATH, HOME, LANG and the like)."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    verify_seconds: float = 900.0
    output_mb: float = 64.0
    env: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        within("verify_seconds", 1, 86_400, self.verify_seconds)
        within("output_mb", 0.01, 10_000, self.output_mb)


@dataclass(frozen=True, slots=True)
class Queue:
    """How tasks are handed out; a cap of 0 is none.

    `max_attempts` a task; after `breaker` attempts in a row that died, were refused or never started, a harness or a
    spec pauses until `agentdeck task resume`. `review_cap`: nothing new starts while so many tasks wait for your
    judgement. `watch`: folders whose specs are queued, once you approve each text. `hung_minutes`: so long an agent
    may hang before it is interrupted. `stop_after_turns`: so many turns without a change end a task that keeps going.
    `spawn`: how many agents the queue may start by itself (0: none), with the environment of your last command or
    dashboard, and `spawn_args` (by harness) on their command line; `warm`: how many worktrees it keeps
    set up for them in advance. `auto_accept`: specs may ask to be accepted without you.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    max_attempts: int = 3
    breaker: int = 5
    per_repo: int = 0
    per_harness: dict[str, int] = field(default_factory=dict)
    per_account: int = 0
    review_cap: int = 0
    watch: tuple[str, ...] = ()
    hung_minutes: float = 10.0
    stop_after_turns: int = 3
    spawn: int = 0
    spawn_args: dict[str, tuple[str, ...]] = field(default_factory=dict)
    warm: int = 0
    auto_accept: bool = False

    def __post_init__(self) -> None:
        within("max_attempts", 1, 100, self.max_attempts)
        within("breaker", 1, 1000, self.breaker)
        within("a cap", 0, 1000, self.per_repo, self.per_account, self.review_cap, *self.per_harness.values())
        within("hung_minutes", 0.01, 10_000, self.hung_minutes)
        within("stop_after_turns", 1, 1000, self.stop_after_turns)
        within("spawn", 0, 100, self.spawn)
        within("warm", 0, 20, self.warm)


@dataclass(frozen=True, slots=True)
class Route:
    """One choice for a niche: a harness, and perhaps a model of it."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    harness: str
    model: str = ""


NICHE = re.compile(r"frontier|workhorse|local|expert:[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Dollars, tokens, minutes at work, and turns (responses of the model); 0 is no limit."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    usd: float = 0.0
    tokens: int = 0
    minutes: float = 0.0
    turns: int = 0

    def __post_init__(self) -> None:
        within("a limit", 0, 1e15, self.tokens, self.turns)
        within("a limit", 0, 1e9, self.usd, self.minutes)


@dataclass(frozen=True, slots=True)
class Budgets:
    """`agent` and `task` hold for each one, `team` by name, `repo` by path, `day` for the whole deck from midnight on.

    A limit set by `agentdeck budget` holds beside these: the lower one counts. From the share `warn` of a limit on it
    is said, from `hold` on an agent is handed nothing more; at the limit it is interrupted, and stopped if it goes on.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    warn: float = 0.8
    hold: float = 0.9
    agent: Limits = Limits()
    task: Limits = Limits()
    team: dict[str, Limits] = field(default_factory=dict)
    repo: dict[str, Limits] = field(default_factory=dict)
    day: Limits = Limits()

    def __post_init__(self) -> None:
        within("warn", 0.01, 1, self.warn)
        within("hold", 0.01, 1, self.hold)
        if self.warn > self.hold:
            raise ValueError(f"warn ({self.warn:g}) must not be above hold ({self.hold:g})")
