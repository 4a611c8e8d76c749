"""The rows of a rollout that tell of usage, found by their heads, and the counts in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agentdeck.harnesses.jsonl import Row, count, mapping, moment, parsed
from agentdeck.models.usage import Limit, Tokens

KIND = re.compile(rb'"type": ?"(\w+)"')
WANTED = {b"session_meta", b"turn_context", b"token_usage_record", b"token_count", b"thread_settings_applied"}
BEGIN = b'{"timestamp":'  # of a row; within one it is glued to another that a crash tore off
HEAD = 200  # bytes in which a row's own type stands: the client writes it before the payload
WINDOWS = {"primary": "5h", "secondary": "7d"}
Amounts = tuple[int, int, int, int, int]


def told_rows(chunk: bytes) -> tuple[list[Row], int]:
    """The parsed rows of whole lines that matter, and how many of them were damaged."""
    rows: list[Row] = []
    damaged = 0
    for line in _lines(chunk):
        row, clean = parsed(line)
        damaged += not clean
        if row is not None:
            rows.append(row)
    return rows, damaged


def _lines(chunk: bytes) -> Iterator[bytes]:
    start, size = 0, len(chunk)
    while start < size:
        end = chunk.find(b"\n", start)
        end = size if end < 0 else end
        if _matters(chunk, start, end):
            yield chunk[start:end]
        start = end + 1


def _matters(chunk: bytes, start: int, end: int) -> bool:
    found = KIND.search(chunk, start, min(end, start + HEAD))
    if found is None:
        return any(chunk.find(b'"%s"' % kind, start, end) >= 0 for kind in WANTED)
    if found[1] != b"event_msg":
        return found[1] in WANTED or chunk.find(BEGIN, start + 1, end) >= 0
    return any(chunk.find(kind, start, end) >= 0 for kind in (b'"token_count"', b'"thread_settings_applied"'))


def tokens_of(usage: Row) -> Tokens:
    """Disjoint classes of a usage object."""
    return split(amounts(usage))


def amounts(usage: Row) -> Amounts:
    """As the client counts: input with the cache in it, cache reads, cache writes, output with reasoning, reasoning."""
    whole, output = count(usage.get("input_tokens")), count(usage.get("output_tokens"))
    cached = usage.get("cached_input_tokens", usage.get("cache_read_input_tokens"))
    return (
        whole, count(cached), count(usage.get("cache_write_input_tokens")), output,
        count(usage.get("reasoning_output_tokens")),
    )  # fmt: skip


def split(told: Amounts) -> Tokens:
    """Disjoint classes of such counts."""
    whole, cached, cache_writes, output, reasoning = told
    read = min(whole, cached)
    written = min(whole - read, cache_writes)
    return Tokens(whole - read - written, read, written, 0, output, min(output, reasoning))


def plus(one: Amounts, other: Amounts, sign: int = 1) -> Amounts:
    """One with the other added, or taken away (`sign` -1)."""
    return (
        one[0] + sign * other[0], one[1] + sign * other[1], one[2] + sign * other[2], one[3] + sign * other[3],
        one[4] + sign * other[4],
    )  # fmt: skip


def limits(told: Row, at: int) -> Iterator[Limit]:
    """The windows of an account's allowance."""
    for name in WINDOWS:
        one = mapping(told.get(name))
        used = one.get("used_percent")
        if isinstance(used, int | float) and not isinstance(used, bool) and 0 <= used <= 1000:
            yield Limit("codex", _length(name, count(one.get("window_minutes"))), float(used), _reset(one, at), at)


def _length(name: str, minutes: int) -> str:
    if not minutes:
        return WINDOWS[name]
    return f"{minutes // 1440}d" if minutes % 1440 == 0 else f"{max(1, round(minutes / 60))}h"


def _reset(told: Row, at: int) -> int:
    seconds = count(told.get("resets_in_seconds"))  # of older versions
    return (
        count(told.get("resets_at")) * 1000 or moment(told.get("resets_at")) or (at + seconds * 1000 if seconds else 0)
    )
