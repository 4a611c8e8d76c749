"""What a model costs on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

# The billed token classes, by the names that Tokens gives them.
CLASSES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
PICO_PER_DOLLAR_MTOK = 1_000_000

# One class's rates: (input tokens of the request above which it holds, rate), ascending from 0.
Ladder = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Rates:
    """Pico-dollars per token of every class, and per web search.

    $1 per million tokens is 1,000,000 pico-dollars per token, so every published price is a
    whole number. A ladder is a cliff: once a request's whole input is above a step, all its
    tokens pay that step.
    """

    classes: Mapping[str, Ladder] = field(default_factory=dict)
    search: int = 0
    flat: tuple[int, ...] = field(default=(), init=False, compare=False)
    """The lowest steps in the order of CLASSES; they hold for a whole input of up to `until` tokens"""
    until: int = field(default=0, init=False, compare=False)

    def __post_init__(self) -> None:
        ladders = [self.classes.get(name, ()) for name in CLASSES]
        if all(ladders):
            object.__setattr__(self, "flat", tuple(ladder[0][1] for ladder in ladders))
            steps = [start for ladder in ladders for start, _ in ladder[1:]]
            object.__setattr__(self, "until", min(steps, default=1 << 62))


@dataclass(frozen=True, slots=True)
class Quote:
    """What is known of a price. `rates` None means unpriced, which is not free.

    `source` names the list and its version; `resolved` is the model the list took it for.
    """

    source: str
    rates: Rates | None = None
    resolved: str = ""
    context_window: int | None = None


def per_token(dollars_per_million: float | Decimal) -> int:
    """Pico-dollars per token."""
    return round(Decimal(str(dollars_per_million)) * PICO_PER_DOLLAR_MTOK)
