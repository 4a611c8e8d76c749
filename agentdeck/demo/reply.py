"""The answer on the wire: message objects, usage and server-sent events of the Anthropic Messages API."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentdeck.demo.request import Asked, is_summary
from agentdeck.demo.script import Step
from agentdeck.demo.tools import resolve

ERRORS = {
    400: ("invalid_request_error", "The scripted server refuses this request."),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Not allowed."),
    404: ("not_found_error", "Not found."),
    413: ("request_too_large", "Request too large."),
    429: ("rate_limit_error", "This request would exceed your rate limit."),
    529: ("overloaded_error", "Overloaded"),
}


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of one response, in the classes of `agentdeck usage --json`: disjoint, input without cache."""

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole response: content blocks as the API names them, why it stopped and what it cost."""

    model: str
    blocks: tuple[dict[str, Any], ...]
    stop_reason: str
    counts: Counts
    id: str


def build(step: Step, asked: Asked, body: Mapping[str, Any]) -> Reply:
    """The response that `step` stands for, in the tools that this client offers."""
    text = step.say
    blocks: list[dict[str, Any]] = []
    for call in step.calls:
        found = resolve(call, asked.tools, asked.cwd)
        if found:
            blocks.append({"type": "tool_use", "id": f"toolu_{_token()}", "name": found[0], "input": found[1]})
        else:
            text = f"{text}\n(I would call {call.verb} now, but no tool for it is offered.)".strip()
    stop = "tool_use" if blocks else "end_turn"
    if text or not blocks:
        blocks.insert(0, {"type": "text", "text": text})
    if step.think:
        blocks.insert(0, {"type": "thinking", "thinking": step.think, "signature": "c2NyaXB0ZWQ="})
    counts = count(body, tokens([step.say, step.think, blocks]), step.usage)
    return Reply(asked.model, tuple(blocks), stop, counts, f"msg_{_token()}")


def side_step(body: Mapping[str, Any], prompt: str) -> Step:
    """The answer to a request that a client makes for itself: a summary, or a short title, as JSON when asked."""
    if is_summary(prompt):
        return Step(say="<analysis>Scripted.</analysis>\n<summary>A conversation with a scripted model.</summary>")
    typed = re.sub(r"</?\w+>", "", prompt.split("::")[0])
    title = " ".join(re.findall(r"[A-Za-z][\w-]*", typed)[:5]) or "Scripted session"
    wanted = ((body.get("output_config") or {}).get("format") or {}).get("schema") or {}
    names = list(wanted.get("properties") or ())
    return Step(say=json.dumps(dict.fromkeys(names, title)) if names else title)


def tokens(value: Any) -> int:
    """An estimate of the tokens in a text or JSON value: a quarter of its characters, at least 1."""
    text = value if isinstance(value, str) else json.dumps(value)
    return max(1, len(text) // 4)


def count(body: Mapping[str, Any], output: int, given: Mapping[str, int]) -> Counts:
    """Tokens as a provider with prompt caching would count them; `given` (script.USAGE_KEYS) replaces single ones.

    Without cache marks all input is uncached. With them, everything before the newest
    exchange is read from the cache and the rest is written to it, for as long as the client asked.
    """
    total = tokens([body.get("system"), body.get("tools"), body.get("messages")])
    messages = body.get("messages") or []
    marks = json.dumps(body)
    read = write = 0
    if '"cache_control"' in marks:
        read = total - tokens(messages[-2:]) if len(messages) > 2 else 0
        read = max(0, read)
        write = max(0, total - read - 4)
    long = '"ttl": "1h"' in marks
    return Counts(
        input_tokens=given.get("input", total - read - write),
        cache_read_tokens=given.get("read", read),
        cache_write_5m_tokens=given.get("write5m", 0 if long else write),
        cache_write_1h_tokens=given.get("write1h", write if long else 0),
        output_tokens=given.get("output", output),
    )


def usage(counts: Counts, output: int | None = None) -> dict[str, Any]:
    """`counts` in the API's own names; `output` replaces the output count (a stream starts with 1)."""
    return {
        "input_tokens": counts.input_tokens,
        "cache_read_input_tokens": counts.cache_read_tokens,
        "cache_creation_input_tokens": counts.cache_write_5m_tokens + counts.cache_write_1h_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counts.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": counts.cache_write_1h_tokens,
        },
        "output_tokens": counts.output_tokens if output is None else output,
        "service_tier": "standard",
    }


def message(reply: Reply) -> dict[str, Any]:
    """The whole response as one JSON object, for a client that does not stream."""
    whole = {"content": list(reply.blocks), "stop_reason": reply.stop_reason, "usage": usage(reply.counts)}
    return {**_frame(reply), **whole}


def events(reply: Reply) -> Iterator[dict[str, Any]]:
    """The response as the stream's events in order; the text comes in many small deltas."""
    yield {"type": "message_start", "message": {**_frame(reply), "usage": usage(reply.counts, output=1)}}
    yield {"type": "ping"}
    for index, block in enumerate(reply.blocks):
        yield {"type": "content_block_start", "index": index, "content_block": _empty(block)}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {"stop_reason": reply.stop_reason, "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": usage(reply.counts)}
    yield {"type": "message_stop"}


def error(status: int, text: str) -> dict[str, Any]:
    """An error body; `text` "" takes the usual words for `status`."""
    kind, usual = ERRORS.get(status, ("api_error", "Internal server error"))
    return {"type": "error", "error": {"type": kind, "message": text or usual}, "request_id": f"req_{_token()}"}


def _frame(reply: Reply) -> dict[str, Any]:
    return {
        "id": reply.id,
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _empty(block: Mapping[str, Any]) -> dict[str, Any]:
    if block["type"] == "tool_use":
        return {**block, "input": {}}
    if block["type"] == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "text", "text": ""}


def _deltas(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "tool_use":
        for part in _pieces(json.dumps(block["input"])):
            yield {"type": "input_json_delta", "partial_json": part}
    elif block["type"] == "thinking":
        for part in _pieces(block["thinking"]):
            yield {"type": "thinking_delta", "thinking": part}
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        for part in _pieces(block["text"]):
            yield {"type": "text_delta", "text": part}


def _pieces(text: str) -> list[str]:
    """`text` cut behind its blanks, long words too, so that a slow stream moves smoothly."""
    return re.findall(r"\S{1,12}\s*|\s+", text)


def _token() -> str:
    return uuid.uuid4().hex[:24]
