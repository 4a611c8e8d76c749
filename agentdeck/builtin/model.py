"""One model response: a streamed request to the Messages API, folded into a Reply as it arrives."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agentdeck.builtin.history import Block, Message
from agentdeck.errors import UsageError

DEFAULT_MODEL = "claude-sonnet-5-5"
MAX_TOKENS = 16_000  # of one response
ATTEMPTS = 10
LONGEST_WAIT = 900.0  # seconds; a server that asks for more is not waited for
PASSING = {"overloaded_error", "api_error", "rate_limit_error", "timeout_error"}  # errors named inside a stream


class ModelError(Exception):
    """A request that failed. `passing` says that trying again may help, `after` when (seconds, 0: not said)."""

    def __init__(self, message: str, passing: bool = False, after: float = 0.0) -> None:
        super().__init__(message)
        self.passing = passing
        self.after = after

    def wait(self, attempt: int) -> float | None:
        """Seconds to wait after failed attempt number `attempt` (from 1); None to give up."""
        if not self.passing or attempt >= ATTEMPTS or self.after > LONGEST_WAIT:
            return None
        return self.after or min(2.0 ** (attempt - 1), 32.0) * random.uniform(1.0, 1.25)


@dataclass
class Reply:
    """What has arrived of a response; `usage` holds the provider's counts under its own names."""

    id: str = ""
    request_id: str = ""
    model: str = ""
    stop_reason: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)  # complete, in order
    cut: set[str] = field(default_factory=set)  # tool calls whose input ended too early
    complete: bool = False
    _open: Block | None = None
    _json: str = ""

    def feed(self, event: Any) -> str:
        """Take one stream event in; returns the text it added."""
        match event.type:
            case "message_start":
                self.id, self.model = event.message.id, event.message.model
                self._count(event.message.usage)
            case "content_block_start":
                self._open, self._json = event.content_block.model_dump(mode="json", exclude_none=True), ""
                return self._open.get("text", "")
            case "content_block_delta":
                return self._grow(event.delta)
            case "content_block_stop":
                self.close_block()
            case "message_delta":
                self.stop_reason = event.delta.stop_reason or ""
                self._count(event.usage)
            case "message_stop":
                self.complete = True
        return ""

    def _count(self, usage: Any) -> None:
        self.usage.update(usage.model_dump(mode="json", exclude_none=True))

    def _grow(self, delta: Any) -> str:
        if self._open is None:
            raise ValueError("a delta outside of a block")
        match delta.type:
            case "text_delta":
                self._open["text"] += delta.text
                return delta.text
            case "input_json_delta":
                self._json += delta.partial_json
            case "thinking_delta":
                self._open["thinking"] = self._open.get("thinking", "") + delta.thinking
            case "signature_delta":
                self._open["signature"] = self._open.get("signature", "") + delta.signature
        return ""

    def close_block(self, early: bool = False) -> None:
        """Keep the open block; `early` when the stream ended inside it: only text is worth keeping then."""
        block, self._open = self._open, None
        if block is None or (early and block["type"] != "text"):
            return
        if block["type"] == "tool_use":
            block = {key: block[key] for key in ("type", "id", "name")} | {"input": self._input(block)}
        if block["type"] != "text" or block["text"].strip():  # the API takes no empty text back
            self.blocks.append(block)

    def _input(self, block: Block) -> dict[str, Any]:
        try:
            value = json.loads(self._json) if self._json else block.get("input", {})
        except ValueError:
            value = None
        if not isinstance(value, dict):
            self.cut.add(block["id"])
            return {}
        return value

    def calls(self) -> list[Block]:
        return [block for block in self.blocks if block["type"] == "tool_use"]

    def text(self) -> str:
        return "\n\n".join(block["text"] for block in self.blocks if block["type"] == "text")


def check_environment() -> None:
    """Say at once, before any screen, that nobody could answer."""
    if not any(os.environ.get(f"ANTHROPIC_{name}") for name in ("API_KEY", "AUTH_TOKEN", "BASE_URL")):
        raise UsageError(
            "No API key: the built-in agent has no model to talk to",
            "Set ANTHROPIC_API_KEY, or ANTHROPIC_BASE_URL for a local server with the same API.",
        )


class Model:
    """The Messages API of `ANTHROPIC_BASE_URL`. Its library takes over a second to import: it is loaded in a thread."""

    def __init__(self, name: str = "") -> None:
        self.name = name or DEFAULT_MODEL
        self._client: Any = None
        self._loading: asyncio.Future[Any] | None = None

    def load(self) -> asyncio.Future[Any]:
        if self._loading is None:
            loop = asyncio.get_running_loop()
            self._loading = loop.run_in_executor(None, importlib.import_module, "anthropic")
        return self._loading

    async def stream(
        self, system: str, tools: list[Block], messages: list[Message], reply: Reply, show: Callable[[str], None]
    ) -> None:
        """One request. What arrives is in `reply` even when this raises ModelError or is cancelled."""
        await asyncio.shield(self.load())
        import anthropic
        import httpx2

        client = self._open(anthropic)
        try:
            async with await client.messages.create(
                model=self.name,
                max_tokens=MAX_TOKENS,
                system=[{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
                tools=tools,
                messages=messages,
                stream=True,
            ) as events:
                reply.request_id = events.response.headers.get("request-id", "")
                async for event in events:
                    show(reply.feed(event))
        except anthropic.APIStatusError as error:
            raise _explained(error) from error
        except (anthropic.APIConnectionError, httpx2.TransportError) as error:
            raise ModelError(f"Connection failed: {error.__cause__ or error}", passing=True) from error
        except (anthropic.AnthropicError, ValueError) as error:
            raise ModelError(f"The server's answer makes no sense: {error}") from error
        if not reply.complete:
            raise ModelError("Connection failed: the answer ended in the middle", passing=True)

    def _open(self, anthropic: Any) -> Any:
        if self._client is None:
            token = os.environ.get("ANTHROPIC_AUTH_TOKEN") or None
            # A local server wants no key, the client insists on one.
            key = os.environ.get("ANTHROPIC_API_KEY") or (None if token else "none")
            # No retries inside the client: they would wait unseen.
            timeout = anthropic.Timeout(600.0, connect=10.0)
            self._client = anthropic.AsyncAnthropic(api_key=key, auth_token=token, max_retries=0, timeout=timeout)
        return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


def _explained(error: Any) -> ModelError:
    """An HTTP status, or an error event inside a stream that began well."""
    body = error.body if isinstance(error.body, dict) else {}
    inner = body.get("error") if isinstance(body.get("error"), dict) else {}
    status = f"{error.status_code} " if error.status_code >= 400 else ""
    message = f"{status}{inner.get('type', '')}: {inner.get('message') or error.message}"
    headers = error.response.headers
    passing = error.status_code in (408, 409, 429) or error.status_code >= 500 or inner.get("type") in PASSING
    if headers.get("x-should-retry") == "false":
        passing = False
    return ModelError(message, passing, _seconds(headers.get("retry-after", "")))


def _seconds(value: str) -> float:
    try:
        return max(0.0, float(value))
    except ValueError:
        return 0.0
