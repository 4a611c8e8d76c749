"""What may be used, by whom, and what happened when it was: the nouns of budgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Scope = Literal["agent", "task", "team", "repo", "day"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
Unit = Literal["usd", "tokens", "minutes", "turns"]
UNITS: tuple[Unit, ...] = get_args(Unit)
Level = Literal["", "warn", "hold", "interrupt", "stop"]
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Limits or what was used of them; 0 is none. `usd` in nano-dollars, `minutes` in milliseconds at work.

    `turns` are responses of the model, subagents' included, which is what `--max-turns` of clients counts.
    """

    usd: int = 0
    tokens: int = 0
    minutes: int = 0
    turns: int = 0

    def __bool__(self) -> bool:
        return any((self.usd, self.tokens, self.minutes, self.turns))


UNLIMITED = Amounts()


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one agent (id), task (number), team, repository (path), or of the whole deck's day (key '').

    `source` says who set them: `set` by a human, `spec`, or `config.toml`.
    """

    scope: Scope
    key: str
    limits: Amounts
    source: str = "set"


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used; `unpriced_tokens` are in `used.tokens`, and their dollars are unknown."""

    used: Amounts = Amounts()
    unpriced_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """One limit of a budget and how much of it is used. `blind`: tokens whose dollars are unknown."""

    budget: Budget
    unit: Unit
    used: int
    limit: int
    blind: int = 0

    @property
    def share(self) -> float:
        return self.used / self.limit


@dataclass(frozen=True, slots=True)
class Act:
    """What a budget has done to an agent, as it stands. Times in UTC milliseconds.

    `pressed` is when it was interrupted (0: not yet) and `turns` how many responses it had had by then.
    """

    level: Level
    why: str
    scope: str
    since: int
    pressed: int = 0
    turns: int = 0
