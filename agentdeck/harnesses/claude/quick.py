"""The usual rows of Claude Code's transcripts, read fast: most of a first scan's time is spent here.

A row is found by a byte search and decoded into the few keys that count; one that is not of the usual kind is left to
the tolerant parser in `transcript.py`, which must say the same of every row that this one understands.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from agentdeck.harnesses.claude.lines import TOTALS, tell
from agentdeck.harnesses.claude.rows import Row, Usage, decode
from agentdeck.harnesses.jsonl import moment
from agentdeck.models.usage import Tokens, UsageRecord

HARNESS = "claude"
VARIANTS = {"fast", "batch", "priority", "flex", "us"}
STAMP = len("2026-11-22T18:32:53.421Z")
new: Any = tuple.__new__  # of a named tuple: its own takes three times as long, and a first scan makes 200,000


def records(chunk: bytes, path: str) -> tuple[list[UsageRecord], list[bytes], str, list[int]]:
    """The records of whole lines, copies that say the same left out, and the lines to be looked at closely.

    Then the session that paid for the newest copied row: that of which this is a fork. Last, where lines start that may
    be the client's own totals.
    """
    found: list[UsageRecord] = []
    strange: list[bytes] = []
    totals: list[int] = []
    parent = ""
    seen: dict[str, Row] = {}
    side_file = is_side_file(path)
    for line in tell(chunk, totals):
        row = _understood(line)
        if row is None:
            strange.append(line)
            if TOTALS in line:
                totals.append(chunk.find(line))
            continue
        name = row.message.id
        before = seen.get(name)
        if before is not None and _same(before, row):
            continue
        seen[name] = row
        if row.requestSessionId and row.requestSessionId != row.sessionId:
            parent = row.requestSessionId
        record = _record(row, row.message.usage, side_file)
        if record is not None:
            found.append(record)
    return found, strange, parent, sorted(totals)


def _understood(line: bytes) -> Row | None:
    """A response in which everything is of its usual kind."""
    try:
        if not line.isascii():
            str(line, "utf-8")
        return decode(line)
    except ValueError:  # of the text, or the decoder's
        return None


def _same(one: Row, other: Row) -> bool:
    """Whether two rows of one message say the same, the later one later."""
    return (
        one.message == other.message
        and one.timestamp <= other.timestamp
        and len(one.timestamp) == len(other.timestamp)
        and one.requestId == other.requestId
        and one.sessionId == other.sessionId
        and one.requestSessionId == other.requestSessionId
        and one.isSidechain == other.isSidechain
        and one.agentId == other.agentId
        and one.isApiErrorMessage == other.isApiErrorMessage
    )


def _record(row: Row, usage: Usage, side_file: bool) -> UsageRecord | None:
    tokens = _tokens(usage)
    total, message = tokens.total, row.message
    if not total or message.model == "<synthetic>" or row.isApiErrorMessage:
        return None
    sidechain = row.agentId or "subagent" if row.isSidechain or side_file else ""
    name = f"{HARNESS}:{message.id}"
    searched = usage.server_tool_use
    return new(
        UsageRecord,
        (
            f"{name}/{row.requestId or ''}",
            HARNESS,
            row.requestSessionId or row.sessionId,
            _moment(row.timestamp),
            message.model,
            tokens,
            sidechain,
            row.cwd or "",
            None,
            0 if sidechain else total - usage.output_tokens,
            name,
            signs(usage.speed, usage.service_tier, usage.inference_geo),
            max(searched.web_search_requests, 0) if searched is not None else 0,
        ),
    )


def _tokens(usage: Usage) -> Tokens:
    written, output = usage.cache_creation_input_tokens, usage.output_tokens
    nested, details = usage.cache_creation, usage.output_tokens_details
    hour = min(max(nested.ephemeral_1h_input_tokens, 0), written) if nested is not None else 0
    thinking = min(max(details.thinking_tokens, 0), output) if details is not None else 0
    return new(Tokens, (usage.input_tokens, usage.cache_read_input_tokens, written - hour, hour, output, thinking))


def _moment(told: str) -> int:
    """As `moment`, which is asked once a minute where times are of the usual form."""
    rest = told[17:19] + told[20:23]
    if len(told) == STAMP and told[19] == "." and told[23] == "Z" and rest.isdecimal() and rest < "60":
        begin = _minute(told[:17])
        if begin:
            return begin + int(rest)
    return moment(told)


@lru_cache(4096)
def _minute(told: str) -> int:
    return moment(f"{told}00.000Z")


@lru_cache(256)
def signs(*told: str | None) -> str:
    """What changes the price, as in UsageRecord."""
    found = VARIANTS.intersection(told)
    return "+".join(sorted(filter(None, found))) if found else ""


def is_side_file(path: str) -> bool:
    """Whether a transcript is a subagent's, which lies in `<session>/subagents/`."""
    return os.path.basename(os.path.dirname(path)) == "subagents"
