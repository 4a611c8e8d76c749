"""Reads usage out of our own agent's transcripts; the format is told in agentdeck/builtin/transcript.py.

One `assistant` row is one response. The usage has the API's own names, as in every client that
speaks it; a partial row (interrupted, or thrown away for another attempt) was paid for as well.
"""

from __future__ import annotations

from pathlib import PurePath

from agentdeck.harnesses.jsonl import Row, count, mapping, moment, text, usage_rows
from agentdeck.models.usage import Tokens, UsageRecord

PARSER = 1
HARNESS = "builtin"


def records(chunk: bytes, path: str) -> tuple[list[UsageRecord], int]:
    """The usage records of whole lines of the transcript `path`, and how many damaged rows were met."""
    rows, damaged = usage_rows(chunk)
    found = [_of_row(row, path) for row in rows if row.get("type") == "assistant"]
    return [record for record in found if record.tokens.total], damaged


def _of_row(row: Row, path: str) -> UsageRecord:
    usage = mapping(row.get("usage"))
    tokens = _tokens(usage)
    session = text(row.get("session")) or PurePath(path).stem
    response, request = text(row.get("id")), text(row.get("request_id"))
    # A response broken off before it had a name is known by its moment.
    name = response or f"{session}@{text(row.get('ts'))}"
    return UsageRecord(
        key=f"{HARNESS}:{name}/{request}",
        message=f"{HARNESS}:{name}",
        harness=HARNESS,
        session=session,
        ts=moment(row.get("ts")),
        model=text(row.get("model")),
        tokens=tokens,
        context_tokens=tokens.total - tokens.output,
        variant="+".join(sorted({text(usage.get("service_tier"))} & {"batch", "priority", "flex"})),
        searches=count(mapping(usage.get("server_tool_use")).get("web_search_requests")),
    )


def _tokens(usage: Row) -> Tokens:
    written = count(usage.get("cache_creation_input_tokens"))
    hour = min(written, count(mapping(usage.get("cache_creation")).get("ephemeral_1h_input_tokens")))
    return Tokens(
        input=count(usage.get("input_tokens")),
        cache_read=count(usage.get("cache_read_input_tokens")),
        cache_write_5m=written - hour,
        cache_write_1h=hour,
        output=count(usage.get("output_tokens")),
    )
