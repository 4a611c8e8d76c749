"""Reads what was said and done out of Codex's rollouts: the items that the model was sent and gave back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from agentdeck.harnesses import messages
from agentdeck.harnesses.jsonl import Row, mapping, moment, text
from agentdeck.models.conversation import Turn

_TOLD_BY_ITSELF = ("<environment_context", "<user_instructions", "<permissions", "<skills", "# AGENTS.md")


def conversation(lines: Iterable[bytes]) -> Iterator[Turn]:
    """What was said and done, from the lines of one rollout; what the client only tells the model is left out."""
    for row in messages.rows(lines, b"response_item"):
        if row.get("type") == "response_item":
            turn = _turn(mapping(row.get("payload")), moment(row.get("timestamp")))
            if turn is not None and (turn.text.strip() or turn.name):
                yield turn


def _turn(item: Row, at: int) -> Turn | None:
    kind, role = text(item.get("type")), text(item.get("role"))
    if kind == "message" and role in ("user", "assistant"):
        said = _joined(item.get("content"))
        if said.startswith(_TOLD_BY_ITSELF):
            return None
        if said.startswith("<turn_aborted"):
            return Turn("note", "[interrupted]", at)
        return Turn("answer" if role == "assistant" else "prompt", said, at)
    if kind == "reasoning":
        return Turn("thought", _joined(item.get("summary")), at)
    if kind == "function_call":
        return Turn("call", _arguments(item.get("arguments")), at, text(item.get("name")))
    if kind in ("custom_tool_call", "local_shell_call"):
        given = item.get("input") if kind == "custom_tool_call" else mapping(item.get("action")).get("command")
        return Turn("call", messages.arguments(given), at, text(item.get("name")) or "shell")
    if kind in ("function_call_output", "custom_tool_call_output"):
        output = item.get("output")
        return Turn("result", output if isinstance(output, str) else _joined(output), at)
    return None


def _arguments(given: object) -> str:
    """The call's arguments are JSON in a string."""
    try:
        return messages.arguments(json.loads(given)) if isinstance(given, str) else messages.arguments(given)
    except ValueError:
        return messages.arguments(given)


def _joined(blocks: object) -> str:
    found = [mapping(block).get("text") for block in blocks] if isinstance(blocks, list) else [blocks]
    return "\n".join(each for each in found if isinstance(each, str))
