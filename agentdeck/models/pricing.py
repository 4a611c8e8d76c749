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
    pico = searches * rates.search
    flat, fresh, read, short, long = rates.flat, tokens[0], tokens[1], tokens[2], tokens[3]
    whole_input = fresh + read + short + long
    if flat and whole_input <= rates.until:
        pico += fresh * flat[0] + read * flat[1] + short * flat[2] + long * flat[3] + tokens[4] * flat[4]
        return (pico + 500) // 1000
    for name, amount in zip(CLASSES, tokens, strict=False):
        if amount:
            pico += amount * _rate(rates.classes[name], whole_input)
    return (pico + 500) // 1000


def _rate(ladder: Ladder, whole_input: int) -> int:
    rate = ladder[0][1]
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
