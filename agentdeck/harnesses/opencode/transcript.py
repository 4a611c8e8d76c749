"""Reads usage out of opencode's messages, as `database.py` or `storage.py` tells them. Nothing here may crash on them.

What was observed with 1.18.33:
- A message of the assistant is one response; its counts come with its end.
- `input` excludes the cache, `output` the reasoning; a write to the cache is one of five minutes.
- A fork copies messages under new ids, with the same times, counts and cost: these are the key. What is older than its
  session is such a copy: the session that paid is the one with the original.
- A cost of 0 beside tokens is a model whose price the client does not know.
- The request for a session's title is recorded nowhere.
"""

from __future__ import annotations

import hashlib

from agentdeck.harnesses.jsonl import Row, count, mapping, moment, text, usage_rows
from agentdeck.harnesses.opencode import database, storage
from agentdeck.harnesses.readers import Store
from agentdeck.models.usage import Tokens, UsageRecord

PARSER = 2
HARNESS = "opencode"
STORE = Store(database.name, database.holds, database.seen, database.pages, database.said, database.sessions)


def records(chunk: bytes, path: str) -> tuple[list[UsageRecord], int]:
    """The usage records of whole lines, and how many damaged rows were met."""
    rows, damaged = usage_rows(chunk, b'"tokens":')
    found = [_record(*_told(row, path)) for row in rows]
    return [record for record in found if record is not None], damaged


def _told(row: Row, path: str) -> tuple[Row, Row]:
    """The message of a row, and whose it is."""
    if "whose" in row:
        return mapping(row.get("message")), mapping(row.get("whose"))
    return storage.told(row, path)


def _record(message: Row, whose: Row) -> UsageRecord | None:
    tokens, times = _tokens(mapping(message.get("tokens"))), mapping(message.get("time"))
    cost = _cost(message.get("cost"))
    if message.get("role") != "assistant" or not times.get("completed") or not (tokens.total or cost):
        return None
    session, own, began = text(whose.get("session")), text(whose.get("own")), moment(times.get("created"))
    copied = began < moment(whose.get("born"))
    key = f"{HARNESS}:{_name(message, times)}"
    return UsageRecord(
        key=key,
        message=key,
        harness=HARNESS,
        session="" if copied else session,
        ts=began,
        model=text(message.get("modelID")),
        tokens=tokens,
        sidechain="" if own == session else own,
        cwd=text(mapping(message.get("path")).get("cwd")),
        client_cost=cost,
        context_tokens=tokens.total - tokens.output if own == session and not copied else 0,
    )


def _name(message: Row, times: Row) -> str:
    """What a copy of a message has in common with it, and no other message."""
    told = (times.get("created"), times.get("completed"), message.get("providerID"), message.get("modelID"))
    counts = sorted(mapping(message.get("tokens")).items(), key=str)
    return hashlib.sha256(repr((told, counts)).encode("utf-8", "replace")).hexdigest()[:24]


def _tokens(told: Row) -> Tokens:
    cache, reasoning = mapping(told.get("cache")), count(told.get("reasoning"))
    return Tokens(
        count(told.get("input")), count(cache.get("read")), count(cache.get("write")),
        output=count(told.get("output")) + reasoning, reasoning=reasoning,
    )  # fmt: skip


def _cost(dollars: object) -> int | None:
    if isinstance(dollars, bool) or not isinstance(dollars, int | float) or not 0 < dollars < 10**6:
        return None
    return round(dollars * 10**9)
