"""The few keys of a response's row that are read: as types, so that a whole row is decoded and the rest skipped.

A row in which anything is not of its usual kind (a float, a null, a number as text, a long name, no message id) is
refused by the decoder, in C, and is for the tolerant way.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from agentdeck.harnesses.jsonl import LONGEST_TEXT, MOST_TOKENS

Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
Text = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]


class Writes(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class Details(msgspec.Struct, gc=False):
    thinking_tokens: int = 0


class Searches(msgspec.Struct, gc=False):
    web_search_requests: int = 0


class Usage(msgspec.Struct, gc=False):
    cache_creation_input_tokens: Count  # not told: then the nested ones count, which is for the tolerant way
    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_input_tokens: Count = 0
    cache_creation: Writes | None = None
    output_tokens_details: Details | None = None
    server_tool_use: Searches | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    iterations: Annotated[list[None], msgspec.Meta(max_length=0)] | None = None


class Message(msgspec.Struct, gc=False):
    id: Name
    model: Name
    usage: Usage


class Row(msgspec.Struct, gc=False):
    type: Literal["assistant"]
    timestamp: Name
    sessionId: Name
    message: Message
    requestSessionId: Text | None = None
    requestId: Text | None = None
    isSidechain: bool | None = None
    agentId: Text | None = None
    isApiErrorMessage: bool | None = None
    cwd: Text | None = None
    costUSD: None = None


decode = msgspec.json.Decoder(Row).decode
