"""Rows of the clients' histories, as short as a case needs them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

Row = dict[str, Any] | bytes

AT = "2026-11-20T10:00:00.000Z"
OPUS, HAIKU, GPT = "claude-opus-5-5", "claude-haiku-4-5", "gpt-5.5"
THREAD = "01a2048e-3520-7371-beb3-211b3ec047a9"
CHILD = "01a2048e-aaaa-7371-beb3-211b3ec047a9"


def dump(rows: Sequence[Row]) -> bytes:
    return b"".join(
        row if isinstance(row, bytes) else json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows
    )


def c(
    name: str, request: str | None, fresh: int, out: int, read: int = 0, written: int = 0, **more: Any
) -> dict[str, Any]:
    """A row of Claude Code; `usage` and `message` are added to theirs, the rest to the row."""
    usage = {
        "input_tokens": fresh, "output_tokens": out, "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written, **more.pop("usage", {}),
    }  # fmt: skip
    message = {"id": name, "role": "assistant", "model": OPUS, "content": [], "usage": usage, **more.pop("message", {})}
    row = {
        "type": "assistant",
        "timestamp": AT,
        "sessionId": "s",
        "cwd": "/w",
        "requestId": request,
        "message": message,
    }
    return {**row, **more}


def meta(thread: str, at: str = AT, **more: Any) -> dict[str, Any]:
    return {"timestamp": at, "type": "session_meta", "payload": {"id": thread, "cwd": "/w", "timestamp": at, **more}}


def turn(model: str = GPT, name: str = "t1") -> dict[str, Any]:
    return {"timestamp": AT, "type": "turn_context", "payload": {"turn_id": name, "model": model, "cwd": "/w"}}


def used(whole: int, out: int, cached: int = 0) -> dict[str, int]:
    return {"input_tokens": whole, "cached_input_tokens": cached, "output_tokens": out, "total_tokens": whole + out}


def record(
    name: str, usage: dict[str, int], total: dict[str, int], thread: str = THREAD, **more: Any
) -> dict[str, Any]:
    told = {
        "thread_id": thread, "session_id": thread, "turn_id": "t1", "response_id": name, "usage": usage,
        "turn_token_usage": total, "thread_token_usage": total,
    }  # fmt: skip
    return {"timestamp": "2026-11-20T10:01:00.000Z", "type": "token_usage_record", "payload": {**told, **more}}


def event(
    total: dict[str, int] | None, last: dict[str, int] | None, at: str = "2026-11-20T10:01:00.000Z"
) -> dict[str, Any]:
    info = None if total is None else {"total_token_usage": total, "last_token_usage": last}
    return {"timestamp": at, "type": "event_msg", "payload": {"type": "token_count", "info": info}}


def g(name: str, whole: int, out: int, cached: int = 0, thoughts: int = 0, **more: Any) -> dict[str, Any]:
    total = whole + out + thoughts
    tokens = {"input": whole, "output": out, "cached": cached, "thoughts": thoughts, "tool": 0, "total": total}
    return {"id": name, "timestamp": AT, "type": "gemini", "model": "gemini-2.5-pro", "tokens": tokens, **more}


def rollout(thread: str, folder: str = "sessions/2026/11/20") -> str:
    return f"codex/{folder}/rollout-2026-11-20T10-00-00-{thread}.jsonl"


S = "claude/projects/-w/s.jsonl"
SIDE = "claude/projects/-w/s/subagents/agent-a.jsonl"
CHAT = "gemini/.gemini/tmp/w/chats/session-1-aaaaaaaa.jsonl"
HEAD = {"sessionId": "g", "projectHash": "0", "startTime": AT}
ZERO = {"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
COST_STATE = {
    "type": "cost-state", "sessionId": "s", "totalCostUSD": 1.0,
    "modelUsage": {OPUS: {"inputTokens": 111, "outputTokens": 222, "cacheReadInputTokens": 3000, "costUSD": 1.0}},
}  # fmt: skip


def cost_state(fresh: int, out: int, lasted: int, session: str = "s") -> dict[str, Any]:
    """What Claude Code counted itself of all processes of a session, `lasted` ms in sum, when one ends."""
    used = {OPUS: {"inputTokens": fresh, "outputTokens": out, "costUSD": 1.0}}
    return {
        "type": "cost-state", "sessionId": session, "totalCostUSD": 1.0, "totalDuration": lasted, "modelUsage": used,
    }  # fmt: skip


EARLY = "2026-11-20T09:00:00.000Z"
