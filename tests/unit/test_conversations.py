"""What transcripts tell of a conversation, and how it reads."""

from __future__ import annotations

import json
from pathlib import Path

from agentdeck.harnesses import readers
from agentdeck.harnesses.builtin import conversation as builtin
from agentdeck.harnesses.claude import conversation as claude
from agentdeck.harnesses.codex import conversation as codex
from agentdeck.harnesses.messages import arguments
from agentdeck.models.conversation import Turn
from agentdeck.services.reading.history import Script

AT = "2026-11-22T18:32:53.000Z"
MS = 1795372373000


def lines(*rows: object) -> list[bytes]:
    return [row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows]


def said(who: str, *blocks: object) -> dict[str, object]:
    return {"type": who, "timestamp": AT, "message": {"content": list(blocks)}}


def test_claude_says_prompts_answers_calls_and_results() -> None:
    call = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}}
    gave = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "a\nb"}], "is_error": True}
    found = list(
        claude.conversation(
            lines(
                {"type": "user", "timestamp": AT, "message": {"content": "list them"}},
                {"type": "api-request-blob", "message": {"role": "user", "content": "not said by anybody"}},
                b'{"type": "user", "message": {"content": "torn\n',
                {"type": "user", "isMeta": True, "message": {"content": "told by the client itself"}},
                said("assistant", {"type": "thinking", "thinking": "hm"}),
                said("assistant", {"type": "text", "text": "Listing."}, call),
                said("user", gave, {"type": "image"}),
                {"type": "user", "message": {"content": None}},
                {"type": "user", "message": "damaged"},
            )
        )
    )
    assert found == [
        Turn("prompt", "list them", MS),
        Turn("thought", "hm", MS),
        Turn("answer", "Listing.", MS),
        Turn("call", "ls", MS, "Bash"),
        Turn("error", "a\nb", MS),
        Turn("note", "[image]", MS),
    ]


def test_our_own_agent_says_the_same() -> None:
    call = {"type": "tool_use", "id": "t", "name": "write", "input": {"filePath": "a.py", "content": "x\ny"}}
    found = list(
        builtin.conversation(
            lines(
                {"type": "session", "ts": AT, "source": "startup"},
                {"type": "user", "ts": AT, "content": "go"},
                {"type": "assistant", "ts": AT, "content": [{"type": "text", "text": "Yes."}, call], "usage": {}},
                {"type": "tool_result", "ts": AT, "tool_use_id": "t", "content": "written", "is_error": False},
                {"type": "interrupt", "ts": AT},
            )
        )
    )
    assert found == [
        Turn("prompt", "go", MS),
        Turn("answer", "Yes.", MS),
        Turn("call", "filePath: a.py\ncontent:\nx\ny", MS, "write"),
        Turn("result", "written", MS),
        Turn("note", "[interrupted]", MS),
    ]


def test_codex_says_the_same() -> None:
    def item(kind: str, **more: object) -> dict[str, object]:
        return {"timestamp": AT, "type": "response_item", "payload": {"type": kind, **more}}

    found = list(
        codex.conversation(
            lines(
                {"timestamp": AT, "type": "event_msg", "payload": {"type": "user_message", "message": "go"}},
                item("message", role="developer", content=[{"type": "input_text", "text": "told by the client"}]),
                item("message", role="user", content=[{"type": "input_text", "text": "<environment_context>x"}]),
                item("message", role="user", content=[{"type": "input_text", "text": "go"}]),
                item("reasoning", summary=[{"type": "summary_text", "text": "hm"}]),
                item("function_call", name="exec_command", arguments='{"cmd": "ls"}'),
                item("function_call_output", output="README.md"),
                item("custom_tool_call", name="apply_patch", input="*** Begin Patch"),
                item("local_shell_call", action={"command": ["ls", "-l"]}),
                item("message", role="assistant", content=[{"type": "output_text", "text": "Done."}]),
                item("message", role="assistant", content=7),
                item("message", role="user", content=[{"type": "input_text", "text": "<turn_aborted>\nThe user"}]),
            )
        )
    )
    assert found == [
        Turn("prompt", "go", MS),
        Turn("thought", "hm", MS),
        Turn("call", "ls", MS, "exec_command"),
        Turn("result", "README.md", MS),
        Turn("call", "*** Begin Patch", MS, "apply_patch"),
        Turn("call", '["ls", "-l"]', MS, "shell"),
        Turn("answer", "Done.", MS),
        Turn("note", "[interrupted]", MS),
    ]


def test_readers_offer_a_conversation() -> None:
    assert readers.conversation("claude") is claude.conversation
    assert readers.conversation("builtin") is builtin.conversation
    assert readers.conversation("codex") is codex.conversation
    assert readers.conversation("shell") is readers.conversation("") is readers.conversation("../x") is None


def test_what_a_tool_was_given_reads_as_text() -> None:
    assert arguments({"command": "ls -la"}) == "ls -la"
    assert arguments({"path": "a", "n": 3}) == "path: a\nn: 3"
    assert arguments({}) == "" and arguments(None) == "" and arguments(["x"]) == '["x"]'


def test_turns_read_as_lines() -> None:
    script = Script()
    script.turn(Turn("prompt", "two\n\nlines", 0))
    script.turn(Turn("call", "a\nb", 0, "edit"))
    script.turn(Turn("call", "ls\t-l \x1b[31mred\x1b[0m\r", 0, "bash"))
    script.turn(Turn("prompt", "again", MS))
    document = script.document()
    assert document.texts[:6] == ["› two", "", "  lines", "▸ edit", "  a", "  b"]
    assert document.texts[6:8] == ["▸ bash  ls        -l red", ""]
    assert document.texts[8].startswith("── 2026-11-2") and document.texts[9] == "› again"
    assert [text for text, _ in document.line(6)] == ["▸ bash", "  ls        -l red"]
    assert [text for text, _ in document.line(3)] == ["▸ edit"] and document.line(1) == ()


def test_a_file_that_is_not_there_tells_nothing(tmp_path: Path) -> None:
    from agentdeck.models.agent import Agent
    from agentdeck.services.reading import history

    agent = Agent("a", "alice", "builtin", "/r", str(tmp_path), "", "", "", "stopped", session="none")
    assert history.files(agent) == [] and history.conversation(agent) is None and history.last_message(agent) == ""
    assert list(history.turns(agent, str(tmp_path / "none"))) == []
