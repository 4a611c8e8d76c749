"""What a request of the Anthropic Messages API asks: which prompt, which step of it, by whom.

The server keeps no conversation. A client sends all of it every time, so the
responses already given to the newest prompt can be counted in the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What Claude Code wraps around a prompt or sends beside it; nobody typed it.
_WRAPPED = re.compile(r"<(system-reminder|local-command-\w+|command-\w+)>.*?</\1>", re.DOTALL)
_PASTE = re.compile(r"</?pasted_content\b[^>]*>")
# What clients write in the human's place when he interrupts: "[Request interrupted by user]" and the like.
_STOPPED = re.compile(r"\[[^\]]*interrupted[^\]]*\]")
# How Claude Code hands over a prompt that was queued while it worked.
_QUEUED = re.compile(
    r"The user sent a new message while you were working:\n(.*?)\n\nThis is how Claude Code", re.DOTALL
)
_CWD = re.compile(r"working directory:?\s*(/\S+)", re.IGNORECASE)
_HELPER = re.compile(r"\btitle\b|\bquota\b|\bsummar|new topic", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, reduced to what decides its answer.

    `taken` counts the responses since `prompt`. `side` marks what a client asks for itself (a title,
    a quota probe), not for its human. `session` and `cwd` are "" when the client does not tell.
    """

    model: str
    prompt: str
    taken: int
    turns: int
    tools: frozenset[str]
    cwd: str
    session: str
    side: bool
    stream: bool


def read(body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
    """Reduce the JSON `body` of a POST to /v1/messages."""
    messages = body.get("messages") or []
    prompt, taken = _newest(messages)
    tools = frozenset(str(tool.get("name")) for tool in body.get("tools") or ())
    return Asked(
        model=str(body.get("model") or ""),
        prompt=prompt,
        taken=taken,
        turns=len(messages),
        tools=tools,
        cwd=_cwd(body),
        session=_session(body, headers),
        side=is_summary(prompt) or (not tools and _is_helper(body, prompt)),
        stream=bool(body.get("stream")),
    )


def _newest(messages: list[Mapping[str, Any]]) -> tuple[str, int]:
    """The newest text that a human typed, and the number of responses after it."""
    taken = 0
    for message in reversed(messages):
        if message.get("role") == "assistant":
            taken += 1
        elif message.get("role") == "user":
            typed = [text for text in map(_typed, texts(message.get("content"))) if text]
            if typed:
                # A client sends an unanswered prompt once more together with the next one: the last one counts.
                return typed[-1], taken
    return "", taken


def texts(content: Any) -> list[str]:
    """The texts of a message's or system prompt's content, tool results left out."""
    if isinstance(content, str):
        return [content]
    return [block.get("text") or "" for block in content or () if block.get("type") == "text"]


def _typed(text: str) -> str:
    text = _PASTE.sub("", _WRAPPED.sub("", text)).strip()
    queued = _QUEUED.match(text)
    if queued:
        return queued[1].strip()
    return "" if _STOPPED.fullmatch(text) else text


def _cwd(body: Mapping[str, Any]) -> str:
    places = [body.get("system")]
    places += [message.get("content") for message in body.get("messages") or () if message.get("role") == "system"]
    places += [message.get("content") for message in (body.get("messages") or ())[:1]]
    for place in places:
        for text in texts(place):
            found = _CWD.search(text)
            if found:
                return found[1].rstrip(".,;")
    return ""


def _session(body: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    told = headers.get("X-Claude-Code-Session-Id")
    if told:
        return told
    user = (body.get("metadata") or {}).get("user_id") or ""
    try:
        parsed = json.loads(user)
    except ValueError:
        return user
    return str(parsed.get("session_id") or "") if isinstance(parsed, dict) else user


def is_summary(prompt: str) -> bool:
    """Whether a client asks for a summary of the conversation, to go on with that instead (`/compact`)."""
    return "<summary>" in prompt and "Do NOT call any tools" in prompt


def _is_helper(body: Mapping[str, Any], prompt: str) -> bool:
    if body.get("max_tokens") == 1 or "format" in (body.get("output_config") or {}):
        return True
    return bool(_HELPER.search("\n".join([*texts(body.get("system")), prompt])))
