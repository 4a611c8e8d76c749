"""Our integer prices against the price list's own arithmetic, and the rules it leaves to us."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from agentdeck.adapters import prices
from agentdeck.models import pricing
from agentdeck.models.price import CLASSES, Quote, Rates
from agentdeck.models.usage import Tokens, UsageRecord

DAY = "2026-11-20"


def _listed(model: str, tokens: Tokens) -> int:
    """Nano-dollars by the library; its input includes the cache, its 1-hour writes are a part of the writes."""
    usage = Usage(
        input_tokens=tokens.total - tokens.output,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write_5m + tokens.cache_write_1h,
        cache_write_1h_tokens=tokens.cache_write_1h,
        output_tokens=tokens.output,
    )
    at = datetime.fromisoformat(DAY).replace(tzinfo=UTC)
    return round(calc_price(usage, model, genai_request_timestamp=at).total_price * 10**9)


def test_every_model_of_the_list_that_has_a_price_for_input_and_output() -> None:
    pick, compared = random.Random(1), 0
    for model in [model.id for provider in get_snapshot().providers for model in provider.models]:
        rates = prices.find(model, "", DAY).rates
        if rates is None:
            continue
        for size in (1, 10_000, 300_000):
            tokens = Tokens(*(pick.randrange(5 * size) for _ in range(5)))
            assert abs(pricing.cost(rates, tokens) - _listed(model, tokens)) <= 1, model
            compared += 1
    assert compared > 1000


def _cost(model: str, tokens: Tokens, variant: str = "", searches: int = 0) -> int:
    rates = prices.find(model, variant, DAY).rates
    assert rates is not None
    return pricing.cost(rates, tokens, searches)


def test_hour_writes_cost_more_than_five_minute_writes() -> None:
    assert _cost("claude-opus-5-5", Tokens(cache_write_5m=1_000_000)) == 5 * 10**9
    assert _cost("claude-opus-5-5", Tokens(cache_write_1h=1_000_000)) == 8 * 10**9


def test_the_step_of_a_long_context_is_a_cliff_and_counts_the_cache() -> None:
    below = Tokens(input=100_000, cache_read=100_000, output=1_000)
    above = Tokens(input=100_001, cache_read=100_000, output=1_000)
    assert _cost("claude-sonnet-4-5", below) == 300_000_000 + 30_000_000 + 15_000_000
    assert _cost("claude-sonnet-4-5", above) == 600_006_000 + 60_000_000 + 22_500_000


def test_variants_and_searches() -> None:
    plain = Tokens(input=1000, output=1000)
    fast = prices.find("claude-opus-5-5", "fast", DAY).rates
    assert fast is not None
    assert pricing.cost(fast, plain) > _cost("claude-opus-5-5", plain)
    assert prices.find("claude-haiku-4-5", "fast", DAY).rates is None
    assert _cost("claude-opus-5-5", plain, "batch") < _cost("claude-opus-5-5", plain)
    assert _cost("claude-opus-5-5", plain, "us") == _cost("claude-opus-5-5", plain) * 11 // 10
    assert _cost("claude-opus-5-5", Tokens(), searches=3) == 30_000_000


def test_a_mark_for_the_long_window_is_no_other_model() -> None:
    assert prices.find("claude-opus-5-5[1m]", "", DAY) == prices.find("claude-opus-5-5", "", DAY)


@pytest.mark.parametrize("model", ["", "claude-99", "claude-opus-5-5-fast", "somebody-9"])
def test_an_unknown_model_is_unpriced_and_never_free(model: str) -> None:
    quote = prices.find(model, "", DAY)
    assert quote.rates is None
    assert pricing.price(UsageRecord("k", "h", "s", 1, model, Tokens(output=5)), quote) == (None, "")


def test_the_clients_own_figure_wins() -> None:
    record = UsageRecord("k", "h", "s", 1, "claude-opus-5-5", Tokens(output=5), client_cost=123)
    assert pricing.price(record, prices.find(record.model, "", DAY)) == (123, "client")


def test_rates_survive_the_database() -> None:
    for rates in (prices.find("claude-sonnet-4-5", "", DAY).rates, pricing.flat({"input": 0.0375, "output": 2})):
        assert pricing.parse(pricing.dump(rates)) == rates
    assert pricing.parse(pricing.dump(None)) is None


def test_a_price_of_ones_own_is_flat_and_a_class_left_out_is_free() -> None:
    tokens = Tokens(input=2, cache_read=500, output=1)
    quote = Quote("config", pricing.flat({"input": 0.0375, "output": 2}))
    assert pricing.price(UsageRecord("k", "h", "s", 1, "m", tokens), quote) == (2075, "config")


_tokens = st.builds(Tokens, *[st.sampled_from([0, 1, 99, 100, 101, 199, 200, 201])] * 5)


@given(_tokens)
def test_every_class_pays_the_step_that_the_whole_input_has_reached(tokens: Tokens) -> None:
    ladders = {name: ((0, 7000), (100 * (1 + number % 2), 9000)) for number, name in enumerate(CLASSES)}
    whole = sum(tokens[:4])
    paid = [7000 if whole <= 100 * (1 + number % 2) else 9000 for number in range(5)]
    expected = sum(amount * rate for amount, rate in zip(tokens[:5], paid, strict=True)) // 1000
    assert pricing.cost(Rates(ladders), tokens) == expected
