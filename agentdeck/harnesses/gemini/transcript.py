"""Reads usage out of Gemini CLI's chat logs. The format is internal to the client: nothing here may crash on it.

What was observed with 0.61.0 and, where said, read of other versions:
- A response is one row by its id, written again when its tool calls attach and, whole, in `{"$set": {"messages"}}`
  when a session is resumed; its counts may come only with a later copy, so the largest wins.
- `input` includes what was read from the cache, `output` excludes the thoughts, `tool` stands beside both.
- A resumed session writes a second file under the same session id, which the first row tells.
- A subagent writes `chats/<session of its parent>/<id>.jsonl` (read in the client's source).
- Versions before 0.40 kept one JSON document a session, whose first line may be all of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from agentdeck.harnesses.jsonl import Row, count, first_row, mapping, moment, text, usage_rows
from agentdeck.models.usage import Tokens, UsageRecord

PARSER = 1
HARNESS = "gemini"
NEEDLE = b'"tokens":'
TOLD = ("gemini", "user", "info", "warning", "error")


def records(chunk: bytes, path: str) -> tuple[list[UsageRecord], int]:
    """The usage records of whole lines of the chat log `path`, and how many damaged or strange rows were met."""
    rows, strange = usage_rows(chunk, NEEDLE)
    session, sidechain = _whose(path) if rows else ("", "")
    found: list[UsageRecord] = []
    for whole, row in ((outer, message) for outer in rows for message in messages(outer)):
        if not sidechain and "messages" in whole:  # one document for the whole session
            session = text(whole.get("sessionId")) or session
        tokens = _tokens(mapping(row.get("tokens")))
        if row.get("type") == "gemini" and tokens.total:
            found.append(_record(row, tokens, session, sidechain))
        elif row.get("type") not in TOLD and tokens.total:
            strange += 1
    return found, strange


def messages(row: Row) -> Iterator[Row]:
    """The messages in a row: itself, or those of a conversation that is told whole."""
    whole = mapping(row.get("$set")).get("messages") or row.get("messages")
    yield from map(mapping, whole) if isinstance(whole, list) else (row,)


def _record(row: Row, tokens: Tokens, session: str, sidechain: str) -> UsageRecord:
    key = f"{HARNESS}:{text(row.get('id'))}"
    return UsageRecord(
        key=key,
        message=key,
        harness=HARNESS,
        session=session,
        ts=moment(row.get("timestamp")),
        model=text(row.get("model")),
        tokens=tokens,
        sidechain=sidechain,
        context_tokens=0 if sidechain else tokens.total - tokens.output,
    )


def _tokens(told: Row) -> Tokens:
    whole, thoughts = count(told.get("input")), count(told.get("thoughts"))
    read = min(whole, count(told.get("cached")))
    return Tokens(
        whole - read + count(told.get("tool")), read, output=count(told.get("output")) + thoughts, reasoning=thoughts
    )


def _whose(path: str) -> tuple[str, str]:
    """The session that pays, and the subagent's own id where one used it."""
    folder, name = os.path.split(path)
    own = os.path.splitext(name)[0]
    if os.path.basename(folder) != "chats":
        return os.path.basename(folder), own
    return text(first_row(path).get("sessionId")) or own, ""
