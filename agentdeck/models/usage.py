"""Tokens and cost of one model response, as the provider counted it.

These two are tuples because a first scan makes some hundred thousand of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Tokens(NamedTuple):
    """Disjoint token classes; `reasoning` is a part of `output`, kept beside it."""

    input: int = 0  # uncached input
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        return self[0] + self[1] + self[2] + self[3] + self[4]

    def __add__(self, other: Tokens) -> Tokens:  # type: ignore[override]
        return Tokens(
            self.input + other.input,
            self.cache_read + other.cache_read,
            self.cache_write_5m + other.cache_write_5m,
            self.cache_write_1h + other.cache_write_1h,
            self.output + other.output,
            self.reasoning + other.reasoning,
        )

    def __sub__(self, other: Tokens) -> Tokens:
        """May be negative: a difference of two counts."""
        return Tokens(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))


class UsageRecord(NamedTuple):
    """One model response. `key` is globally unique and stable over re-reads; `ts` UTC milliseconds.

    `session` is the vendor session that paid, '' for a copy that does not tell it; `sidechain`
    the subagent id when there is one.
    `message` is the response's own id, with which `key` begins: copies of one response share it
    even where their keys differ. A key that ends in '/' is that of a copy which does not tell its
    request: it is the same response as any other copy of its message. `client_cost` is the
    client's own price in nano-dollars, None when it gives none. `variant` names what changes the
    price of the same model, sorted and joined by '+': fast, batch, priority, flex, us. `searches`
    are web searches, billed apart.
    """

    key: str
    harness: str
    session: str
    ts: int
    model: str
    tokens: Tokens
    sidechain: str = ""
    cwd: str = ""
    client_cost: int | None = None
    context_tokens: int = 0  # fill of the context window after this response; 0 on side chains
    message: str = ""
    variant: str = ""
    searches: int = 0


@dataclass(frozen=True, slots=True)
class ClientTotal:
    """What a client says that a session has used by `at` (UTC ms): a running total, of one model or ('') of all.

    `source`: "session" is with its side chains; "thread ID" is one chain alone, the main one when the id is the
    session's; "statusline" is its cost alone. A fork goes on from the total of its `parent`. `cost` in nano-dollars,
    None when the client tells none. `lasted`: how long the processes have run that are in it, in ms, where it says so.
    """

    harness: str
    session: str
    model: str
    at: int
    tokens: Tokens
    cost: int | None = None
    parent: str = ""
    source: str = "session"
    lasted: int = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of an account's allowance is used, as its provider says; `resets_at` UTC ms, 0 when it is not told.

    `window` is its name and length, such as 5h or 7d.
    """

    harness: str
    window: str
    used_percent: float
    resets_at: int
    at: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a piece of a transcript told. `state` is what its reader must know to read the next piece.

    `damaged` counts rows that were damaged or strange. `limits` are the newest of each window. `context_window` is what
    the client says that its context holds, in tokens; 0 when it says nothing.
    """

    records: list[UsageRecord] = field(default_factory=list)
    damaged: int = 0
    state: str = ""
    totals: list[ClientTotal] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    context_window: int = 0
