"""Reads what was said and done out of Gemini CLI's chat logs, where a message is written again when it grows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from agentdeck.harnesses import messages
from agentdeck.harnesses.gemini import transcript
from agentdeck.harnesses.jsonl import Row, mapping, moment, text
from agentdeck.models.conversation import Turn

_TYPES = b"user|gemini|info|warning|error"
_TOLD_BY_ITSELF = "<session_context>"


def conversation(lines: Iterable[bytes]) -> Iterator[Turn]:
    """What was said and done, from the lines of one chat log; each turn once, however often its message is written."""
    told: Counter[str] = Counter()
    for row in messages.rows(lines, _TYPES):
        for message in transcript.messages(row):
            turns = [turn for turn in _turns(message) if turn.text.strip() or turn.name]
            name = text(message.get("id"))
            yield from turns[told[name] :]
            told[name] = max(told[name], len(turns))


def _turns(message: Row) -> Iterator[Turn]:
    kind, at = text(message.get("type")), moment(message.get("timestamp"))
    said = _said(message.get("content"))
    if kind == "user":
        yield Turn("prompt", "" if said.startswith(_TOLD_BY_ITSELF) else said, at)
    elif kind == "gemini":
        for thought in _list(message.get("thoughts")):
            yield Turn("thought", f"{text(thought.get('subject'))}\n{text(thought.get('description'))}".strip(), at)
        yield Turn("answer", said, at)
        for call in _list(message.get("toolCalls")):
            yield from _call(call, at)
    elif kind:
        yield Turn("error" if kind == "error" else "note", said, at)


def _call(call: Row, at: int) -> Iterator[Turn]:
    yield Turn("call", messages.arguments(call.get("args")), at, text(call.get("name")))
    outputs = [mapping(mapping(part.get("functionResponse")).get("response")) for part in _list(call.get("result"))]
    given = "\n".join(messages.plain(next(iter(output.values()), "")) for output in outputs)
    failed = call.get("status") in ("error", "cancelled")
    yield Turn("error" if failed else "result", given or text(call.get("status")), at)


def _said(content: object) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(said for part in _list(content) if (said := messages.plain(part.get("text"))))


def _list(value: object) -> list[Row]:
    return [mapping(one) for one in value] if isinstance(value, list) else []
