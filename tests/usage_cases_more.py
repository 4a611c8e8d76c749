"""More histories summed by hand: old layouts, compressed files, documents, copies, counts that contradict each other.

As in `usage_cases`: tokens are powers of ten apart, and the comment of a case says why its sums are right.
"""

from __future__ import annotations

import gzip
import json
import lzma
from typing import Any

import zstandard

from tests.usage_cases import Case
from tests.usage_rows import (
    AT,
    CHAT,
    CHILD,
    EARLY,
    GPT,
    HEAD,
    OPUS,
    THREAD,
    S,
    c,
    dump,
    event,
    g,
    meta,
    record,
    rollout,
    turn,
    used,
)

GEMINI = "gemini-2.5-pro"
MESSAGES = "opencode/storage/message"
LATER = "2026-11-20T10:02:00.000Z"
ROLLOUT = dump([meta(THREAD), turn(), record("a", used(100, 1, 60), used(100, 1, 60))])


def pretty(value: object) -> bytes:
    """As clients wrote whole documents."""
    return json.dumps(value, indent=2).encode()


def message(session: str, tokens: dict[str, Any], created: int = 1_795_000_000_000, **more: Any) -> bytes:
    """A message of opencode before it had a database."""
    told = {
        "id": "msg_1", "role": "assistant", "sessionID": session, "modelID": "m-1", "providerID": "p", "cost": 0.5,
        "path": {"cwd": "/w"}, "time": {"created": created, "completed": created + 9}, "tokens": tokens, **more,
    }  # fmt: skip
    return pretty(told)


def counts(fresh: int, out: int, reasoning: int = 0, read: int = 0, write: int = 0) -> dict[str, Any]:
    return {"input": fresh, "output": out, "reasoning": reasoning, "cache": {"read": read, "write": write}}


CASES = [
    # A rollout stays the same one when it is compressed, whichever way, and lies beside its original.
    Case("a rollout by zstd", {f"{rollout(THREAD)}.zst": zstandard.compress(ROLLOUT)}, {GPT: (40, 60, 0, 0, 1)}, 1),
    Case(
        "compressed twice and beside itself",
        {
            rollout(THREAD): ROLLOUT,
            f"{rollout(THREAD, 'archived_sessions')}.gz": gzip.compress(ROLLOUT),
            f"{S}.xz": lzma.compress(dump([c("m", "r", 1, 10)]).rstrip()),
        },
        {GPT: (40, 60, 0, 0, 1), OPUS: (1, 0, 0, 0, 10)},
        2,
    ),
    # A copied history is known by its parent's, which may be compressed by then.
    Case(
        "a fork of a compressed parent",
        {
            f"{rollout(THREAD)}.zst": zstandard.compress(
                dump([meta(THREAD, EARLY), turn(), event(used(100, 1), used(100, 1), EARLY)])
            ),
            rollout(CHILD): dump(
                [
                    meta(CHILD, forked_from_id=THREAD),
                    event(used(100, 1), used(100, 1), AT),
                    turn(),
                    event(used(4100, 41), used(4000, 40), LATER),
                ]
            ),
        },
        {GPT: (4100, 0, 0, 0, 41)},
        2,
        sessions={THREAD: 1, CHILD: 40},
    ),
    # More from the cache than was sent at all cannot be: what was sent is the bound. Reasoning is a part of output.
    Case(
        "more cached than sent",
        {
            rollout(THREAD): dump(
                [
                    meta(THREAD),
                    turn(),
                    event(used(100, 1, 160), {**used(100, 1, 160), "reasoning_output_tokens": 5}),
                ]
            ),
            CHAT: dump([HEAD, g("m", 1000, 1, cached=1600)]),
        },
        {GPT: (0, 100, 0, 0, 1), GEMINI: (0, 1000, 0, 0, 1)},
        2,
    ),
    # A total that falls after a compaction begins anew: what was used last is what was used since.
    Case(
        "a total that falls class by class",
        {
            rollout(THREAD): dump(
                [
                    meta(THREAD),
                    turn(),
                    event(used(100, 1), used(100, 1)),
                    event(used(1100, 11), used(1000, 10)),
                    # the whole has grown by the output, and yet the input fell
                    event(used(500, 10_000), used(400, 200), LATER),
                ]
            )
        },
        {GPT: (1500, 0, 0, 0, 211)},
        3,
    ),
    # After a compaction the client tells the old total again, with nothing used last.
    Case(
        "a total told again after a compaction",
        {
            rollout(THREAD): dump(
                [
                    meta(THREAD),
                    turn(),
                    event(used(100, 1), used(100, 1)),
                    event(used(100, 1), {**used(0, 0), "total_tokens": 8247}),
                    event(used(1100, 11), used(1000, 10), LATER),
                ]
            )
        },
        {GPT: (1100, 0, 0, 0, 11)},
        2,
    ),
    # Nobody says which model it was: its tokens count, and have no price.
    Case(
        "no model",
        {
            rollout(THREAD): dump([meta(THREAD), event(used(100, 1), used(100, 1))]),
            S: dump([c("m", "r", 1, 10, message={"model": None})]),
        },
        {"": (101, 0, 0, 0, 11)},
        2,
        dollars=0,
    ),
    # An event may name the model itself.
    Case(
        "a model told with the usage",
        {
            rollout(THREAD): dump(
                [
                    meta(THREAD),
                    {
                        "timestamp": AT,
                        "type": "event_msg",
                        "payload": {
                            "type": "token_count",
                            "info": {"model": GPT, "total_token_usage": used(7, 3), "last_token_usage": used(7, 3)},
                        },
                    },
                ]
            )
        },
        {GPT: (7, 0, 0, 0, 3)},
        1,
    ),
    # A response that cost something used something, whatever its counts say.
    Case(
        "a cost without counts",
        {
            S: dump([c("m", "r", 0, 0, costUSD=0.25), c("n", "q", 0, 0)]),
            f"{MESSAGES}/ses_a/msg_1.json": message("ses_a", counts(0, 0)),
        },
        {OPUS: (0, 0, 0, 0, 0), "m-1": (0, 0, 0, 0, 0)},
        2,
        dollars=0.75,
    ),
    # Paths of another system are only names.
    Case(
        "paths with backslashes",
        {S: dump([c("m", "r", 1, 10, cwd="C:\\Users\\me\\my repo"), c("n", "q", 2, 20, cwd="\\\\host\\share")])},
        {OPUS: (3, 0, 0, 0, 30)},
        2,
    ),
    # Before it had a database opencode kept a file a message. A user's has no counts, an unfinished one is not over,
    # a fork's copy has another id and session, and the same times and counts.
    Case(
        "messages of opencode as files",
        {
            f"{MESSAGES}/ses_a/msg_1.json": message("ses_a", counts(1, 10, 5, 300, 40)),
            f"{MESSAGES}/ses_a/msg_2.json": pretty({"id": "msg_2", "role": "user", "sessionID": "ses_a"}),
            f"{MESSAGES}/ses_a/msg_3.json": message(
                "ses_a", counts(0, 0), 1_795_000_050_000, cost=0, time={"created": 1_795_000_050_000}
            ),
            f"{MESSAGES}/ses_kid/msg_4.json": message("ses_kid", counts(2, 20), 1_795_000_060_000),
            "opencode/storage/session/p1/ses_kid.json": pretty({"id": "ses_kid", "parentID": "ses_a"}),
            f"{MESSAGES}/ses_0fork/msg_5.json": message("ses_0fork", counts(1, 10, 5, 300, 40)),
            "opencode/storage/session/p1/ses_0fork.json": pretty(
                {"id": "ses_0fork", "time": {"created": 1_795_000_100_000}}
            ),
        },
        {"m-1": (3, 300, 40, 0, 35)},
        2,
        dollars=1.0,
        sessions={"ses_a": 35},
    ),
    # Still earlier the facts stood under `metadata`.
    Case(
        "the oldest messages of opencode",
        {
            "opencode/project/w/storage/session/message/ses_a/msg_1.json": pretty(
                {
                    "id": "msg_1",
                    "role": "assistant",
                    "parts": [],
                    "metadata": {
                        "sessionID": "ses_a",
                        "time": {"created": 1_750_000_000_000, "completed": 1_750_000_009_000},
                        "assistant": {"modelID": "m-1", "providerID": "p", "cost": 0.1, "tokens": counts(1, 10)},
                    },
                }
            )  # fmt: skip
        },
        {"m-1": (1, 0, 0, 0, 10)},
        1,
        dollars=0.1,
        sessions={"ses_a": 10},
    ),
    # Gemini CLI before 0.40 kept a session as one indented document; it goes on as lines with the history inside.
    Case(
        "a document of Gemini that goes on as lines",
        {
            "gemini/.gemini/tmp/0a1b/chats/session-2026-01-01T00-00-aaaaaaaa.json": pretty(
                {"sessionId": "old", "projectHash": "0a1b", "messages": [g("m", 100, 1, cached=60), g("n", 2000, 20)]}
            ),
            "gemini/.gemini/tmp/0a1b/chats/session-2026-01-01T00-00-aaaaaaaa.jsonl": dump(
                [
                    {**HEAD, "sessionId": "old"},
                    {"$set": {"messages": [g("m", 100, 1, cached=60), g("n", 2000, 20)]}},
                    g("o", 30_000, 300),
                ]
            ),
        },
        {GEMINI: (32_040, 60, 0, 0, 321)},
        3,
        sessions={"old": 321},
    ),
    # A document that was cut off tells nothing that could be relied on.
    Case(
        "half a document",
        {
            CHAT: dump([HEAD, g("m", 100, 1)]),
            "gemini/.gemini/tmp/w/chats/session-2.json": pretty(
                {"sessionId": "half", "projectHash": "0", "messages": [g("x", 5, 5)]}
            )[:-40],
        },
        {GEMINI: (100, 0, 0, 0, 1)},
        1,
        damaged=1,
    ),
    # A time without a zone is UTC, as all of theirs are; one with another zone is what it says.
    Case(
        "times of several zones",
        {
            S: dump(
                [
                    c("m", "r", 1, 10, timestamp="2026-11-20T10:00:00"),
                    c("n", "q", 2, 20, timestamp="2026-11-20T23:30:00-05:00"),
                ]
            )
        },
        {OPUS: (3, 0, 0, 0, 30)},
        2,
        days={"2026-11-20": 10, "2026-11-21": 20},
    ),
    # A response that is written around midnight is one of the day on which it began; so are the copies of it.
    Case(
        "around midnight",
        {
            S: dump(
                [
                    c("m", "r", 1, 10, timestamp="2026-11-20T23:59:59.900Z"),
                    c("m", "r", 1, 10, timestamp="2026-11-21T00:00:00.100Z"),
                ]
            ),
            "claude/projects/-w/f.jsonl": dump(
                [
                    c("m", "r", 1, 10, timestamp="2026-11-22T08:00:00.000Z", sessionId="f"),
                    c("n", "q", 2, 20, timestamp="2026-11-22T08:00:00.000Z", sessionId="f"),
                ]
            ),
        },
        {OPUS: (3, 0, 0, 0, 30)},
        2,
        days={"2026-11-20": 10, "2026-11-22": 20},
    ),
    # A fork that copies every row under ids of its own, as old versions did, keeps the responses' ids.
    Case(
        "copied rows with new ids",
        {
            S: dump([c("m", "r", 1, 10, uuid="u1"), c("n", "q", 2, 20, uuid="u2")]),
            "claude/projects/-w/f.jsonl": dump(
                [
                    c("m", "r", 1, 10, uuid="u3", sessionId="f"),
                    c("n", "q", 2, 20, uuid="u4", sessionId="f"),
                    c("o", "p", 4, 40, uuid="u5", sessionId="f"),
                ]
            ),
        },
        {OPUS: (7, 0, 0, 0, 70)},
        3,
    ),
    # Two folders of one client that hold the same session, one of them by a copy that went on.
    Case(
        "one session under two roots",
        {
            S: dump([c("m", "r", 1, 10)]),
            "xdg/claude/projects/-w/s.jsonl": dump([c("m", "r", 1, 10), c("n", "q", 2, 20)]),
        },
        {OPUS: (3, 0, 0, 0, 30)},
        2,
    ),
    # Sums beyond 32 bits.
    Case(
        "a thousand million tokens",
        {S: dump([c("m", "r", 1, 10, read=5_000_000_000), c("n", "q", 1, 10, read=5_000_000_000)])},
        {OPUS: (2, 10_000_000_000, 0, 0, 20)},
        2,
    ),
]
