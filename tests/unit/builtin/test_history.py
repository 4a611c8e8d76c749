"""The conversation stays what the API accepts, whatever happened to the session."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentdeck.builtin.history import INTERRUPTED, History, from_rows, result_block, text_block


def call(name: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": name, "name": "bash", "input": {"command": "ls"}}


def check(history: History) -> None:
    """The API's rules: turns alternate from the user on, calls are answered first thing in the next message."""
    roles = [message["role"] for message in history.messages]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2)
    for message, after in zip_longest(history.messages, history.messages[1:]):
        assert message["content"]
        calls = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
        results = [b["tool_use_id"] for b in (after or {"content": []})["content"] if b["type"] == "tool_result"]
        assert sorted(results) == calls
        if calls and after:
            assert [b["type"] for b in after["content"][: len(calls)]] == ["tool_result"] * len(calls)


def result_row(name: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": name, "name": "bash", "content": "out", "is_error": False}


SESSION = [
    {"type": "session"},
    {"type": "user", "content": "go"},
    {"type": "assistant", "content": [text_block("two calls"), call("a"), call("b")]},
    result_row("a"),
    result_row("b"),
    {"type": "assistant", "content": [], "partial": True},
    {"type": "assistant", "content": [call("c")]},
    result_row("c"),
    {"type": "user", "content": "typed meanwhile"},
    {"type": "assistant", "content": [text_block("hal")], "partial": True},
    {"type": "interrupt"},
    {"type": "session"},
    {"type": "user", "content": "again"},
    {"type": "assistant", "content": [text_block("done")]},
]


@given(st.integers(0, len(SESSION)))
def test_a_session_killed_anywhere_is_valid(end: int) -> None:
    check(from_rows(SESSION[:end]))


@given(st.sets(st.sampled_from([3, 4, 7])))
def test_lost_results_are_made_up_for(lost: set[int]) -> None:
    check(from_rows(row for i, row in enumerate(SESSION) if i not in lost))


def test_an_interrupt_is_told_to_the_model() -> None:
    history = from_rows(SESSION)
    assert text_block(INTERRUPTED) in history.messages[-2]["content"]
    assert text_block("again") in history.messages[-2]["content"]


def test_open_calls_are_those_without_a_result() -> None:
    history = History()
    history.user(text_block("go"))
    history.assistant([call("a"), call("b")])
    history.user(result_block("a", "", False))
    assert [block["id"] for block in history.open_calls()] == ["b"]


def test_only_the_end_of_a_request_is_marked_for_the_cache_and_the_history_is_not() -> None:
    history = from_rows(SESSION)
    history.user(text_block("more"))
    marked = [b for m in history.request() for b in m["content"] if "cache_control" in b]
    assert marked == [text_block("more") | {"cache_control": {"type": "ephemeral"}}]
    assert not any("cache_control" in b for m in history.messages for b in m["content"])


def test_an_empty_result_is_said_in_words() -> None:
    assert result_block("a", "", False)["content"]
