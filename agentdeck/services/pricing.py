"""What a response costs, in integers: rates in pico-dollars per token, costs in nano-dollars. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from agentdeck.models.price import CLASSES, Ladder, Quote, Rates, per_token
from agentdeck.models.usage import Tokens, UsageRecord


def cost(rates: Rates, tokens: Tokens, searches: int = 0) -> int:
    """Nano-dollars of one response, rounded once."""
    classes, output = rates.classes, tokens.output
    whole_input = tokens.total - output
    pico = searches * rates.search
    if tokens.input:
        pico += tokens.input * _rate(classes["input"], whole_input)
    if tokens.cache_read:
        pico += tokens.cache_read * _rate(classes["cache_read"], whole_input)
    if tokens.cache_write_5m:
        pico += tokens.cache_write_5m * _rate(classes["cache_write_5m"], whole_input)
    if tokens.cache_write_1h:
        pico += tokens.cache_write_1h * _rate(classes["cache_write_1h"], whole_input)
    if output:
        pico += output * _rate(classes["output"], whole_input)
    return (pico + 500) // 1000


def _rate(ladder: Ladder, whole_input: int) -> int:
    rate = ladder[0][1]
    if len(ladder) == 1:
        return rate
    for start, higher in ladder[1:]:
        if whole_input > start:
            rate = higher
    return rate


def price(record: UsageRecord, quote: Quote | None) -> tuple[int | None, str]:
    """Cost in nano-dollars (None: unpriced) and where it is from; the client's own figure wins."""
    if record.client_cost is not None:
        return record.client_cost, "client"
    if quote is None or quote.rates is None:
        return None, ""
    return cost(quote.rates, record.tokens, record.searches), quote.source


def flat(dollars: Mapping[str, float]) -> Rates:
    """Rates from dollars per million tokens by class; a class left out is free."""
    return Rates({name: ((0, per_token(dollars.get(name, 0.0))),) for name in CLASSES})


def day_of(ts: int) -> str:
    """The UTC day of a time in milliseconds: the price list changes at midnight UTC."""
    return _day(ts // 86_400_000)


@lru_cache(4096)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * 86_400, UTC).date().isoformat()


def dump(rates: Rates | None) -> str | None:
    """As the database keeps it."""
    if rates is None:
        return None
    return json.dumps({"classes": dict(rates.classes), "search": rates.search}, separators=(",", ":"))


def parse(stored: str | None) -> Rates | None:
    """Back from the database."""
    if stored is None:
        return None
    found = json.loads(stored)
    steps = found["classes"].items()
    return Rates({name: tuple((start, rate) for start, rate in ladder) for name, ladder in steps}, found["search"])
