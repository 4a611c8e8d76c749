"""Which lines of a transcript may tell of usage, found by looking at as few of their bytes as can be.

Most bytes are tool output and what was said. A row's own type stands in its first bytes unless its message comes before
it, which is so in responses; and their usage stands near their end, behind what was said. What is not found at either
place is searched for in the whole line: a torn row may have another glued to it, and keys may come in any order.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentdeck.harnesses.jsonl import NEEDLE

OBJECT = NEEDLE + b"{"
TOTALS = b'"cost-state"'
TYPE = b'"type":"'
USER = b'"type":"user"'
HEAD = 512  # bytes in which a row's type is looked for
NEAR = 48
TAIL = 2560  # and those at the end of a response's row in which its usage is


def tell(chunk: bytes, totals: list[int]) -> Iterator[bytes]:
    """The whole lines of `chunk` with an object under `usage`; those that may be a client's totals go to `totals`.

    These by where they start.
    """
    find, starts = chunk.find, chunk.startswith
    start, size, back = 0, len(chunk), TAIL
    while start < size:
        end = find(b"\n", start)
        if end < 0:
            end = size
        kind = find(TYPE, start, start + HEAD if start + HEAD < end else end)
        if kind >= 0 and find(b"{", start + 1, kind) >= 0:
            kind = -1  # of something in the row
        if kind >= 0 and starts(USER, kind):
            if _holds(chunk, start, end):
                yield chunk[start:end]
        elif NEAR < back < end - start - NEAR and find(OBJECT, end - back - NEAR, end - back + NEAR) >= 0:
            yield chunk[start:end]  # as far from the end as in the row before
        elif (hit := find(OBJECT, end - TAIL if end - TAIL > start else start, end)) >= 0:
            back = end - hit
            yield chunk[start:end]
        else:
            if find(TOTALS, start, end) >= 0 if kind < 0 else starts(TYPE + TOTALS[1:], kind):
                totals.append(start)
            if _holds(chunk, start, end):
                yield chunk[start:end]
        start = end + 1


def _holds(chunk: bytes, start: int, end: int) -> bool:
    """Whether an object stands under `usage`, spaces before it or not."""
    while (start := chunk.find(NEEDLE, start, end)) >= 0:
        start += len(NEEDLE)
        if chunk[start : min(start + 8, end)].lstrip()[:1] == b"{":
            return True
    return False
