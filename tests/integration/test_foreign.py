"""A session started outside the deck, through our own command line: seen, counted, and taken once it has ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentdeck.adapters import processes
from agentdeck.models.clock import now_ms
from agentdeck.services.usage.usage_sources import slug
from tests.deck import Deck
from tests.waiting import wait_for

CLIENT = """#!/bin/sh
# stands in for the client: says how it was started, and waits
printf '%s\\n' "$*" >"$HOME/started"
exec cat
"""


@pytest.fixture
def deck(git_repo: Path, own_machine: Path) -> Iterator[Deck]:
    binary = own_machine / "bin/claude"
    binary.parent.mkdir()
    binary.write_text(CLIENT)
    binary.chmod(0o755)
    made = Deck(git_repo)
    made.environ["PATH"] = f"{binary.parent}:{made.environ['PATH']}"
    yield made
    made.end()


@pytest.fixture
def elsewhere() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield process
    process.communicate()


def begin(home: Path, process: subprocess.Popen[bytes], cwd: Path) -> None:
    """What the client writes for a session that works: its status file and a transcript of one response."""
    found = processes.identify(process.pid)
    assert found
    told = {"pid": process.pid, "sessionId": "5e55-1", "cwd": str(cwd), "name": "fix login", "status": "busy"}
    told |= {"startedAt": found.start * 1000 + 200, "statusUpdatedAt": now_ms() - 60_000}
    usage = {"input_tokens": 7, "output_tokens": 19, "cache_read_input_tokens": 11, "cache_creation_input_tokens": 0}
    message = {"id": "m1", "model": "claude-sonnet-4-5", "usage": usage}
    row = {"type": "assistant", "sessionId": "5e55-1", "requestId": "r1", "timestamp": "2026-11-25T09:00:00Z"}
    for file, text in (
        (home / ".claude/sessions" / f"{process.pid}.json", json.dumps(told)),
        (home / ".claude/projects" / slug(str(cwd)) / "5e55-1.jsonl", json.dumps({**row, "message": message}) + "\n"),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def listed(deck: Deck) -> dict[str, Any]:
    return {row["id"]: row for row in deck.ok("ls", "--foreign", "--json").json}


def test_a_session_elsewhere_from_first_sight_to_an_agent_of_ours(
    deck: Deck, own_machine: Path, elsewhere: subprocess.Popen[bytes], git_repo: Path
) -> None:
    home, inside = own_machine / "home", git_repo / "api"
    inside.mkdir()
    begin(home, elsewhere, inside)
    before = {file: file.read_bytes() for file in home.rglob("*.json*")}
    assert listed(deck)["5e55-1"]["status"]["state"] == "working"  # with no engine: it looks for itself
    assert deck.sql("SELECT 1 FROM sqlite_master") == []

    deck.new("own", "shell", "--", "sleep", "600")
    deck.until(lambda: deck.sql("SELECT 1 FROM usage WHERE session = '5e55-1'"), "its usage")
    row = listed(deck)["5e55-1"]
    assert (row["pid"], row["name"], row["usage"]["messages"]) == (elsewhere.pid, "fix login", 1)
    assert list(deck.rows()) == ["own"]  # no agent, so never free

    whole = deck.left()
    refused = deck.run("take", "5e55")
    assert refused.code == 3 and str(elsewhere.pid) in refused.err
    record = home / ".claude/projects" / slug(str(inside)) / "5e55-1.jsonl"
    record.rename(record.with_suffix(".away"))
    silent = deck.run("take", "5e55", "--anyway")
    record.with_suffix(".away").rename(record)
    assert silent.code == 1 and "nothing to go on with" in silent.err, silent
    assert deck.left() == whole

    elsewhere.communicate()
    deck.until(lambda: deck.sql("SELECT 1 FROM foreign_sessions WHERE state = 'exited'"), "its end")
    made = deck.ok("take", "5e55", "--json").json
    assert (made["name"], made["worktree"]) == ("fix-login", str(inside))
    assert "--resume 5e55-1" in wait_for(lambda: (home / "started").exists() and (home / "started").read_text())
    assert listed(deck) == {}
    assert deck.row("fix-login")["session_id"] == "5e55-1"
    assert deck.row("fix-login")["usage"]["messages"] == 0  # what was used before is not this agent's
    assert {file: file.read_bytes() for file in before} == before
