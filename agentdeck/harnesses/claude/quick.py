"""The usual rows of Claude Code's transcripts, read fast: most of a first scan's time is spent here.

A row is found by a byte search and decoded into the few keys that count; one that is not of the usual kind is left to
the tolerant parser in `transcript.py`, which must say the same of every row that this one understands.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache

from agentdeck.harnesses.claude.rows import Row, Usage, decode
from agentdeck.harnesses.jsonl import LONGEST_TEXT, MOST_TOKENS, NEEDLE, moment
from agentdeck.models.usage import Tokens, UsageRecord

HARNESS = "claude"
VARIANTS = {"fast", "batch", "priority", "flex", "us"}


def records(chunk: bytes, path: str) -> tuple[list[UsageRecord], list[bytes], str]:
    """The records of whole lines, copies that say the same left out, and the lines to be looked at closely.

    Last, the session that paid for the newest copied row: that of which this is a fork.
    """
    found: list[UsageRecord] = []
    strange: list[bytes] = []
    parent = ""
    seen: dict[tuple[str, str | None], Row] = {}
    side_file = is_side_file(path)
    for line in _lines(chunk):
        row = _understood(line)
        if row is None:
            strange.append(line)
            continue
        key = row.message.id, row.requestId
        before = seen.get(key)
        if row.type == "user" or (before is not None and _same(before, row)):
            continue
        seen[key] = row
        if row.requestSessionId and row.requestSessionId != row.sessionId:
            parent = row.requestSessionId
        record = _record(row, row.message.usage, side_file)
        if record is not None:
            found.append(record)
    return found, strange, parent


def _lines(chunk: bytes) -> Iterator[bytes]:
    """The lines that have an object under `usage`."""
    start, search, size = 0, 0, len(chunk)
    while (hit := chunk.find(NEEDLE, search)) >= 0:
        after = hit + len(NEEDLE)
        if chunk[after : after + 1] != b"{" and chunk[after : after + 8].lstrip()[:1] != b"{":
            search = after
            continue
        start = max(start, chunk.rfind(b"\n", start, hit) + 1)
        end = chunk.find(b"\n", after)
        end = size if end < 0 else end
        yield chunk[start:end]
        start = search = end


def _understood(line: bytes) -> Row | None:
    """A row in which everything is of its usual kind, or one of a human or tool, which counts for nothing."""
    try:
        if not line.isascii():
            str(line, "utf-8")
        row = decode(line)
    except ValueError:  # of the text, or the decoder's
        return None
    if row.type == "user":
        return row
    usage = row.message.usage
    if row.type != "assistant" or usage is None or usage.iterations or row.costUSD is not None:
        return None
    counts = usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    plain = min(counts) >= 0 and max(counts) <= MOST_TOKENS and row.message.id and row.timestamp and row.sessionId
    return row if plain and row.message.model else None


def _same(one: Row, other: Row) -> bool:
    """Whether two rows of one response say the same, the later one later."""
    return (
        one.message == other.message
        and one.timestamp <= other.timestamp
        and len(one.timestamp) == len(other.timestamp)
        and one.sessionId == other.sessionId
        and one.requestSessionId == other.requestSessionId
        and one.isSidechain == other.isSidechain
        and one.agentId == other.agentId
        and one.isApiErrorMessage == other.isApiErrorMessage
    )


def _record(row: Row, usage: Usage | None, side_file: bool) -> UsageRecord | None:
    tokens = _tokens(usage) if usage is not None else Tokens()
    if usage is None or not tokens.total or row.message.model == "<synthetic>" or row.isApiErrorMessage:
        return None
    sidechain = (row.agentId or "subagent")[:LONGEST_TEXT] if row.isSidechain or side_file else ""
    name = f"{HARNESS}:{row.message.id[:LONGEST_TEXT]}"
    searched = usage.server_tool_use
    return UsageRecord(
        f"{name}/{(row.requestId or '')[:LONGEST_TEXT]}",
        HARNESS,
        (row.requestSessionId or row.sessionId)[:LONGEST_TEXT],
        moment(row.timestamp),
        row.message.model[:LONGEST_TEXT],
        tokens,
        sidechain,
        row.cwd[:LONGEST_TEXT] if row.cwd else "",
        None,
        0 if sidechain else tokens.total - tokens.output,
        name,
        signs(usage.speed, usage.service_tier, usage.inference_geo),
        max(searched.web_search_requests, 0) if searched is not None else 0,
    )


def _tokens(usage: Usage) -> Tokens:
    written, output = usage.cache_creation_input_tokens, usage.output_tokens
    nested, details = usage.cache_creation, usage.output_tokens_details
    hour = min(max(nested.ephemeral_1h_input_tokens, 0), written) if nested is not None else 0
    thinking = min(max(details.thinking_tokens, 0), output) if details is not None else 0
    return Tokens(usage.input_tokens, usage.cache_read_input_tokens, written - hour, hour, output, thinking)


@lru_cache(256)
def signs(*told: str | None) -> str:
    """What changes the price, as in UsageRecord."""
    found = VARIANTS.intersection(told)
    return "+".join(sorted(filter(None, found))) if found else ""


def is_side_file(path: str) -> bool:
    """Whether a transcript is a subagent's, which lies in `<session>/subagents/`."""
    return os.path.basename(os.path.dirname(path)) == "subagents"
