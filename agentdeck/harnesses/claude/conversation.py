"""Reads what was said and done out of Claude Code's transcripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agentdeck.harnesses import messages
from agentdeck.harnesses.jsonl import mapping, moment, text
from agentdeck.models.conversation import Turn


def conversation(lines: Iterable[bytes]) -> Iterator[Turn]:
    """What was said and done, from the lines of one transcript; what the client only tells itself is left out."""
    for row in messages.rows(lines):
        kind, message = text(row.get("type")), mapping(row.get("message"))
        if kind in ("user", "assistant") and not row.get("isMeta"):
            yield from messages.turns(kind, message.get("content"), moment(row.get("timestamp")))
