"""Finds the usage rows in a piece of a JSON-lines transcript without parsing the rest.

Most bytes of a transcript are tool output and recorded requests, so a byte search for the
one key that matters decides which lines are worth a parser. Inside JSON strings the key's
quotes are escaped, so the search cannot hit a quotation of it.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from agentdeck.harnesses import packed

NEEDLE = b'"usage":'
MOST_TOKENS = 10**12  # more than this in one response is damage, and sums must fit 64 bits
LAST_MOMENT = 4 * 10**12  # the year 2096; later is damage
LONGEST_TEXT = 300
STARTS = re.compile(r'\{"(?:parentUuid|type|timestamp)"|(?<![:,\[ ])\{"id"')  # with which the clients' rows begin
LONGEST_HEAD = 1 << 20  # a first row may hold the instructions of the model: tens of kilobytes

Row = dict[str, Any]


def usage_rows(chunk: bytes, needle: bytes = NEEDLE) -> tuple[list[Row], int]:
    """The parsed rows of `chunk` (whole lines) that hold an object under `needle`, and the count of damaged ones.

    A damaged line (bad UTF-8, NUL bytes, a torn row with a whole one glued to it) is counted
    and still used when what it says can be recovered.
    """
    rows: list[Row] = []
    damaged = 0
    line_start, search = 0, 0
    while (hit := chunk.find(needle, search)) >= 0:
        line_start = max(line_start, chunk.rfind(b"\n", line_start, hit) + 1)
        after = hit + len(needle)
        if chunk[after : after + 8].lstrip()[:1] != b"{":
            search = after
            continue
        end = chunk.find(b"\n", after)
        end = len(chunk) if end < 0 else end
        row, clean = parsed(chunk[line_start:end])
        damaged += not clean
        if row is not None:
            rows.append(row)
        line_start = search = end
    return rows, damaged


def first_row(path: str) -> Row:
    """The first row of a file; {} when there is none to read, or it is longer than any head of a file."""
    try:
        return mapping(json.loads(packed.first_line(path, LONGEST_HEAD)))
    except (OSError, ValueError, RecursionError):
        return {}


def first_document(path: str) -> Row:
    """A file that is one JSON object; {} when there is none to read."""
    try:
        with open(path, "rb") as file:
            return mapping(json.loads(file.read(LONGEST_HEAD)))
    except (OSError, ValueError, RecursionError):
        return {}


def is_complete(tail: bytes) -> bool:
    """Whether an unfinished last line is in fact a whole JSON row that merely lacks its newline."""
    if not tail.rstrip().endswith(b"}"):
        return False
    try:
        return isinstance(json.loads(str(tail, "utf-8", "replace")), dict)
    except (ValueError, RecursionError):
        return False


def parsed(line: bytes) -> tuple[Row | None, bool]:
    """A line as a row, None when nothing can be recovered of it; and whether it was whole."""
    try:
        row = json.loads(str(line, "utf-8"))
    except (ValueError, RecursionError):
        return _repair(line), False
    return (row, True) if isinstance(row, dict) else (None, False)


def _repair(line: bytes) -> Row | None:
    """What a crash leaves behind: NUL gaps, cut characters, a torn row before a whole one."""
    text = line.replace(b"\0", b"").decode("utf-8-sig", "replace").strip()
    for start in [0, *(found.start() for found in islice(STARTS.finditer(text, 1), 64))]:
        try:
            row = json.loads(text[start:])
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            return row
    return None


def mapping(value: object) -> Row:
    """`value` when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def count(value: object) -> int:
    """A token count; anything that is not a plausible number is 0."""
    if type(value) is not int and not (isinstance(value, float) and math.isfinite(value)):
        return 0
    return int(value) if 0 < value <= MOST_TOKENS else 0


def text(value: object) -> str:
    """A short string that any database takes; '' for what is not a string."""
    if not isinstance(value, str):
        return ""
    return value[:LONGEST_TEXT].encode("utf-8", "replace").decode()


def moment(value: object) -> int:
    """UTC milliseconds of an ISO 8601 time (or of a number of them); 0 when there is none to read."""
    if isinstance(value, str):
        try:
            when = datetime.fromisoformat(value)
            value = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000  # clients write UTC
        except (ValueError, OverflowError):
            return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return round(value) if 0 < value < LAST_MOMENT else 0
