"""Programs started outside the dashboard's terminal: what they get, and what is heard of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.errors import AgentDeckError
from agentdeck.services.tools import handover
from tests.waiting import wait_for


def test_a_script_gives_the_program_the_dashboards_environment_and_deletes_itself(tmp_path: Path) -> None:
    environ = handover.environment(
        {"PATH": "/usr/bin:/bin", "OWN": "a 'b' $c\nd", "TMUX": "s,1,0", "TMUX_PANE": "%9", "BASH_FUNC_x%%": "()"},
        in_tmux=False,
    )
    show = 'printf "%s|%s|%s|%s" "$PWD" "$OWN" "$LATER" "$TMUX"; printf "|%s" "$@"'
    argv = handover.write_script(environ, tmp_path, ["sh", "-c", show, "sh", "x;y", "#{z}"])
    assert Path(argv[-1]).stat().st_mode & 0o777 == 0o700
    done = subprocess.run(
        argv, env={"LATER": "of the terminal", "TMUX": "t"}, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{tmp_path}|a 'b' $c\nd|||x;y|#{{z}}"
    assert not Path(argv[-1]).exists()


def test_in_the_same_tmux_the_program_may_know_of_it() -> None:
    assert handover.environment({"TMUX": "s,1,0", "TMUX_PANE": "%9"}, in_tmux=True) == {"TMUX": "s,1,0"}


def test_a_script_that_nobody_ran_is_deleted(tmp_path: Path) -> None:
    argv = handover.write_script({}, tmp_path, ["true"])
    handover.discard(argv)
    handover.discard(argv)
    assert not list((paths.state_dir() / "tools").iterdir())


@pytest.mark.parametrize(
    ("script", "always", "told"),
    [("exit 0", False, ""), ("exit 3", False, "ended with 3"), ("exit 0", True, "ended with 0")],
)
def test_what_fails_at_once_stays_until_enter(script: str, always: bool, told: str) -> None:
    argv = handover.held("tool", ["sh", "-c", script], always)
    done = subprocess.run(argv, input="\n", capture_output=True, text=True, check=False)
    assert told in done.stdout and bool(told) == ("Enter" in done.stdout)
    assert done.returncode == int(script[-1])


def test_last_words_are_those_since_the_start(tmp_path: Path) -> None:
    handover.start(["sh", "-c", "echo before"], tmp_path, {}).wait(10)
    since = handover.log_size()
    assert since > 0 and handover.last_words(since) == ""
    process = handover.start(["/bin/sh", "-c", "pwd >&2; echo; echo oops"], tmp_path, {})
    wait_for(lambda: process.poll() is not None)
    assert handover.last_words(since) == "oops"
    assert str(tmp_path) in paths.log_file("tools").read_text()


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(AgentDeckError, match="/no/such could not be started: No such file"):
        handover.start(["/no/such"], tmp_path, {})
