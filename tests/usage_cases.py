"""Small histories, each with one nasty case, summed by hand. The comment of a case says why its sums are right.

A response's tokens are powers of ten apart, so that a sum shows by its digits what went into it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Counts = tuple[int, int, int, int, int]
"""Uncached input, cache read, 5-minute writes, 1-hour writes, output."""
Row = dict[str, Any] | bytes

AT = "2026-11-20T10:00:00.000Z"
OPUS, HAIKU, GPT = "claude-opus-5-5", "claude-haiku-4-5", "gpt-5.5"
THREAD = "01a2048e-3520-7371-beb3-211b3ec047a9"
CHILD = "01a2048e-aaaa-7371-beb3-211b3ec047a9"


@dataclass(frozen=True)
class Case:
    """`sums`: model -> its counts; `dollars`: the whole cost where that is the point; `auxiliary`: tokens beside."""

    name: str
    files: Mapping[str, bytes]
    sums: Mapping[str, Counts]
    messages: int
    dollars: float | None = None
    auxiliary: int = 0
    damaged: int = 0
    sessions: Mapping[str, int] = field(default_factory=dict)  # session -> its output tokens


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
EARLY = "2026-11-20T09:00:00.000Z"

CASES = [
    # One row a block; the first came while the stream ran: the last of the stream is the bill.
    Case(
        "one response in three blocks",
        {S: dump([c("m", "r", 1, 1), c("m", "r", 1, 500), c("m", "r", 1, 500)])},
        {OPUS: (1, 0, 0, 0, 500)},
        1,
    ),
    # A late copy may be smaller too.
    Case("a copy that shrinks", {S: dump([c("m", "r", 1, 500), c("m", "r", 1, 2)])}, {OPUS: (1, 0, 0, 0, 500)}, 1),
    # Gateways give no request id: the message id alone is the key. One copy that has it is no other response.
    Case(
        "no request id",
        {S: dump([c("m", None, 1, 10), c("m", None, 1, 10), c("m", "r", 1, 10), c("n", None, 2, 20)])},
        {OPUS: (3, 0, 0, 0, 30)},
        2,
    ),
    # What others drop: nulls, floats and a space after the key.
    Case(
        "nulls, floats, spaces",
        {
            S: dump(
                [
                    c("m", "r", 1, 10, cwd=None, version="dev", usage={"speed": None}),
                    c("n", "q", 2, 20, usage={"output_tokens": 20.0}),
                    json.dumps(c("o", "p", 4, 40)).encode() + b"\n",
                    c("p", "o", 8, 80, timestamp="2026-11-20T10:00:00.123456Z"),
                ]
            )
        },
        {OPUS: (15, 0, 0, 0, 150)},
        4,
    ),
    # A tool's own data may hold any key, and a tool's result repeats what a subagent used last.
    Case(
        "usage in a tool's data",
        {
            S: dump(
                [
                    c(
                        "m",
                        "r",
                        1,
                        10,
                        message={
                            "content": [{"type": "tool_use", "input": {"id": None, "usage": {"input_tokens": 7}}}]
                        },
                    ),
                    {
                        "type": "user",
                        "message": {"content": []},
                        "toolUseResult": {"usage": {"input_tokens": 9, "output_tokens": 9}},
                    },
                ]
            )
        },
        {OPUS: (1, 0, 0, 0, 10)},
        1,
    ),
    # A side chain that repeats a response of the main chain under another request paid nothing.
    Case(
        "a replay on a side chain",
        {
            S: dump([c("m", "r", 1, 10)]),
            SIDE: dump([c("m", "r2", 1, 10, isSidechain=True), c("n", "q", 2, 20, isSidechain=True)]),
        },
        {OPUS: (3, 0, 0, 0, 30)},
        2,
    ),
    # Versions around 2.0 laid subagents' files beside the sessions; older ones wrapped their rows.
    Case(
        "subagents of old layouts",
        {
            "claude/projects/-w/agent-1.jsonl": dump([c("m", "r", 1, 10, isSidechain=True, agentId="1")]),
            S: dump(
                [
                    {
                        "type": "progress",
                        "sessionId": "s",
                        "data": {
                            "message": {
                                "type": "assistant",
                                "timestamp": AT,
                                "requestId": "q",
                                "message": {
                                    "id": "n",
                                    "model": OPUS,
                                    "usage": {"input_tokens": 2, "output_tokens": 20},
                                },
                            }
                        },
                    }
                ]
            ),
        },
        {OPUS: (3, 0, 0, 0, 30)},
        2,
    ),
    # A fork after a compaction copies rows with their counts zeroed, whatever they hold inside; the parent paid.
    Case(
        "a fork with zeroed copies",
        {
            S: dump([c("m", "r", 1, 10), c("n", "q", 2, 20)]),
            "claude/projects/-w/f.jsonl": dump(
                [
                    c("m", "r", 1, 10, sessionId="f", requestSessionId="s"),
                    c(
                        "n",
                        "q",
                        0,
                        0,
                        sessionId="f",
                        requestSessionId="s",
                        usage={"cache_creation": {"ephemeral_5m_input_tokens": 3000}},
                    ),
                    c(
                        "gone",
                        "x",
                        0,
                        0,
                        sessionId="f",
                        requestSessionId="old",
                        usage={"cache_creation": {"ephemeral_5m_input_tokens": 3000}},
                    ),
                    c("o", "p", 4, 40, sessionId="f"),
                ]
            ),
        },
        {OPUS: (7, 0, 0, 0, 70)},
        3,
        sessions={"s": 30, "f": 40},
    ),
    # A new request for the same message, both on the main chain, was sent twice and paid twice.
    Case("one message, two requests", {S: dump([c("m", "r", 1, 10), c("m", "q", 1, 10)])}, {OPUS: (2, 0, 0, 0, 20)}, 2),
    # An adviser is billed on its own model, beside the response.
    Case(
        "an adviser",
        {
            S: dump(
                [
                    c(
                        "m",
                        "r",
                        1,
                        10,
                        usage={
                            "iterations": [
                                {"type": "message", "input_tokens": 1, "output_tokens": 10},
                                {"type": "advisor_message", "model": HAIKU, "input_tokens": 100, "output_tokens": 5},
                            ]
                        },
                    )
                ]
            )
        },
        {OPUS: (1, 0, 0, 0, 10), HAIKU: (100, 0, 0, 0, 5)},
        2,
    ),
    # Opus 5.5: $4 in, $0.20 read, $5 and $8 written, $20 out, a million.
    Case(
        "writes for five minutes and for an hour",
        {
            S: dump(
                [
                    c(
                        "m",
                        "r",
                        1_000_000,
                        1_000_000,
                        1_000_000,
                        2_000_000,
                        usage={
                            "cache_creation": {
                                "ephemeral_5m_input_tokens": 1_000_000,
                                "ephemeral_1h_input_tokens": 1_000_000,
                            }
                        },
                    )
                ]
            )
        },
        {OPUS: (1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000)},
        1,
        dollars=37.20,
    ),
    # Inference in one country costs a tenth more, a web search one cent.
    Case(
        "one country and a web search",
        {
            S: dump(
                [
                    c(
                        "m",
                        "r",
                        1_000_000,
                        0,
                        usage={"inference_geo": "us", "server_tool_use": {"web_search_requests": 3}},
                    )
                ]
            )
        },
        {OPUS: (1_000_000, 0, 0, 0, 0)},
        1,
        dollars=4.43,
    ),
    # Local errors are no responses.
    Case(
        "errors",
        {
            S: dump(
                [
                    c("m", "r", 1, 10),
                    c("e", None, 5, 5, isApiErrorMessage=True),
                    c("f", None, 5, 5, message={"model": "<synthetic>"}),
                ]
            )
        },
        {OPUS: (1, 0, 0, 0, 10)},
        1,
    ),
    # What a crash leaves: a gap, a torn row before a whole one, bad characters, a cut end.
    Case(
        "damage",
        {
            S: dump(
                [
                    b"\0" * 300,
                    c("m", "r", 1, 10),
                    b'{"type":"assistant","message":{"usa',
                    c("n", "q", 2, 20),
                    dump([c("o", "p", 4, 40, note="~")]).replace(b"~", b"\xff\xfe"),
                    b'{"type":"assistant","message":{"usage":{"in',
                ]
            )
        },
        {OPUS: (7, 0, 0, 0, 70)},
        3,
        damaged=3,
    ),
    # The client's own total has a compaction that it recorded nowhere: 110 + 212 + 3000.
    Case(
        "what a client counted and recorded nowhere",
        {S: dump([c("m", "r", 1, 10), COST_STATE])},
        {OPUS: (1, 0, 0, 0, 10)},
        1,
        auxiliary=110 + 212 + 3000,
    ),
    # A record and the event that repeats it are one response; a compaction has a record only.
    Case(
        "records and events of Codex",
        {
            rollout(THREAD): dump(
                [
                    meta(THREAD),
                    turn(),
                    record("a", used(100, 1, 60), used(100, 1, 60)),
                    event(used(100, 1, 60), used(100, 1, 60)),
                    record("b", used(2000, 20), used(2100, 21, 60)),
                ]
            )
        },
        {GPT: (2040, 60, 0, 0, 21)},
        2,
    ),
    # An older version told events alone, and was replaced in the midst of a thread.
    Case(
        "a rollout that two versions wrote",
        {
            rollout(THREAD): dump(
                [meta(THREAD), turn(), event(used(100, 1), used(100, 1)), record("b", used(2000, 20), used(2100, 21))]
            )
        },
        {GPT: (2100, 0, 0, 0, 21)},
        2,
    ),
    # Repeated events, one without counts, and a total that begins anew.
    Case(
        "events that repeat, and a total that falls",
        {
            rollout(THREAD): dump(
                [
                    meta(THREAD),
                    turn(),
                    event(None, None),
                    event(used(100, 1), used(100, 1)),
                    event(used(100, 1), used(100, 1)),
                    event(used(1100, 11), used(1000, 10)),
                    event(used(5, 2), used(5, 2)),
                    event(used(55, 22), used(50, 20)),
                ]
            )
        },
        {GPT: (1155, 0, 0, 0, 33)},
        4,
    ),
    # Versions around 0.144 copied the parent's history into a fork under the time of the fork.
    Case(
        "a fork with the whole history of its parent",
        {
            rollout(THREAD): dump(
                [
                    meta(THREAD, EARLY),
                    turn(),
                    event(used(100, 1), used(100, 1), EARLY),
                    event(used(300, 3), used(200, 2), EARLY),
                ]
            ),
            rollout(CHILD): dump(
                [
                    meta(CHILD, forked_from_id=THREAD),
                    meta(THREAD, EARLY),
                    turn(),
                    event(used(100, 1), used(100, 1), AT),
                    event(used(300, 3), used(200, 2), AT),
                    event(used(4300, 43), used(4000, 40), "2026-11-20T10:05:00.000Z"),
                ]
            ),
        },
        {GPT: (4300, 0, 0, 0, 43)},
        3,
        sessions={THREAD: 3, CHILD: 40},
    ),
    # A fork since 0.169 copies nothing, but its total goes on from its parent's.
    Case(
        "a fork that goes on from a total",
        {
            rollout(THREAD): dump([meta(THREAD), turn(), record("a", used(100, 1), used(100, 1))]),
            rollout(CHILD): dump(
                [meta(CHILD, forked_from_id=THREAD), turn(), record("b", used(2000, 20), used(2100, 21), CHILD)]
            ),
        },
        {GPT: (2100, 0, 0, 0, 21)},
        2,
    ),
    # An archived rollout is the same one; two threads that used the same in the same moment are two.
    Case(
        "archived, and twins",
        {
            rollout(THREAD): dump([meta(THREAD), turn(), event(used(100, 1), used(100, 1))]),
            rollout(THREAD, "archived_sessions"): dump([meta(THREAD), turn(), event(used(100, 1), used(100, 1))]),
            rollout(CHILD): dump([meta(CHILD), turn(), event(used(100, 1), used(100, 1))]),
        },
        {GPT: (200, 0, 0, 0, 2)},
        2,
    ),
    # The model is that of the turn, and changes in the midst of a thread.
    Case(
        "a model that changes",
        {
            rollout(THREAD): dump(
                [
                    meta(THREAD),
                    turn(),
                    record("a", used(100, 1), used(100, 1)),
                    turn("gpt-6-sol", "t2"),
                    record("b", used(2000, 20), used(2100, 21), turn_id="t2"),
                ]
            )
        },
        {GPT: (100, 0, 0, 0, 1), "gpt-6-sol": (2000, 0, 0, 0, 20)},
        2,
    ),
    # Gemini repeats a message when its tools attach; thoughts are output, the cache is part of the input.
    Case(
        "a chat of Gemini",
        {
            CHAT: dump(
                [
                    HEAD,
                    g("m", 100, 1, cached=60, thoughts=2),
                    {"$set": {"lastUpdated": AT}},
                    g("m", 100, 1, cached=60, thoughts=2, toolCalls=[]),
                    g("n", 2000, 20),
                    {"$rewindTo": "m"},
                    {"$set": {"messages": [g("m", 100, 1, cached=60, thoughts=2)]}},
                ]
            )
        },
        {"gemini-2.5-pro": (2040, 60, 0, 0, 23)},
        2,
    ),
    # A time that runs backwards, or is missing, is no reason to lose a response.
    Case(
        "a clock that is wrong",
        {
            S: dump(
                [
                    c("m", "r", 1, 10, timestamp="1970-01-01T00:00:00Z"),
                    c("n", "q", 2, 20, timestamp=None),
                    c("o", "p", 4, 40, timestamp="2099-01-01T00:00:00Z"),
                ]
            )
        },
        {OPUS: (7, 0, 0, 0, 70)},
        3,
    ),
]
