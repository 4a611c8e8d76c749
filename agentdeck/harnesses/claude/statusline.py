"""What Claude Code tells its statusline command: its cost, the context, the cache, and the limits of an account.

Seen with 2.1.330. `rate_limits` come to subscribers alone, after their first response. `current_usage` is null before
the first response and after a compaction.
"""

from __future__ import annotations

import json
from typing import Any

from agentdeck.harnesses.jsonl import count, mapping, moment, text
from agentdeck.models.usage import ClientTotal, Limit, Tokens
from agentdeck.models.vitals import Vitals

HARNESS = "claude"
WINDOWS = {"five_hour": "5h", "seven_day": "7d", "seven_day_opus": "7d opus", "seven_day_sonnet": "7d sonnet"}
MILLISECONDS = 10**11  # a number from here on is no count of seconds


def read(data: bytes, at: int) -> Vitals:
    """What the client told at `at` (UTC ms); nothing for what is no such object."""
    try:
        told = mapping(json.loads(data))
    except (ValueError, RecursionError):
        return Vitals()
    window = mapping(told.get("context_window"))
    cache = mapping(told.get("prompt_cache"))
    return Vitals(
        session=text(told.get("session_id")),
        at=at,
        used_tokens=_used(mapping(window.get("current_usage"))),
        window_tokens=count(window.get("context_window_size")),
        total=_total(told, at),
        limits=tuple(_limits(mapping(told.get("rate_limits")), at)),
        warm=cache.get("warm") if isinstance(cache.get("warm"), bool) else None,
        cold_at=_when(cache.get("expires_at")),
        hit_ratio=_ratio(cache.get("hit_ratio")),
        recache_tokens=count(cache.get("recache_tokens_if_cold")),
    )


def _used(told: dict[str, Any]) -> int:
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return sum(count(told.get(name)) for name in names)


def _total(told: dict[str, Any], at: int) -> ClientTotal | None:
    dollars, session = mapping(told.get("cost")).get("total_cost_usd"), text(told.get("session_id"))
    if not session or isinstance(dollars, bool) or not isinstance(dollars, int | float) or not 0 <= dollars < 10**6:
        return None
    return ClientTotal(HARNESS, session, "", at, Tokens(), round(dollars * 10**9), source="statusline")


def _limits(told: dict[str, Any], at: int) -> list[Limit]:
    found = []
    for name, one in told.items():
        used = mapping(one).get("used_percentage")
        if isinstance(used, int | float) and not isinstance(used, bool) and 0 <= used <= 1000:
            reset = _when(mapping(one).get("resets_at"))
            found.append(Limit(HARNESS, WINDOWS.get(name, text(name)), float(used), reset, at))
    return found


def _when(value: object) -> int:
    """UTC ms of a time in seconds, milliseconds or ISO 8601."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < MILLISECONDS:
        return moment(value * 1000)
    return moment(value)


def _ratio(value: object) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and 0 <= value <= 1 else None  # type: ignore[operator, arg-type]
