"""The conversation as the Messages API wants it, valid after every step.

Two rules of the API are kept here: every tool call is followed by its result, and user and
assistant take turns (what the user side says next joins what it said before).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Block = dict[str, Any]
Message = dict[str, Any]

INTERRUPTED = "[The user interrupted this turn.]"
NEVER_RAN = "The session ended before this tool gave a result."


def text_block(text: str) -> Block:
    return {"type": "text", "text": text}


def result_block(call_id: str, content: str, is_error: bool) -> Block:
    # An empty result is refused by some servers of this API.
    return {"type": "tool_result", "tool_use_id": call_id, "content": content or "(no output)", "is_error": is_error}


class History:
    def __init__(self) -> None:
        self.messages: list[Message] = []

    def user(self, *blocks: Block) -> None:
        if self.messages and self.messages[-1]["role"] == "user":
            self.messages[-1]["content"].extend(blocks)
        else:
            self.messages.append({"role": "user", "content": list(blocks)})

    def assistant(self, blocks: list[Block]) -> None:
        if blocks:
            self.messages.append({"role": "assistant", "content": blocks})

    def open_calls(self) -> list[Block]:
        """Tool calls of the last response that have no result yet."""
        last = next((i for i in range(len(self.messages) - 1, -1, -1) if self.messages[i]["role"] == "assistant"), None)
        if last is None:
            return []
        after = [block for message in self.messages[last + 1 :] for block in message["content"]]
        answered = {block.get("tool_use_id") for block in after}
        blocks = self.messages[last]["content"]
        return [block for block in blocks if block["type"] == "tool_use" and block["id"] not in answered]

    def request(self) -> list[Message]:
        """The messages to send, with the mark up to which the provider may cache."""
        *earlier, last = self.messages
        *blocks, end = last["content"]
        return [*earlier, {**last, "content": [*blocks, {**end, "cache_control": {"type": "ephemeral"}}]}]


def from_rows(rows: Iterable[Mapping[str, Any]]) -> History:
    """The conversation that a transcript tells, also when its process was killed between two rows."""
    history = History()
    for row in rows:
        kind = row.get("type")
        if kind == "tool_result":
            if any(call["id"] == row["tool_use_id"] for call in history.open_calls()):
                history.user(result_block(row["tool_use_id"], row["content"], row["is_error"]))
            continue
        if kind in ("user", "assistant", "interrupt"):
            _close(history)
        if kind == "user":
            history.user(text_block(row["content"]))
        elif kind == "interrupt":
            history.user(text_block(INTERRUPTED))
        elif kind == "assistant":
            history.assistant(row["content"])
    _close(history)
    return history


def _close(history: History) -> None:
    for call in history.open_calls():
        history.user(result_block(call["id"], NEVER_RAN, True))
