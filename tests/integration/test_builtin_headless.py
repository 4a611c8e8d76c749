"""The built-in agent without a terminal: a prompt in, an answer out, an exit code."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentdeck.builtin.main import system_prompt
from agentdeck.demo.rules import Scenario
from agentdeck.demo.script import Fail, Step
from agentdeck.demo.server import ScriptedModel
from tests.waiting import wait_for

COMMAND = [sys.executable, "-P", "-m", "agentdeck", "builtin", "--headless"]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url)
        yield model


@pytest.fixture
def work(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    return directory


def headless(work: Path, *args: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *args], cwd=work, input=given, capture_output=True, text=True, check=False, timeout=60
    )


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_answer_is_all_of_stdout(model: ScriptedModel, work: Path, deck_home: Path) -> None:
    done = headless(work, "--yes", "::say Looking. ::bash echo noise; touch made ::say Made it.")
    assert (done.stdout, done.returncode) == ("Made it.\n", 0)
    assert "noise" in done.stderr
    assert (work / "made").exists()
    [transcript] = (deck_home / "data" / "transcripts").iterdir()
    assert [row["type"] for row in rows(transcript)] == ["session", "user", "assistant", "tool_result", "assistant"]


def test_the_prompt_comes_from_stdin(model: ScriptedModel, work: Path) -> None:
    assert headless(work, given="::say From stdin.\n").stdout == "From stdin.\n"
    nothing = headless(work, given=" \n")
    assert nothing.returncode == 2
    assert "no prompt" in nothing.stderr


def test_without_yes_commands_are_denied_and_files_inside_are_not(model: ScriptedModel, work: Path) -> None:
    done = headless(work, "::bash touch no ::write yes.txt := text ::write ../out.txt := text ::say End.")
    assert (done.stdout, done.returncode) == ("End.\n", 0)
    assert "--yes" in done.stderr
    assert [file.name for file in work.iterdir()] == ["yes.txt"]
    assert not (work.parent / "out.txt").exists()


def test_a_run_with_chosen_tools_ends_with_submit(model: ScriptedModel, work: Path, tmp_path: Path) -> None:
    script = '::write a := b ::call submit {"summary": "Wrote a."} ::say never said'
    done = headless(work, "--tools", "write,submit", "--transcript", str(tmp_path / "t"), script)
    assert (done.stdout, done.returncode) == ("Wrote a.\n", 0)
    assert len(model.requests) == 2
    assert rows(tmp_path / "t")[-1]["content"] == "Submitted."


def test_an_error_that_stays_is_exit_1(model: ScriptedModel, work: Path) -> None:
    done = headless(work, "::fail 401 x9 bad key ::say no")
    assert (done.stdout, done.returncode) == ("", 1)
    assert "✗ API error: 401 authentication_error: bad key" in done.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--tools", "read,browse", "x"], "browse"),
        (["--resume", "6f6d3c1e-3a90-4f0c-8ec3-5f2f4a3b5c13", "x"], "no session to resume"),
    ],
)
def test_a_bad_request_is_exit_2_and_leaves_nothing(
    model: ScriptedModel, work: Path, deck_home: Path, args: list[str], message: str
) -> None:
    done = headless(work, *args)
    assert (done.stdout, done.returncode) == ("", 2)
    assert message in done.stderr
    assert not deck_home.exists()


def test_no_key_no_agent(work: Path) -> None:
    done = headless(work, "hello")
    assert (done.stdout, done.returncode) == ("", 2)
    assert "No API key" in done.stderr
    assert "ANTHROPIC_BASE_URL" in done.stderr


def test_no_terminal_is_said(model: ScriptedModel, work: Path) -> None:
    done = subprocess.run(COMMAND[:-1], cwd=work, input="", capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr


def test_ctrl_c_is_exit_130(model: ScriptedModel, work: Path, tmp_path: Path) -> None:
    argv = [*COMMAND, "--yes", "--transcript", str(tmp_path / "t"), "::bash touch begun; sleep 300; true"]
    process = subprocess.Popen(argv, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    wait_for((work / "begun").exists, 20)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert process.communicate()[0] == b""
    assert [row["type"] for row in rows(tmp_path / "t")][-2:] == ["tool_result", "interrupt"]


@pytest.mark.slow
def test_the_servers_own_word_on_when_to_come_back_counts(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail = Fail(429, 1, "slow down", {"retry-after": "2"})
    with ScriptedModel(Scenario(default=(Step(say="Now.", fail=fail),))) as model:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url)
        done = headless(work, "hello")
    assert done.stdout == "Now.\n"
    assert "↻ retrying in 2s · attempt 2/10 · 429 rate_limit_error: slow down" in done.stderr
    first, second = model.requests
    assert second.at - first.at >= 2


def test_what_the_repository_says_is_in_the_system_prompt(work: Path) -> None:
    (work / "AGENTS.md").write_text("Always run `make check`.")
    text = system_prompt(work)
    assert "Always run `make check`." in text
    assert str(work) in text


@pytest.mark.slow
def test_resuming_remembers(model: ScriptedModel, work: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    session = "6f6d3c1e-3a90-4f0c-8ec3-5f2f4a3b5c14"
    headless(work, "--session", session, "--transcript", path, "::say One.")
    done = headless(work, "--resume", session, "--transcript", path, "::say Two.")
    assert (done.stdout, done.stderr) == ("Two.\n", "")
    # Everything else being equal, the second request is longer by the first prompt and its answer.
    first, second = (served.usage for served in model.requests)
    assert (
        second.cache_read_tokens + second.cache_write_5m_tokens > first.cache_read_tokens + first.cache_write_5m_tokens
    )
    assert [row["content"] for row in rows(tmp_path / "t") if row["type"] == "user"] == ["::say One.", "::say Two."]
