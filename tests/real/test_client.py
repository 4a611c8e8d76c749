"""The ground that the other real tests stand on: the client and the scripted model alone, no deck between them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from agentdeck.demo.server import ScriptedModel
from tests.real.client import Pane, status
from tests.real.conftest import ClaudeEnv
from tests.waiting import wait_for

MANUAL = ["--permission-mode", "default"]


def headless(environ: dict[str, str], repo: Path, prompt: str, *arguments: str) -> dict[str, object]:
    command = ["claude", "-p", *MANUAL, "--output-format", "json", *arguments, "--", prompt]
    done = subprocess.run(
        command, cwd=repo, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_a_permission_box_waits_for_its_answer(
    model: ScriptedModel, claude_env: ClaudeEnv, git_repo: Path, own_machine: Path, pane: Pane
) -> None:
    home = own_machine / "home"
    pane.start(git_repo, claude_env(model.url, git_repo), ["claude", *MANUAL])
    wait_for(lambda: "\n❯" in pane.screen(), 30, "the prompt")
    wait_for(lambda: status(home).get("status") == "idle", 10, "idle in the status file")
    pane.submit("Make a file ::say I make one. ::wait 1 ::bash touch made.txt ::say It is made.")
    wait_for(lambda: "Do you want to proceed?" in pane.screen(), 20, "the permission box")
    wait_for(lambda: status(home).get("status") == "waiting", 10, "waiting in the status file")
    assert not (git_repo / "made.txt").exists()
    pane.answer("1")
    wait_for(lambda: "● It is made." in pane.screen(), 20, "the last words")
    wait_for(lambda: status(home).get("status") == "idle", 10, "idle again")
    assert (git_repo / "made.txt").exists()
    assert [served.calls for served in model.requests if not served.side] == [("Bash",), ()]
    assert {served.session for served in model.requests} == {status(home)["sessionId"]}


def test_a_headless_turn_counts_what_the_server_handed_out(
    model: ScriptedModel, claude_env: ClaudeEnv, git_repo: Path
) -> None:
    prompt = "Look ::read README.md ::usage input=7 read=1000 write5m=200 output=30 ::bash ls ::say Seen."
    result = headless(claude_env(model.url, git_repo), git_repo, prompt)
    assert result["result"] == "Seen."
    handed = [served.usage for served in model.requests if not served.side]
    assert len(handed) == 3 and handed[1].cache_read_tokens == 1000
    usage = result["usage"]
    assert isinstance(usage, dict)
    assert usage["input_tokens"] == sum(counts.input_tokens for counts in handed)
    assert usage["output_tokens"] == sum(counts.output_tokens for counts in handed)
    assert usage["cache_read_input_tokens"] == sum(counts.cache_read_tokens for counts in handed)
    written = sum(counts.cache_write_5m_tokens + counts.cache_write_1h_tokens for counts in handed)
    assert usage["cache_creation_input_tokens"] == written


def test_the_client_gets_over_an_overload_and_a_broken_stream(
    model: ScriptedModel, claude_env: ClaudeEnv, git_repo: Path
) -> None:
    prompt = "Try ::fail 529 x1 ::bash ls ::cut x1 ::say These words break off once."
    result = headless(claude_env(model.url, git_repo), git_repo, prompt)
    assert result["result"] == "These words break off once."
    told = [(served.step, served.status, served.finished) for served in model.requests if not served.side]
    assert told == [(0, 529, False), (0, 200, True), (1, 200, False), (1, 200, True)]


def test_without_a_human_the_write_is_denied(model: ScriptedModel, claude_env: ClaudeEnv, git_repo: Path) -> None:
    result = headless(claude_env(model.url, git_repo), git_repo, "Write ::write new.txt := hi ::say I tried.")
    assert result["result"] == "I tried."
    assert not (git_repo / "new.txt").exists()
    denials = result["permission_denials"]
    assert isinstance(denials, list)
    assert denials[0]["tool_input"]["file_path"] == str(git_repo / "new.txt")


def test_an_error_that_stays_ends_the_turn(model: ScriptedModel, claude_env: ClaudeEnv, git_repo: Path) -> None:
    result = headless(claude_env(model.url, git_repo), git_repo, "Fail ::fail 400 x9 Nothing works today ::say never")
    assert result["is_error"] is True
    assert "Nothing works today" in str(result["result"])
