"""`agentdeck usage import`: histories of every client, wherever they lie, counted once and told of in words."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import genai_prices  # noqa: F401 - the list is in memory, so no process is started to ask it
import pytest
import zstandard
from click.testing import CliRunner

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.cli import main
from agentdeck.harnesses import packed
from tests import usage_corpus

CODEX = "01a2048e-3520-7371-beb3-211b3ec047a9"


def run(*argv: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["usage", *argv, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def put(file: Path, data: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def codex_rollout() -> bytes:
    used = {"input_tokens": 100, "cached_input_tokens": 60, "output_tokens": 9, "total_tokens": 109}
    told = {"thread_id": CODEX, "session_id": CODEX, "turn_id": "t", "response_id": "r", "usage": used}
    at = "2026-11-22T18:39:58.272Z"
    return lines(
        {"timestamp": at, "type": "session_meta", "payload": {"id": CODEX, "cwd": "/gone/there", "timestamp": at}},
        {"timestamp": at, "type": "turn_context", "payload": {"turn_id": "t", "model": "gpt-5.5"}},
        {"timestamp": at, "type": "token_usage_record", "payload": told},
    )


def gemini_chat() -> bytes:
    tokens = {"input": 50, "output": 7, "cached": 20, "thoughts": 3, "tool": 0, "total": 60}
    answer = {
        "id": "m",
        "timestamp": "2026-11-22T18:44:00.137Z",
        "type": "gemini",
        "tokens": tokens,
        "model": "gemini-2.5-pro",
    }
    return lines({"sessionId": "g", "projectHash": "0"}, answer)  # fmt: skip


@pytest.fixture
def home(own_machine: Path) -> Path:
    return own_machine / "home"


def test_all_clients_in_their_usual_places(home: Path) -> None:
    corpus = usage_corpus.corpus(5)
    for path, data in corpus.files.items():
        put(home / ".claude/projects/-w" / path, data)
    put(home / f".codex/sessions/2026/11/22/rollout-2026-11-22T18-39-18-{CODEX}.jsonl", codex_rollout())
    put(home / ".gemini/tmp/slug/chats/session-1-g.jsonl", gemini_chat())
    put(home / ".gemini/tmp/slug/.project_root", b"/gone/project\n")
    told = run("import")
    assert told["files"] == {"claude": len(corpus.files), "codex": 1, "gemini": 1}
    assert told["messages"] == sum(truth.messages for truth in corpus.truth.values()) + 2
    assert told["diagnostics"]["damaged_rows"] == corpus.damaged
    report = run("--by", "harness")
    assert {row["key"]: row["output_tokens"] for row in report["rows"]} == {
        "claude": sum(truth.output for truth in corpus.truth.values()), "codex": 9, "gemini": 10,
    }  # fmt: skip
    assert {row["key"] for row in run("--by", "repo")["rows"]} == {"/w", "/repo", "/gone/there", "/gone/project"} - {
        "/repo"
    }
    assert run("import")["messages"] == 0


def test_files_are_known_by_what_they_hold_wherever_they_lie(tmp_path: Path) -> None:
    row = usage_corpus.Writer(1).response("one")
    put(tmp_path / "old/backup of a laptop/a.jsonl", lines(row))
    put(tmp_path / "old/b.jsonl", codex_rollout())
    put(tmp_path / "old/c.jsonl", gemini_chat())
    put(tmp_path / "old/notes.jsonl", b'{"hello": 1}\n')
    put(tmp_path / "old/d.jsonl.zst", zstandard.compress(lines(usage_corpus.Writer(2).response("two"))))
    put(tmp_path / "old/e.jsonl.xz", b"\xfd7zXZ but not really")
    (tmp_path / "old/again.jsonl").symlink_to(tmp_path / "old/b.jsonl")
    os.link(tmp_path / "old/c.jsonl", tmp_path / "old/hard.jsonl")
    (tmp_path / "old/loop").symlink_to(tmp_path / "old")
    told = run("import", str(tmp_path / "old"))
    assert told["files"] == {"claude": 2, "codex": 1, "gemini": 1}
    assert told["diagnostics"]["files_of_no_known_client"] == 1
    assert told["diagnostics"]["unreadable_files"] == 1 and "e.jsonl.xz" in str(told["unreadable"])


def test_what_nothing_here_unpacks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(path: str) -> None:
        raise packed.NoUnpacker("no zstd")

    monkeypatch.setattr(packed, "_zstd", none)
    put(tmp_path / "old/d.jsonl.zst", zstandard.compress(lines(usage_corpus.Writer(2).response("two"))))
    told = run("import", str(tmp_path / "old"))
    assert (told["messages"], told["diagnostics"]["compressed_files_not_read"]) == (0, 1)


def test_one_session_in_two_configuration_directories_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = usage_corpus.Writer(1).response("one")
    for name in ("first", "second"):
        put(tmp_path / name / "projects/-w/one.jsonl", lines(row))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", f"{tmp_path}/first, {tmp_path}/second")
    assert run("import")["messages"] == 1


def test_the_repository_of_a_linked_work_tree_is_its_main_checkout(tmp_path: Path) -> None:
    (tmp_path / "repo/.git/worktrees/w").mkdir(parents=True)
    put(tmp_path / "trees/w/.git", f"gitdir: {tmp_path}/repo/.git/worktrees/w\n".encode())
    row = usage_corpus.Writer(1).response("one", cwd=str(tmp_path / "trees/w/deep"))
    run("import", str(put(tmp_path / "h/one.jsonl", lines(row))))
    assert [row["key"] for row in run("--by", "repo")["rows"]] == [str(tmp_path / "repo")]


def test_nothing_there(tmp_path: Path) -> None:
    assert run("import")["files"] == {}
    said = CliRunner().invoke(main, ["usage", "import", str(tmp_path)])
    assert said.exit_code == 0 and f"no history of a client was found in\n  {tmp_path}" in said.stderr
    missing = CliRunner().invoke(main, ["usage", "import", str(tmp_path / "no")])
    assert missing.exit_code == 2
    assert "there is nothing at" in missing.stderr


def test_what_another_process_took_in_is_not_counted_again(tmp_path: Path) -> None:
    """A long-lived ingest knows what it has stored itself; it must not trust that when somebody else wrote too."""
    from agentdeck.services.usage.usage_store import Seen

    file = paths.database_file()
    conn = store.write(file)
    seen = Seen(conn)
    assert seen.among(conn, {"m"}) == []
    run("import", str(put(tmp_path / "one.jsonl", lines(usage_corpus.Writer(1).response("one")))))
    assert seen.among(conn, {"claude:msg_1"}) == ["claude:msg_1"]
    conn.close()


COST = {
    "type": "cost-state", "sessionId": "one", "startTime": 1795372372441,
    "modelUsage": {
        "claude-opus-5-5": {
            "inputTokens": 15, "outputTokens": 27, "cacheReadInputTokens": 0, "cacheCreationInputTokens": 0,
            "costUSD": 0.000600,
        }
    },
}  # fmt: skip


def plain(writer: usage_corpus.Writer, session: str, **extra: Any) -> dict[str, Any]:
    row = writer.response(session, **extra)
    row["message"]["model"] = "claude-opus-5-5"
    row["message"]["usage"] = {"input_tokens": 5, "output_tokens": 7}
    return row


def test_what_a_client_counted_and_recorded_nowhere_stands_beside_the_total(tmp_path: Path) -> None:
    writer = usage_corpus.Writer(1)
    put(tmp_path / "h/one.jsonl", lines(plain(writer, "one"), COST))
    run("import", str(tmp_path / "h"))
    report = run()
    assert report["total"]["output_tokens"] == 7
    auxiliary = report["auxiliary"]
    assert (auxiliary["input_tokens"], auxiliary["output_tokens"], auxiliary["tokens"]) == (10, 20, 30)
    (session,) = run("doctor")["sessions"]
    assert (session["our_tokens"], session["client_tokens"], session["verdict"]) == (12, 42, "auxiliary")
    words = CliRunner().invoke(main, ["usage", "doctor"]).stdout
    assert "session one (claude claude-opus-5-5), told" in words
    assert "we counted 12 tokens, the client 42: +30 (+10 input, +20 output)" in words


def test_a_fork_goes_on_from_its_parents_total(tmp_path: Path) -> None:
    writer = usage_corpus.Writer(1)
    first = plain(writer, "one")
    copy = {**first, "sessionId": "fork", "requestSessionId": "one"}
    grown = json.loads(json.dumps(COST).replace('"one"', '"fork"'))
    grown["modelUsage"]["claude-opus-5-5"].update(inputTokens=20, outputTokens=34)
    put(tmp_path / "h/one.jsonl", lines(first, COST))
    put(tmp_path / "h/fork.jsonl", lines(copy, plain(writer, "fork"), grown))
    run("import", str(tmp_path / "h"))
    verdicts = {one["session"]: one["verdict"] for one in run("doctor", "--all")["sessions"]}
    assert verdicts == {"one": "auxiliary", "fork": "agrees"}
    (tmp_path / "h/one.jsonl").unlink()


def test_the_doctor_names_the_clients_that_tell_no_total(tmp_path: Path) -> None:
    put(tmp_path / "h/session-1-g.jsonl", gemini_chat())
    run("import", str(tmp_path / "h"))
    assert run("doctor")["untold"] == [{"harness": "gemini", "sessions": 1, "tokens": 60}]
    assert (
        "gemini tells no total for 1 of its sessions (60 tokens)"
        in CliRunner().invoke(main, ["usage", "doctor"]).stdout
    )


def test_the_doctor_tells_of_damage_and_of_what_has_no_price(tmp_path: Path) -> None:
    row = usage_corpus.Writer(1).response("one")
    row["message"]["model"] = "somebody-9"
    put(tmp_path / "one.jsonl", lines(row) + b'{"type":"assistant","message":{"usage":{"inp\n')
    said = CliRunner().invoke(main, ["usage", "import", str(tmp_path / "one.jsonl")])
    assert said.stdout.endswith("1 responses, 79,896 tokens, unpriced\n") and "unpriced: 79,896" in said.stderr
    found = run("doctor")
    assert found["unpriced"][0]["model"] == "somebody-9"
    assert [one["rows"] for one in found["damaged"]] == [1]
    words = CliRunner().invoke(main, ["usage", "doctor"]).stdout
    assert "tokens of somebody-9 are unpriced" in words and f"1  {tmp_path}/one.jsonl" in words
