"""Stream events folded into a reply, and what is worth another attempt."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from agentdeck.builtin.model import ATTEMPTS, LONGEST_WAIT, ModelError, Reply, check_environment
from agentdeck.errors import UsageError


class Thing(SimpleNamespace):
    def model_dump(self, **_: Any) -> dict[str, Any]:
        return dict(vars(self))


def start(**usage: Any) -> Thing:
    return Thing(type="message_start", message=Thing(id="msg_1", model="m", usage=Thing(**usage)))


def block(**fields: Any) -> Thing:
    return Thing(type="content_block_start", content_block=Thing(**fields))


def delta(type: str, **fields: Any) -> Thing:
    return Thing(type="content_block_delta", delta=Thing(type=type, **fields))


END = Thing(type="content_block_stop")


def fed(*events: Thing) -> Reply:
    reply = Reply()
    for event in events:
        reply.feed(event)
    return reply


def test_a_whole_response() -> None:
    reply = fed(
        start(input_tokens=4, output_tokens=1, cache_read_input_tokens=9),
        block(type="thinking", thinking="", signature=""),
        delta("thinking_delta", thinking="hm"),
        delta("signature_delta", signature="sig"),
        END,
        block(type="text", text=""),
        delta("text_delta", text="I will "),
        delta("text_delta", text="look."),
        END,
        block(type="tool_use", id="t1", name="bash", input={}, caller={"type": "direct"}),
        delta("input_json_delta", partial_json='{"command": '),
        delta("input_json_delta", partial_json='"ls"}'),
        END,
        Thing(type="message_delta", delta=Thing(stop_reason="tool_use"), usage=Thing(output_tokens=50)),
        Thing(type="message_stop"),
    )
    assert reply.complete
    assert reply.stop_reason == "tool_use"
    assert reply.text() == "I will look."
    assert reply.calls() == [{"type": "tool_use", "id": "t1", "name": "bash", "input": {"command": "ls"}}]
    assert reply.blocks[0] == {"type": "thinking", "thinking": "hm", "signature": "sig"}
    assert reply.usage == {"input_tokens": 4, "output_tokens": 50, "cache_read_input_tokens": 9}


def test_a_response_cut_in_a_text_keeps_it() -> None:
    reply = fed(start(output_tokens=1), block(type="text", text=""), delta("text_delta", text="half a sen"))
    reply.close_block(early=True)
    assert (reply.text(), reply.complete) == ("half a sen", False)


def test_a_response_cut_in_a_call_drops_it() -> None:
    reply = fed(
        start(output_tokens=1),
        block(type="tool_use", id="t", name="bash", input={}),
        delta("input_json_delta", partial_json='{"c'),
    )
    reply.close_block(early=True)
    assert reply.blocks == []


@pytest.mark.parametrize("given", ['{"command": "ls', "[1]"])
def test_a_call_whose_input_is_no_object_is_marked(given: str) -> None:
    reply = fed(
        block(type="tool_use", id="t", name="bash", input={}), delta("input_json_delta", partial_json=given), END
    )
    assert reply.cut == {"t"}
    assert reply.calls()[0]["input"] == {}


def test_a_call_without_input_has_an_empty_one() -> None:
    reply = fed(block(type="tool_use", id="t", name="bash", input={}), END)
    assert (reply.calls()[0]["input"], reply.cut) == ({}, set())


def test_an_empty_text_is_not_kept() -> None:
    assert fed(block(type="text", text=""), delta("text_delta", text=" \n"), END).blocks == []


def test_waits_grow_and_end() -> None:
    waits = [ModelError("busy", passing=True).wait(attempt) for attempt in range(1, ATTEMPTS + 1)]
    assert waits[-1] is None
    grown = [wait for wait in waits if wait is not None]
    assert len(grown) == ATTEMPTS - 1
    assert 1 <= grown[0] <= 1.25
    assert max(grown) <= 40


def test_the_server_says_when() -> None:
    assert ModelError("busy", passing=True, after=17.0).wait(1) == 17.0
    assert ModelError("busy", passing=True, after=LONGEST_WAIT + 1).wait(1) is None
    assert ModelError("bad request").wait(1) is None


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"])
def test_a_key_or_a_server_must_be_known(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError) as caught:
        check_environment()
    assert "ANTHROPIC_API_KEY" in caught.value.hint
    monkeypatch.setenv(name, "x")
    check_environment()
