"""What a client says of itself while it runs, beyond its transcript."""

from __future__ import annotations

from dataclasses import dataclass

from agentdeck.models.usage import ClientTotal, Limit


@dataclass(frozen=True, slots=True)
class Vitals:
    """Times in UTC ms; 0, None or '' where the client said nothing.

    `cold_at`: when its prompt cache expires, after which the next request writes about `recache_tokens` anew.
    `hit_ratio`: the share of its input that came out of the cache, 0 to 1.
    """

    session: str = ""
    at: int = 0
    used_tokens: int = 0
    window_tokens: int = 0
    total: ClientTotal | None = None
    limits: tuple[Limit, ...] = ()
    warm: bool | None = None
    cold_at: int = 0
    hit_ratio: float | None = None
    recache_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Warmth:
    """The prompt cache of an agent, as last told."""

    warm: bool
    cold_at: int
    hit_ratio: float | None
    recache_tokens: int
    at: int
