"""The few keys of a transcript's row that are read: as types, so that a whole row is decoded and the rest skipped.

A row that has other types in their place (a float, a null, a number as text) is for the tolerant way.
"""

from __future__ import annotations

import msgspec


class Writes(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class Details(msgspec.Struct, gc=False):
    thinking_tokens: int = 0


class Searches(msgspec.Struct, gc=False):
    web_search_requests: int = 0


class Usage(msgspec.Struct, gc=False):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = -1  # not told: then the nested ones count
    cache_creation: Writes | None = None
    output_tokens_details: Details | None = None
    server_tool_use: Searches | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    iterations: list[msgspec.Raw] | None = None


class Message(msgspec.Struct, gc=False):
    id: str = ""
    model: str = ""
    usage: Usage | None = None


class Row(msgspec.Struct, gc=False):
    type: str = ""
    timestamp: str = ""
    sessionId: str = ""
    requestSessionId: str | None = None
    requestId: str | None = None
    isSidechain: bool | None = None
    agentId: str | None = None
    isApiErrorMessage: bool | None = None
    cwd: str | None = None
    costUSD: msgspec.Raw | None = None
    message: Message = msgspec.field(default_factory=Message)


decode = msgspec.json.Decoder(Row).decode
