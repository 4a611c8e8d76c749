"""The rules by which Claude Code's rows become usage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdeck.harnesses.claude import transcript
from agentdeck.models.usage import Tokens, UsageRecord

USAGE: dict[str, Any] = {
    "input_tokens": 4,
    "cache_creation_input_tokens": 900,
    "cache_read_input_tokens": 50,
    "output_tokens": 30,
    "output_tokens_details": {"thinking_tokens": 10},
    "cache_creation": {"ephemeral_5m_input_tokens": 500, "ephemeral_1h_input_tokens": 400},
}


def row(usage: dict[str, Any] | None = None, message: dict[str, Any] | None = None, **top: Any) -> dict[str, Any]:
    inner = {"id": "msg_1", "model": "claude-opus-5-5", "usage": {**USAGE, **(usage or {})}, **(message or {})}
    outer = {"type": "assistant", "requestId": "req_1", "sessionId": "s", "timestamp": "2026-11-22T18:32:53.421Z"}
    return {**outer, "message": inner, **top}


def dump(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one, separators=(",", ":")).encode() + b"\n" for one in rows)


def records(chunk: bytes, path: str) -> tuple[list[UsageRecord], int]:
    """As the ingest reads; the tolerant parser alone must say the same."""
    found = transcript.read(chunk, path, "")
    slowly, damaged = transcript.records(chunk, path)
    assert ({one.key: one for one in found.records}, found.damaged) == ({one.key: one for one in slowly}, damaged)
    return found.records, found.damaged


def read(*rows: dict[str, Any], path: str = "/p/s.jsonl") -> list[UsageRecord]:
    found, strange = records(dump(*rows), path)
    assert strange == 0
    return found


def only(*rows: dict[str, Any]) -> UsageRecord:
    (found,) = read(*rows)
    return found


def test_a_plain_row() -> None:
    assert only(row(cwd="/w")) == UsageRecord(
        key="claude:msg_1/req_1", message="claude:msg_1", harness="claude", session="s", ts=1795372373421,
        model="claude-opus-5-5", tokens=Tokens(4, 50, 500, 400, 30, 10), cwd="/w", context_tokens=954,
    )  # fmt: skip


def test_a_request_may_have_no_id_and_a_message_may_have_none() -> None:
    assert only(row(requestId=None)).key == "claude:msg_1/"
    unnamed = only(row(message={"id": None}, uuid="u1"))
    assert (unnamed.key, unnamed.message) == ("claude:row:u1/req_1", "claude:row:u1")


@pytest.mark.parametrize(
    ("usage", "five", "hour"),
    [
        ({"cache_creation": None}, 900, 0),
        ({"cache_creation": {}}, 900, 0),
        ({"cache_creation": {"ephemeral_1h_input_tokens": 900}}, 0, 900),
        ({"cache_creation": {"ephemeral_1h_input_tokens": 5000}}, 0, 900),
        ({"cache_creation": {"ephemeral_5m_input_tokens": 5000}}, 900, 0),
        ({"cache_creation_input_tokens": None}, 500, 400),
        ({"cache_creation_input_tokens": 0}, 0, 0),
    ],
)
def test_writes_split_into_five_minutes_and_an_hour(usage: dict[str, Any], five: int, hour: int) -> None:
    tokens = only(row(usage)).tokens
    assert (tokens.cache_write_5m, tokens.cache_write_1h) == (five, hour)


def test_four_flat_zeros_are_nothing_whatever_is_nested() -> None:
    flat = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    zeroed = dict.fromkeys(flat, 0) | {"iterations": [{"type": "advisor_message", "model": "m", "output_tokens": 9}]}
    assert read(row(zeroed)) == []


def test_local_errors_are_not_responses() -> None:
    assert read(row(message={"model": "<synthetic>"}), row(isApiErrorMessage=True)) == []


def test_totals_that_a_tool_reports_are_not_counted_again() -> None:
    tool = {"type": "user", "message": {"role": "user", "usage": USAGE}, "toolUseResult": {"usage": USAGE}}
    assert read(tool) == []


def test_a_fork_names_who_paid() -> None:
    assert only(row(requestSessionId="other")).session == "other"


def test_a_session_unsaid_is_that_of_the_file() -> None:
    assert read(row(sessionId=None), path="/p/abc.jsonl")[0].session == "abc"
    side = read(row(sessionId=None), path="/p/abc/subagents/agent-7.jsonl")[0]
    assert (side.session, side.sidechain, side.context_tokens) == ("abc", "subagent", 0)


def test_side_chains_count_and_fill_no_context() -> None:
    side = only(row(isSidechain=True, agentId="a7"))
    assert (side.sidechain, side.context_tokens, side.tokens.total) == ("a7", 0, 984)


def test_an_advisor_is_a_row_of_its_own_and_the_last_message_fills_the_context() -> None:
    steps = [
        {"type": "message", "input_tokens": 4, "output_tokens": 1},
        {"type": "advisor_message", "model": "claude-haiku-4-5", "input_tokens": 700, "output_tokens": 70},
        {"type": "message", "input_tokens": 1, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 3},
    ]
    main, advisor = read(row({"iterations": steps}))
    assert main.tokens.total == 984
    assert main.context_tokens == 24
    assert (advisor.key, advisor.model, advisor.tokens) == (
        "claude:msg_1#advisor1/req_1", "claude-haiku-4-5", Tokens(input=700, output=70),
    )  # fmt: skip
    assert advisor.message != main.message


def test_what_changes_the_price_is_kept() -> None:
    usage = {"speed": "fast", "inference_geo": "us", "service_tier": "standard"}
    found = only(row({**usage, "server_tool_use": {"web_search_requests": 2}}))
    assert (found.variant, found.searches) == ("fast+us", 2)
    assert only(row(costUSD=0.25)).client_cost == 250_000_000


def test_a_subagents_row_of_the_old_layout() -> None:
    inner = {key: value for key, value in row().items() if key != "sessionId"}
    old = {"type": "progress", "sessionId": "s", "data": {"type": "agent_progress", "agentId": "a1", "message": inner}}
    found = only(old)
    assert (found.key, found.session, found.sidechain) == ("claude:msg_1/req_1", "s", "a1")


def test_a_kind_of_row_that_nobody_knows_is_pointed_out() -> None:
    assert records(dump({**row(), "type": "later"}), "/p/s.jsonl") == ([], 1)


def test_one_key_a_response() -> None:
    again = row({"output_tokens": 1})
    assert len({record.key for record in read(row(), again, row())}) == 1


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_NAMES = (
    "message",
    "sessionId",
    "requestId",
    "timestamp",
    "isSidechain",
    "agentId",
    "costUSD",
    "requestSessionId",
    "data",
)
_INNER = ("id", "model", "usage")


@given(st.sampled_from(_NAMES), anything)
def test_no_value_anywhere_breaks_the_reader(name: str, value: object) -> None:
    found, _ = records(dump({**row(), name: value}), "/p/s.jsonl")
    _storable(found)


@given(st.sampled_from([*_INNER, *USAGE, "iterations", "server_tool_use", "speed"]), anything)
def test_no_value_in_the_message_breaks_the_reader(name: str, value: object) -> None:
    changed = row(message={name: value}) if name in _INNER else row({name: value})
    found, _ = records(dump(changed), "/p/s.jsonl")
    _storable(found)


def _storable(found: list[UsageRecord]) -> None:
    for record in found:
        for text in (record.key, record.session, record.model, record.sidechain, record.variant):
            text.encode()
        assert 0 <= record.ts < 2**63
        assert 0 <= record.tokens.total < 2**63
