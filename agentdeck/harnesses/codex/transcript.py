"""Reads usage out of Codex's rollouts. The format is internal to the client: nothing here may crash on it.

What was observed with 0.169.0 and, where said, told of older versions:
- A `token_usage_record` is one response: thread, turn and response id, and what this response used.
- `input_tokens` includes what was read from and written to the cache, `output_tokens` the reasoning.
- The model stands in the `turn_context` of the same turn, which may be far above: files are read in pieces.
- Older versions wrote only `token_count` events, some of them twice: the thread's running total names them.
- A fork or subagent starts from its parent's total: totals are never anybody's spending.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict

from agentdeck.harnesses.jsonl import Row, count, mapping, moment, text, usage_rows
from agentdeck.models.usage import Tokens, UsageRecord

PARSER = 1
HARNESS = "codex"
CONTEXT = b'"turn_context"'
RECORD = b'"token_usage_record"'
FILES_KNOWN = 256

_models: OrderedDict[str, tuple[int, dict[str, str]]] = OrderedDict()  # path -> (bytes looked at, turn -> model)


def records(chunk: bytes, path: str) -> tuple[list[UsageRecord], int]:
    """The usage records of whole lines of the rollout `path`, and how many damaged rows were met."""
    rows, damaged = usage_rows(chunk)
    found = [_of_record(row, path) for row in rows if row.get("type") == "token_usage_record"]
    if not found and not _tells_responses(path):
        rows, more = usage_rows(chunk, b'"last_token_usage":')
        found, damaged = [_of_count(row, path) for row in rows], damaged + more
    return [record for record in found if record.tokens.total], damaged


def _of_record(row: Row, path: str) -> UsageRecord:
    told = mapping(row.get("payload"))
    thread = text(told.get("thread_id")) or _thread(path)
    response = text(told.get("response_id")) or f"{thread}#{count(row.get('ordinal'))}"
    session = text(told.get("session_id")) or thread
    return _made(row, told, path, f"{thread}/{response}", session, thread)


def _of_count(row: Row, path: str) -> UsageRecord:
    info = mapping(mapping(row.get("payload")).get("info"))
    total = count(mapping(info.get("total_token_usage")).get("total_tokens"))
    thread = _thread(path)
    return _made(row, {"usage": info.get("last_token_usage")}, path, f"{thread}/total{total}", thread, thread)


def _made(row: Row, told: Row, path: str, name: str, session: str, thread: str) -> UsageRecord:
    tokens = _tokens(mapping(told.get("usage")))
    return UsageRecord(
        key=f"{HARNESS}:{name}",
        message=f"{HARNESS}:{name}",
        harness=HARNESS,
        session=session,
        ts=moment(row.get("timestamp")),
        model=_model(path, text(told.get("turn_id"))),
        tokens=tokens,
        sidechain="" if thread == session else thread,
        context_tokens=tokens.total - tokens.output if thread == session else 0,
    )


def _tokens(usage: Row) -> Tokens:
    whole, output = count(usage.get("input_tokens")), count(usage.get("output_tokens"))
    read = min(whole, count(usage.get("cached_input_tokens")))
    written = min(whole - read, count(usage.get("cache_write_input_tokens")))
    reasoning = min(output, count(usage.get("reasoning_output_tokens")))
    return Tokens(whole - read - written, read, written, 0, output, reasoning)


def _thread(path: str) -> str:
    """The thread's id: what stands behind the time in the file's name."""
    return os.path.splitext(os.path.basename(path))[0][-36:]


def _tells_responses(path: str) -> bool:
    """Whether this version tells each response: then its running totals are not counted besides."""
    try:
        with open(path, "rb") as file:
            return any(RECORD in line for line in file)
    except OSError:
        return False


def _model(path: str, turn: str) -> str:
    """The model of a turn, or the newest one of the rollout when no turn is told."""
    models = _models.get(path, (0, {}))[1]
    if not turn or turn not in models:
        models = _look(path)
    return models.get(turn) or next(reversed(models.values()), "")


def _look(path: str) -> dict[str, str]:
    """The models of all turns that `path` tells; only what it gained since the last look is read."""
    offset, models = _models.pop(path, (0, {}))
    try:
        with open(path, "rb") as file:
            offset = offset if offset <= os.fstat(file.fileno()).st_size else 0
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                offset += len(line)
                if CONTEXT in line:
                    models.update(_turn(line))
    except OSError:
        pass
    _models[path] = (offset, models)
    while len(_models) > FILES_KNOWN:
        _models.popitem(last=False)
    return models


def _turn(line: bytes) -> dict[str, str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    told = mapping(row.get("payload")) if isinstance(row, dict) and row.get("type") == "turn_context" else {}
    return {text(told.get("turn_id")): text(told.get("model"))} if told else {}
