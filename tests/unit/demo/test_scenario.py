"""The demo's script, played in the real sample repository by a client of a few lines."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agentdeck.demo import scenario
from agentdeck.demo.sample import make_sample
from agentdeck.demo.sample_files import FILES
from agentdeck.demo.script import Call


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_sample(tmp_path / "sample")


def carry_out(repo: Path, call: Call) -> str:
    """What `builtin` would do for this call; fails where a real tool would."""
    verb, args = call.verb, call.args
    if verb == "bash":
        done = subprocess.run(["bash", "-c", args[0]], cwd=repo, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr
    file = repo / args[0]
    if verb == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(args[1])
    elif verb == "edit":
        assert file.read_text().count(args[1]) == 1, f"edit of {args[0]} fits {file.read_text().count(args[1])} times"
        file.write_text(file.read_text().replace(args[1], args[2]))
    else:
        return file.read_text()
    return ""


def play(repo: Path, prompt: str, steps: int) -> list[str]:
    """Play at most `steps` responses to `prompt`; the outputs of the tools, and last the text that ends the turn."""
    outputs: list[str] = []
    for taken in range(steps):
        step = scenario.SCENARIO.step(prompt, taken)
        assert "$" not in step.say
        outputs += [carry_out(repo, call) for call in step.calls]
        if not step.calls:
            return [*outputs, step.say]
    return outputs


def unittest(repo: Path) -> str:
    return subprocess.run(
        [sys.executable, "-m", "unittest"], cwd=repo, capture_output=True, text=True, check=False
    ).stderr


def test_ada_works_without_end_and_commits_what_she_tested(repo: Path) -> None:
    outputs = play(repo, scenario.PROMPTS["ada"], 6 + 3 * 6)
    assert len(outputs) == 24, "the turn must not end"
    tested = [output for output in outputs if "Chapter" in output and "test_address" in output]
    assert len(tested) == 3 and all("OK" in output for output in tested)
    log = subprocess.run(["git", "log", "--format=%s"], cwd=repo, capture_output=True, text=True, check=True).stdout
    assert log.splitlines()[:4] == [*[f"Check the title of chapter {n}" for n in (3, 2, 1)], "Leave marks out of slugs"]


def test_bob_asks_for_a_command_soon_and_again_after_every_answer(repo: Path) -> None:
    steps = [scenario.SCENARIO.step(scenario.PROMPTS["bob"], taken) for taken in range(11)]
    asking = [number for number, step in enumerate(steps) if step.calls[0].verb == "bash"]
    assert asking == [2, 4, 6, 8, 10]
    before = sum((step.slow or 0) + (step.wait or 0) for step in steps[:3])
    assert before <= 4, "the question must be there when ten seconds are over"
    outputs = play(repo, scenario.PROMPTS["bob"], 11)
    assert "OK" in outputs[2]


def test_cyd_is_soon_idle(repo: Path) -> None:
    outputs = play(repo, scenario.PROMPTS["cyd"], 9)
    assert len(outputs) == 2
    assert "scripted" in outputs[-1]


@pytest.mark.parametrize("path", [path for path in FILES if path.startswith("specs/")])
def test_each_spec_is_really_done(repo: Path, path: str) -> None:
    head, body = FILES[path].split("\n---\n", 1)
    outputs = play(repo, body, 20)
    assert len(outputs) > 3 and "demo" not in outputs[-1]
    left = subprocess.run(["git", "status", "--porcelain"], cwd=repo, capture_output=True, text=True, check=True)
    assert left.stdout == "", "everything is committed"
    verify = [line.removeprefix("verify: ") for line in head.splitlines() if line.startswith("verify: ")]
    for command in verify:
        subprocess.run(["bash", "-c", command], cwd=repo, capture_output=True, check=True)
    assert "failures=1, errors=1" in unittest(repo), "nothing else was mended or broken"


def test_any_other_prompt_gets_real_work_and_the_truth_about_the_words(repo: Path) -> None:
    outputs = play(repo, "Please make me a sandwich", 9)
    assert "words are scripted" in outputs[-1]
    assert "sandwich" in (repo / "notes" / "what-you-wrote.md").read_text()


def test_four_agents_and_their_server() -> None:
    agents = scenario.agents()
    assert [(agent["name"], agent["harness"]) for agent in agents] == [
        ("ada", "builtin"),
        ("bob", "builtin"),
        ("cyd", "builtin"),
        ("watch", "shell"),
    ]
    assert [agent["args"] for agent in agents[:3]] == [["--yes"], [], ["--yes"]]
    assert agents[3]["args"][1] in FILES
    assert scenario.environment("http://x")["ANTHROPIC_BASE_URL"] == "http://x"


def test_the_server_runs_as_the_process_it_names(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    with subprocess.Popen(scenario.server_argv(ready), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert "No real model" in process.stdout.readline()
            deadline = time.monotonic() + 10
            while not ready.exists():
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.02)
            assert json.loads(ready.read_text())["pid"] == process.pid
        finally:
            process.terminate()


def test_the_watcher_prints_coloured_results(repo: Path) -> None:
    argv = scenario.agents()[3]["args"]
    with subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        try:
            assert process.stdout
            first = process.stdout.readline()
        finally:
            process.kill()
    assert "\x1b[31m5 of 7 tests pass" in first
