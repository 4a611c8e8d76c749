"""What Gemini CLI keeps: usage and conversations out of its chat logs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.harnesses import loader
from agentdeck.harnesses.gemini import sessions, transcript
from agentdeck.harnesses.gemini.conversation import conversation
from agentdeck.models.agent import Agent
from agentdeck.models.usage import Tokens
from agentdeck.services import rows
from agentdeck.services.reading import conversations
from agentdeck.services.usage.usage_sources import sources_for

SESSION = "11111111-2222-4333-8444-555555555555"
AT = "2026-11-25T13:08:59.620Z"


def said(name: str, kind: str, content: object, **more: object) -> dict[str, Any]:
    return {"id": name, "timestamp": AT, "type": kind, "content": content, **more}


def tokens(whole: int, output: int, cached: int = 0, thoughts: int = 0, tool: int = 0) -> dict[str, int]:
    total = whole + output + thoughts + tool
    return {"input": whole, "output": output, "cached": cached, "thoughts": thoughts, "tool": tool, "total": total}


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


HEAD = {"sessionId": SESSION, "projectHash": "0", "startTime": AT, "lastUpdated": AT, "kind": "main"}
ANSWER = said(
    "g1", "gemini", "Looking.", tokens=tokens(1000, 50, cached=600, thoughts=20, tool=5), model="gemini-2.5-pro"
)
CALLED = {**ANSWER, "toolCalls": [{
    "id": "c1", "name": "run_shell_command", "args": {"command": "ls"}, "status": "success",
    "result": [{"functionResponse": {"id": "c1", "name": "run_shell_command", "response": {"output": "a.txt"}}}],
}]}  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / ".gemini/tmp/repo/chats/session-2026-11-25T13-08-11111111.jsonl"


def write(file: Path, *rows: object) -> bytes:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(lines(*rows))
    return file.read_bytes()


def test_a_response_written_twice_has_one_key_and_disjoint_classes(log: Path) -> None:
    found, strange = transcript.records(write(log, HEAD, ANSWER, CALLED), str(log))
    assert strange == 0
    assert {one.key for one in found} == {"gemini:g1"}
    (record, _) = found
    assert record.tokens == Tokens(input=405, cache_read=600, output=70, reasoning=20)
    assert (record.session, record.model, record.context_tokens) == (SESSION, "gemini-2.5-pro", 1005)
    assert record.ts == 1795612139620


def test_counts_that_come_with_a_later_copy_and_a_history_told_whole_are_the_same_responses(log: Path) -> None:
    bare = {**ANSWER, "tokens": None}
    whole = {"$set": {"messages": [said("u1", "user", "hi"), CALLED], "lastUpdated": AT}}
    found, strange = transcript.records(write(log, HEAD, bare, ANSWER, whole, {"$rewindTo": "u1"}), str(log))
    assert strange == 0
    assert [one.key for one in found] == ["gemini:g1", "gemini:g1"]


def test_a_piece_of_a_log_and_the_second_file_of_a_resumed_session_know_whose_they_are(log: Path) -> None:
    write(log, HEAD, said("u1", "user", "hi"))
    (record,), _ = transcript.records(lines(ANSWER), str(log))
    assert record.session == SESSION


def test_a_subagent_is_a_sidechain_of_the_session_that_pays(log: Path) -> None:
    side = log.parent / SESSION / "side1.jsonl"
    (record,), _ = transcript.records(
        write(side, {**HEAD, "sessionId": "side1", "kind": "subagent"}, ANSWER), str(side)
    )
    assert (record.session, record.sidechain, record.context_tokens) == (SESSION, "side1", 0)


def test_an_old_session_in_one_document_and_damage_are_read_for_what_they_hold(log: Path) -> None:
    old = log.with_name("session-2025-01-01T00-00-11111111.json")
    (record,), _ = transcript.records(write(old, {**HEAD, "messages": [ANSWER]}), str(old))
    assert record.session == SESSION
    torn = json.dumps(ANSWER)[:60] + json.dumps({**ANSWER, "id": "g2"})
    found, strange = transcript.records(torn.encode() + b"\n" + b"\0" * 9 + lines(ANSWER), str(log))
    assert ([one.key for one in found], strange) == (["gemini:g2", "gemini:g1"], 2)


def test_a_kind_of_row_that_nobody_knows_is_counted_as_strange(log: Path) -> None:
    assert transcript.records(lines({**ANSWER, "type": "oracle"}), str(log)) == ([], 1)


def test_a_conversation_tells_each_turn_once_and_not_what_the_client_tells_itself() -> None:
    context = said("u0", "user", [{"text": "<session_context>\nThis is the Gemini CLI."}])
    returned = said("u2", "user", [{"functionResponse": {"id": "c1", "response": {"output": "a.txt"}}}])
    whole = {"$set": {"messages": [context, said("u1", "user", [{"text": "list"}]), {**CALLED, "content": [
        {"text": "Looking."}, {"functionCall": {"name": "run_shell_command"}},
    ]}]}}  # fmt: skip
    rows = [HEAD, context, said("u1", "user", [{"text": "list"}]), ANSWER, CALLED, returned,
            said("i1", "info", "Request cancelled."), whole, said("e1", "error", "[API Error: no]")]  # fmt: skip
    turns = list(conversation(lines(*rows).splitlines(keepends=True)))
    assert [(one.kind, one.text, one.name) for one in turns] == [
        ("prompt", "list", ""), ("answer", "Looking.", ""), ("call", "ls", "run_shell_command"),
        ("result", "a.txt", ""), ("note", "Request cancelled.", ""), ("error", "[API Error: no]", ""),
    ]  # fmt: skip


def test_its_files_are_found_by_the_head_of_the_session() -> None:
    agent = Agent("a1", "ann", "gemini", "/r", "/w", "", "", "", "live", session=SESSION, home="/h", config_home="/h")
    (source,) = sources_for(agent, loader.get("gemini"))
    assert source.patterns == (
        "/h/.gemini/tmp/*/chats/session-*-11111111.jsonl", f"/h/.gemini/tmp/*/chats/{SESSION}/*.jsonl",
    )  # fmt: skip


def test_a_conversation_that_was_begun_without_a_word_is_found(log: Path, tmp_path: Path) -> None:
    def newest(since: int = 0, taken: tuple[str, ...] = (), tree: str = "/w") -> str:
        kept = sessions.newest(str(tmp_path), tree, since, frozenset(taken))
        return kept.session if kept else ""

    assert newest() == ""  # nothing there yet
    write(log, HEAD)
    write(
        log.with_name("session-2026-11-25T13-08-aaaa.jsonl"),
        {**HEAD, "sessionId": "b", "startTime": "2026-11-25T13:09:30Z"},
    )
    write(log.with_name("session-2026-11-25T13-09-bbbb.jsonl"), {"startTime": "torn"})
    (tmp_path / ".gemini/projects.json").write_text(json.dumps({"projects": {"/w": "repo"}}))
    assert newest() == "b"
    assert newest(taken=("b",)) == SESSION
    assert newest(since=1795612139620 + 1, taken=("b",)) == ""
    assert newest(tree="/other") == ""


def test_an_agent_goes_on_to_it_and_both_are_its_own(log: Path, tmp_path: Path) -> None:
    agent = Agent(
        "a1", "ann", "gemini", "/r", "/w", "", "", "", "live", session="first", home="/h", config_home=str(tmp_path)
    )
    harness = loader.get("gemini")
    assert conversations.newer(harness, agent, frozenset()) is None
    write(log, HEAD)
    (tmp_path / ".gemini/projects.json").write_text(json.dumps({"projects": {"/w": "repo"}}))
    kept = conversations.newer(harness, agent, frozenset())
    assert kept is not None and kept.session == SESSION
    assert conversations.newer(harness, replace(agent, session=SESSION), frozenset()) is None
    assert conversations.newer(harness, replace(agent, life="stopped"), frozenset()) is None
    writer = store.Writer(paths.database_file())
    writer.run_sync(lambda conn: rows.insert(conn, "agents", rows.agent_columns(agent)))
    writer.run_sync(lambda conn: conversations.enter(conn, "a1", kept, 5))
    writer.close()
    conn = store.read(paths.database_file())
    assert conn is not None
    assert [row[0] for row in conn.execute("SELECT session FROM agents")] == [SESSION]
    conn.close()
