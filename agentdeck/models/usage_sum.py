"""What several responses used together, and how it is told in JSON."""

from __future__ import annotations

from dataclasses import dataclass

from agentdeck.models.usage import Tokens


@dataclass(frozen=True, slots=True)
class UsageSum:
    """`cost` is in nano-dollars and leaves out `unpriced_tokens`, whose model has no known price."""

    tokens: Tokens = Tokens()
    messages: int = 0
    cost: int = 0
    unpriced_tokens: int = 0

    def __add__(self, other: UsageSum) -> UsageSum:
        return UsageSum(
            self.tokens + other.tokens,
            self.messages + other.messages,
            self.cost + other.cost,
            self.unpriced_tokens + other.unpriced_tokens,
        )


def usage_json(total: UsageSum) -> dict[str, object]:
    """`cost_usd` is None when nothing of it has a known price: unknown is not free."""
    tokens = total.tokens
    unknown = total.unpriced_tokens and not total.cost
    return {
        "input_tokens": tokens.input,
        "cache_read_tokens": tokens.cache_read,
        "cache_write_5m_tokens": tokens.cache_write_5m,
        "cache_write_1h_tokens": tokens.cache_write_1h,
        "output_tokens": tokens.output,
        "reasoning_tokens": tokens.reasoning,
        "messages": total.messages,
        "cost_usd": None if unknown else round(total.cost / 1e9, 9),
        "priced": total.unpriced_tokens == 0,
    }
