"""Tokens and cost of one model response, as the provider counted it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tokens:
    """Disjoint token classes; `reasoning` is a part of `output`, kept beside it."""

    input: int = 0  # uncached input
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h + self.output

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input + other.input,
            self.cache_read + other.cache_read,
            self.cache_write_5m + other.cache_write_5m,
            self.cache_write_1h + other.cache_write_1h,
            self.output + other.output,
            self.reasoning + other.reasoning,
        )


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One model response. `key` is globally unique and stable over re-reads; `ts` UTC milliseconds.

    `session` is the vendor session that paid, `sidechain` the subagent id when there is one.
    `message` is the response's own id: copies of one response share it even where their keys
    differ. `client_cost` is the client's own price in nano-dollars, None when it gives none.
    `variant` names what changes the price of the same model, sorted and joined by '+': fast,
    batch, priority, flex, us. `searches` are web searches, billed apart.
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
