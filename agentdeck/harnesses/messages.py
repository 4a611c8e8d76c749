"""Content of the Anthropic Messages API as turns of a conversation: what clients that speak it keep in transcripts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from agentdeck.harnesses.jsonl import Row, mapping
from agentdeck.models.conversation import Kind, Turn

SAID = b"user|assistant|tool_result|interrupt"
"""Types of the rows that say something, as a regular expression."""
LONGEST_ROW = 32 << 20  # bytes; a longer one holds no conversation a person reads


def rows(lines: Iterable[bytes], types: bytes = SAID) -> Iterator[Row]:
    """The rows of a JSON-lines transcript that may be of one of `types`. A damaged one is passed over."""
    wanted = re.compile(b'"type": ?"(?:' + types + b')"')
    for line in lines:
        if len(line) <= LONGEST_ROW and wanted.search(line):
            try:
                row = json.loads(str(line, "utf-8", "replace"))
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict):
                yield row


def turns(role: str, content: object, at: int) -> Iterator[Turn]:
    """The turns in a message of `user` or `assistant`: a text, or a list of blocks."""
    said: Kind = "answer" if role == "assistant" else "prompt"
    for block in content if isinstance(content, list) else [{"type": "text", "text": content}]:
        turn = _turn(said, mapping(block), at)
        if turn is not None and (turn.text.strip() or turn.name):
            yield turn


def _turn(said: Kind, block: Row, at: int) -> Turn | None:
    kind = block.get("type")
    if kind == "text":
        return Turn(said, plain(block.get("text")), at)
    if kind == "thinking":
        return Turn("thought", plain(block.get("thinking")), at)
    if kind in ("tool_use", "server_tool_use"):
        return Turn("call", arguments(block.get("input")), at, plain(block.get("name")))
    if kind == "tool_result":
        return Turn("error" if block.get("is_error") else "result", _result(block.get("content")), at)
    return Turn("note", f"[{kind}]", at) if kind in ("image", "document") else None


def arguments(given: object) -> str:
    """What a tool was called with, to be read: a single text as it is, several by name."""
    if not isinstance(given, dict):
        return "" if given is None else plain(given) or json.dumps(given, ensure_ascii=False)
    shown = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in given.items()
    }
    if len(shown) == 1:
        return next(iter(shown.values()))
    return "\n".join(f"{name}: {value}" if "\n" not in value else f"{name}:\n{value}" for name, value in shown.items())


def _result(content: object) -> str:
    if not isinstance(content, list):
        return plain(content)
    blocks = [mapping(block) for block in content]
    return "\n".join(plain(block.get("text")) or f"[{block.get('type', 'data')}]" for block in blocks)


def plain(value: object) -> str:
    """`value` when it is text, else ''."""
    return value if isinstance(value, str) else ""
