"""The session on disk, and the events in the spool."""

from __future__ import annotations

import json
from pathlib import Path

from agentdeck.builtin.report import Reporter
from agentdeck.builtin.transcript import Transcript, read_rows


def test_rows_are_on_disk_at_once_with_type_time_and_session(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "deep" / "t.jsonl", "s1")
    transcript.append("user", content="Zürich 漢字\n")
    [row] = read_rows(transcript.path)
    assert (row["type"], row["session"], row["content"]) == ("user", "s1", "Zürich 漢字\n")
    assert row["ts"].endswith("Z")
    transcript.close()


def test_a_torn_line_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"type":"user","content":"a"}\n{"type":"assis')
    transcript = Transcript(path, "s1")
    transcript.append("interrupt")
    transcript.close()
    assert [row["type"] for row in read_rows(path)] == ["user", "interrupt"]


def test_events_are_whole_files_in_order(tmp_path: Path) -> None:
    reporter = Reporter(tmp_path, "s1", Path("/t.jsonl"), Path("/w"))
    for number in range(50):
        reporter.send("PreToolUse", tool_name="bash", tool_input={"n": number})
    files = sorted(tmp_path.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    assert all(file.name.startswith("e.") for file in files)
    assert len({file.stat().st_mtime_ns for file in files}) == 50
    payloads = [json.loads(file.read_text()) for file in files]
    assert [payload["tool_input"]["n"] for payload in payloads] == list(range(50))
    common = {"hook_event_name": "PreToolUse", "session_id": "s1", "transcript_path": "/t.jsonl", "cwd": "/w"}
    assert common.items() <= payloads[0].items()


def test_no_spool_and_a_spool_that_is_gone_are_silent(tmp_path: Path) -> None:
    Reporter(None, "s1", Path("/t"), Path("/w")).send("Stop")
    Reporter(tmp_path / "gone", "s1", Path("/t"), Path("/w")).send("Stop")
    assert list(tmp_path.iterdir()) == []
