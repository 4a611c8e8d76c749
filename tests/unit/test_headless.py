"""What clients print without a terminal: recorded lines of each, cut to what is read."""

from __future__ import annotations

import json

import pytest

from agentdeck.harnesses import headless
from agentdeck.research import proposers
from agentdeck.research.contract import Proposer

PRINTED = {
    "claude": [
        {"type": "system", "subtype": "init", "session_id": "s-1"},
        {"type": "assistant", "session_id": "s-1", "message": {"content": [
            {"type": "tool_use", "name": "Edit", "input": {"file_path": "train.py"}}]}},
        {"type": "assistant", "session_id": "s-1", "message": {"content": [
            {"type": "text", "text": "Smaller steps.\nHYPOTHESIS: it helps"}]}},
        {"type": "result", "session_id": "s-1", "total_cost_usd": 0.25, "result": "HYPOTHESIS: it helps"},
    ],
    "codex": [
        {"type": "thread.started", "thread_id": "s-1"},
        {"type": "item.completed", "item": {"type": "file_change", "changes": [{"path": "train.py"}]}},
        {"type": "item.completed", "item": {"type": "agent_message", "text": "Smaller steps.\nHYPOTHESIS: it helps"}},
        {"type": "turn.completed", "usage": {"input_tokens": 2000}},
    ],
    "gemini": [
        {"type": "init", "session_id": "s-1", "model": "m"},
        {"type": "message", "role": "user", "content": "HYPOTHESIS: of the prompt"},
        {"type": "tool_use", "tool_name": "replace", "parameters": {"file_path": "train.py"}},
        {"type": "message", "role": "assistant", "content": "Smaller steps.\nHYPOTHESIS: ", "delta": True},
        {"type": "message", "role": "assistant", "content": "it helps", "delta": True},
        {"type": "result", "status": "success"},
    ],
    "opencode": [
        {"type": "tool_use", "part": {"tool": "edit", "state": {"input": {"filePath": "train.py"}}}},
        {"type": "step_finish", "sessionID": "s-1", "part": {"cost": 0.125}},
        {"type": "text", "sessionID": "s-1", "part": {"text": "Smaller steps.\nHYPOTHESIS: it helps"}},
        {"type": "step_finish", "sessionID": "s-1", "part": {"cost": 0.125}},
    ],
}  # fmt: skip
DOLLARS = {"claude": 0.25, "codex": None, "gemini": None, "opencode": 0.25}
EDITS = {
    "claude": "Edit train.py", "codex": "edit train.py", "gemini": "replace train.py", "opencode": "edit train.py",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_words_tools_session_and_price_of_each_client(name: str) -> None:
    printed = "\n".join(["Warning: a line for humans", *(json.dumps(row) for row in PRINTED[name])])
    heard = proposers.heard(Proposer("harness", harness=name), printed)
    assert (heard.hypothesis, heard.session, heard.dollars) == ("it helps", "s-1", DOLLARS[name])
    assert EDITS[name] in [line.doing for line in headless.lines(name, printed.splitlines())]


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_rows_of_another_shape_tell_nothing_and_break_nothing(name: str) -> None:
    strange = [
        '{"type": 3}',
        '{"type": "assistant", "message": []}',
        '{"part": 1, "item": [], "type": "text"}',
        "[]",
        "{",
    ]
    for line in headless.lines(name, strange):
        assert line.doing == "" and line.dollars is None


def test_a_client_that_prints_words_is_heard_as_it_is() -> None:
    assert proposers.heard(Proposer("command", command="x"), "work\nHYPOTHESIS: more\n").hypothesis == "more"
    assert proposers.heard(Proposer("harness", harness="builtin"), "▸ edit train.py\nthe last line").hypothesis == (
        "the last line"
    )
