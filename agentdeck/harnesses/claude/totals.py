"""What Claude Code says that a session has used: its `cost-state` rows, written when a process of it ends.

Seen with 2.1.330: sums by model over all its processes, the requests that leave no row (compaction) included. A fork
goes on with its parent's sums, whom the copied rows above name. No time of its own: it is that of the row before.
Written on SIGTERM, not on SIGKILL: what a killed process used is in no total. `totalDuration` sums how long the
processes ran that are in one, in milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from agentdeck.harnesses.jsonl import Row, count, mapping, moment, text
from agentdeck.models.usage import ClientTotal, Tokens

HARNESS = "claude"
STAMP = b'"timestamp":'


def read(chunk: bytes, starts: Sequence[int], state: str, told_parent: str) -> tuple[str, list[ClientTotal]]:
    """The state after whole lines, and the totals told in those of them that begin at `starts`.

    The state is the time of the last row (UTC ms) and, of a fork, the session it goes on from.
    """
    before, _, parent = state.partition(" ")
    parent = told_parent or parent
    found: list[ClientTotal] = []
    for start in starts:
        end = chunk.find(b"\n", start)
        line = chunk[start:] if end < 0 else chunk[start:end]
        found += _of_line(line, int(_before(chunk, start, before) or 0), parent)
    return f"{_before(chunk, len(chunk), before)} {parent}".rstrip(), found


def _before(chunk: bytes, end: int, state: str) -> str:
    """The time of the last row above `end` that tells one."""
    for _ in range(8):  # what looks like a time may stand in a tool's own data
        end = chunk.rfind(STAMP, 0, end)
        if end < 0:
            break
        told = chunk[end + len(STAMP) : end + len(STAMP) + 42].lstrip(b' "').partition(b'"')[0]
        at = moment(str(told, "utf-8", "replace"))
        if at:
            return str(at)
    return state


def _of_line(line: bytes, at: int, parent: str) -> list[ClientTotal]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return []
    if not isinstance(row, dict) or row.get("type") != "cost-state" or not text(row.get("sessionId")):
        return []
    models = mapping(row.get("modelUsage")).items()
    return [_total(row, text(model), mapping(used), at, parent) for model, used in models]


def _total(row: Row, model: str, used: Row, at: int, parent: str) -> ClientTotal:
    written = count(used.get("cacheCreationInputTokens"))
    hour = min(written, count(used.get("cacheCreationEphemeral1hInputTokens")))
    output = count(used.get("outputTokens"))
    tokens = Tokens(
        count(used.get("inputTokens")), count(used.get("cacheReadInputTokens")), written - hour, hour,
        output, min(output, count(used.get("thinkingTokens"))),
    )  # fmt: skip
    dollars = used.get("costUSD")
    cost = round(dollars * 10**9) if isinstance(dollars, int | float) and 0 <= dollars < 10**6 else None
    lasted = count(row.get("totalDuration"))
    return ClientTotal(HARNESS, text(row.get("sessionId")), model, at, tokens, cost, parent, lasted=lasted)
