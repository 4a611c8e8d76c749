"""What somebody has begun to type at the prompt of a plain command or shell. Its prompt may be anybody's own.

A shell says nowhere what its prompt is, so what stands before the cursor is read by how prompts end; where that is not
to be told, it counts whether a human has typed there since the last command ended.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agentdeck.services.delivery.composer import Typed

_END = "[$#%>❯λ»›✗✘▶\ue0b0]"  # by one of these and a blank nearly every prompt ends
_PROMPT = re.compile(rf"(.*?{_END})[ \u00a0](.*)")
_ASIDE = re.compile(r" {2,}.*")  # right of the cursor: a prompt's right half, or nothing


def read(rows: Sequence[str], cursor: tuple[int, int], columns: int, typed: int, rest: int) -> Typed:
    """What stands behind the prompt at the cursor (column, row).

    `typed` is when a human last typed there, `rest` since when no command runs (UTC ms, 0 for never): a line that was
    begun before that has gone with its Enter.
    """
    line = _line(rows, cursor, columns)
    found = _PROMPT.fullmatch(line)
    touched = bool(typed) and typed >= rest
    if found is None or (found[2].strip() and re.search(rf"{_END} ?$", line)):
        return Typed("draft", line.strip()) if touched and line.strip() else Typed("empty")
    return Typed("draft", found[2].strip()) if found[2].strip() else Typed("empty")


def _line(rows: Sequence[str], cursor: tuple[int, int], columns: int) -> str:
    """The row of the cursor, without what stands apart on its right; where it has no prompt, those that run into it."""
    column, row = cursor
    if row >= len(rows):
        return ""
    before, after = rows[row].ljust(column)[:column], rows[row].ljust(column)[column:]
    line = before + _ASIDE.sub("", after)
    while row and _PROMPT.fullmatch(line) is None and len(rows[row - 1]) >= columns - 1:  # a blank may end it
        row -= 1
        line = rows[row].ljust(columns) + line
    return line
