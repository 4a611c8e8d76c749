"""The bundled price list. Its library takes 0.3 s and 36 MB to load: call this in a worker thread only.

Its rules, which our classes follow: a response's input includes cache reads and writes; 1-hour
writes are a part of the writes; a class without a price of its own pays that of the class it is
part of; a step holds for all tokens once the whole input is above it. Prices are per UTC day, so
those that change by the hour (off-peak) are taken at midnight.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from agentdeck.models.price import PICO_PER_DOLLAR_MTOK, Quote, Rates, per_token

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

# Our class -> the list's prices that may hold for it, the closest first.
_KEYS: dict[str, tuple[str, ...]] = {
    "input": ("input_mtok",),
    "cache_read": ("cache_read_mtok", "input_mtok"),
    "cache_write_5m": ("cache_write_mtok", "input_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "output": ("output_mtok",),
}
_CONTEXTS: dict[str, dict[str, str]] = {
    "fast": {"speed": "fast", "service_tier": "fast"},
    "batch": {"processing": "batch"},
    "priority": {"service_tier": "priority"},
    "flex": {"service_tier": "flex"},
}
_IN_COUNTRY = Decimal("1.1")  # inference kept in one country; the list does not know of it


def source() -> str:
    """The list and its version, as stored beside each price."""
    from importlib.metadata import version

    return f"genai-prices {version('genai-prices')}"


def find(model: str, variant: str, day: str) -> Quote:
    """The price of `model` on a UTC day (YYYY-MM-DD). `variant` as in UsageRecord.

    A model that the list does not know by this very name is unpriced, and so is a variant that it
    has no price for: nothing is guessed.
    """
    found = _model(model)
    if found is None:
        return Quote(source())
    signs = set(filter(None, variant.split("+")))
    context = {key: value for sign in sorted(signs) for key, value in _CONTEXTS.get(sign, {}).items()}
    if not all(_knows(found, _CONTEXTS[sign]) for sign in signs & _CONTEXTS.keys()):
        return Quote(source(), None, found.id, found.context_window)
    prices = found.get_prices(datetime.fromisoformat(day).replace(tzinfo=UTC), context or None)
    rates = _rates(prices, _IN_COUNTRY if "us" in signs else Decimal(1))
    return Quote(source(), rates, found.id, found.context_window)


def _model(name: str) -> ModelInfo | None:
    from genai_prices.data_snapshot import get_snapshot

    plain = re.sub(r"\[\w+\]$", "", name)  # a client's own mark for a longer window
    try:
        return get_snapshot().find_provider_model(plain, None, None, None)[1]
    except LookupError:
        return None


def _knows(model: ModelInfo, context: dict[str, str]) -> bool:
    """Whether the list has a price for this way of asking; without one it would silently give the standard price."""
    wanted = context.items()
    return any(variant.when.items() <= wanted for variant in model.price_variants or ())


def _rates(prices: ModelPrice, scale: Decimal) -> Rates | None:
    """None when input or output has no price of its own."""
    ladders = {}
    for name, keys in _KEYS.items():
        price = next((prices.__dict__[key] for key in keys if prices.__dict__.get(key) is not None), None)
        if price is None:
            return None
        ladders[name] = tuple((start, per_token(dollars * scale)) for start, dollars in _steps(price))
    per_thousand = prices.__dict__.get("web_searches_kcount")
    search = round(per_thousand * PICO_PER_DOLLAR_MTOK * 1000) if isinstance(per_thousand, Decimal) else 0
    return Rates(ladders, search)


def _steps(price: Decimal | TieredPrices) -> list[tuple[int, Decimal]]:
    if isinstance(price, Decimal):
        return [(0, price)]
    return [(0, price.base), *((tier.start, tier.price) for tier in price.tiers)]
