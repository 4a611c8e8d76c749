"""Reads what was said and done out of our own agent's transcripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agentdeck.harnesses import messages
from agentdeck.harnesses.jsonl import moment, text
from agentdeck.models.conversation import Turn


def conversation(lines: Iterable[bytes]) -> Iterator[Turn]:
    """What was said and done, from the lines of one transcript."""
    for row in messages.rows(lines):
        kind, at = text(row.get("type")), moment(row.get("ts"))
        if kind == "tool_result":
            yield from messages.turns("user", [row], at)
        elif kind == "interrupt":
            yield Turn("note", "[interrupted]", at)
        elif kind in ("user", "assistant"):
            yield from messages.turns(kind, row.get("content"), at)
