"""Small histories, each with one nasty case, summed by hand. The comment of a case says why its sums are right.

A response's tokens are powers of ten apart, so that a sum shows by its digits what went into it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.usage_rows import (
    AT,
    CHAT,
    CHILD,
    COST_STATE,
    EARLY,
    GPT,
    HAIKU,
    HEAD,
    OPUS,
    SIDE,
    THREAD,
    S,
    c,
    cost_state,
    dump,
    event,
    g,
    meta,
    record,
    rollout,
    turn,
    used,
)

Counts = tuple[int, int, int, int, int]
"""Uncached input, cache read, 5-minute writes, 1-hour writes, output."""


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
    days: Mapping[str, int] = field(default_factory=dict)  # UTC day -> its output tokens


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
    # A killed process tells no total: what it used (2, 20) hides nothing of a compaction by the next one (100 and 200).
    Case(
        "a process that was killed",
        {
            S: dump(
                [
                    c("m", "r", 1, 10),
                    cost_state(1, 10, 5_000),
                    c("killed", "q", 2, 20, timestamp="2026-11-20T10:10:00.000Z"),
                    c("n", "p", 4, 40, timestamp="2026-11-20T10:20:00.000Z"),
                    cost_state(1 + 4 + 100, 10 + 40 + 200, 5_000 + 8_000),
                ]
            )
        },
        {OPUS: (7, 0, 0, 0, 70)},
        3,
        auxiliary=300,
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
