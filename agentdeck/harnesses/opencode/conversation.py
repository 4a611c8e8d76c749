"""Reads what was said and done out of the parts of opencode's messages, as `database.py` tells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agentdeck.harnesses import messages
from agentdeck.harnesses.jsonl import Row, mapping, moment
from agentdeck.models.conversation import Turn


def conversation(lines: Iterable[bytes]) -> Iterator[Turn]:
    """What was said and done, in the order of its messages; what the client only tells itself is left out."""
    for row in messages.rows(lines, b"text|reasoning|tool|file|retry"):
        part, role = mapping(row.get("part")), mapping(row.get("message")).get("role")
        if not part.get("synthetic"):
            yield from _turns(part, role == "assistant", moment(row.get("at")))


def _turns(part: Row, answers: bool, at: int) -> Iterator[Turn]:
    kind, said = part.get("type"), messages.plain(part.get("text"))
    if kind == "text" and said.strip():
        yield Turn("answer" if answers else "prompt", said, at)
    elif kind == "reasoning" and said.strip():
        yield Turn("thought", said, at)
    elif kind == "tool":
        yield from _call(part, mapping(part.get("state")), at)
    elif kind == "file":
        yield Turn("note", f"[{messages.plain(part.get('filename')) or 'file'}]", at)
    elif kind == "retry":
        yield Turn("note", f"[retry: {messages.plain(mapping(part.get('error')).get('message'))}]", at)


def _call(part: Row, state: Row, at: int) -> Iterator[Turn]:
    yield Turn("call", messages.arguments(state.get("input")), at, messages.plain(part.get("tool")))
    if state.get("status") == "completed":
        yield Turn("result", messages.plain(state.get("output")), at)
    elif state.get("status") == "error":
        yield Turn("error", messages.plain(state.get("error")), at)
