"""The launch script is run by a real shell: what an agent starts with is what was written, and nothing else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.services.lives import launch


def launched(tmp_path: Path, text: str, **environ: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "launch.sh"
    file.write_text(text)
    inherited = {"PATH": "/usr/bin:/bin", "LEFT_OVER": "from the server", "TMUX_PANE": "%7", **environ}
    return subprocess.run(["/bin/sh", str(file)], env=inherited, capture_output=True, text=True, check=False)


def test_the_client_gets_its_environment_and_not_the_servers(tmp_path: Path) -> None:
    strange = 'it\'s "quoted"\nand $HOME on `two` lines; ünïcode'
    text = launch.script({"PATH": "/usr/bin:/bin", "STRANGE": strange}, str(tmp_path), ["env", "-0"])
    done = launched(tmp_path, text)
    found = dict(item.split("=", 1) for item in done.stdout.rstrip("\0").split("\0"))
    assert found["STRANGE"] == strange
    assert "LEFT_OVER" not in found
    assert found["TMUX_PANE"] == "%7"


def test_arguments_arrive_as_they_are_and_the_script_is_gone(tmp_path: Path) -> None:
    words = ["a b", "semi;colon;", "#{pane_id}", "$(id)", "it's", "", "-n"]
    text = launch.script({"PATH": "/usr/bin:/bin"}, str(tmp_path), ["printf", "%s\\0", *words])
    done = launched(tmp_path, text)
    assert done.stdout.split("\0")[:-1] == words
    assert not (tmp_path / "launch.sh").exists()


def test_a_missing_directory_and_a_failing_set_up_end_with_their_own_codes(tmp_path: Path) -> None:
    gone = launched(tmp_path, launch.script({"PATH": "/usr/bin:/bin"}, str(tmp_path / "gone"), ["true"]))
    assert (gone.returncode, "working tree is gone" in gone.stdout) == (launch.GONE, True)
    failed = launched(
        tmp_path, launch.script({"PATH": "/usr/bin:/bin"}, str(tmp_path), ["true"], "echo building; exit 3")
    )
    assert failed.returncode == launch.SETUP_FAILED
    assert "building" in failed.stdout and "failed (3)" in failed.stdout


def agent(tmp_path: Path, **changes: object) -> Agent:
    values: dict[str, object] = {
        "id": "a1",
        "name": "al",
        "harness": "claude",
        "repo": "/r",
        "worktree": str(tmp_path),
        "branch": "deck/al/1",
        "base": "",
        "base_oid": "0" * 40,
        "life": "creating",
        "session": "5e55",
        "home": str(tmp_path),
        "config_home": str(tmp_path / ".claude"),
    }
    return Agent(**{**values, **changes})  # type: ignore[arg-type]


def test_a_client_is_started_with_our_hooks_and_the_humans_arguments_last(tmp_path: Path) -> None:
    claude = loader.get("claude")
    made = agent(tmp_path, model="opus", argv=("--permission-mode", "default"))
    words = launch.command(claude, made, resume=False)
    assert words[:3] == ["claude", "--session-id", "5e55"] and words[-4:] == [
        "--model",
        "opus",
        "--permission-mode",
        "default",
    ]
    assert launch.command(claude, made, resume=True)[:3] == ["claude", "--resume", "5e55"]
    assert launch.prepare(claude, made, {"PATH": "/usr/bin:/bin"}, resume=False)[0] == "/bin/sh"
    settings = json.loads(Path(words[words.index("--settings") + 1]).read_text())
    assert settings["hooks"]["Stop"][0]["hooks"][0]["command"] == launch.HOOK


def test_the_hook_leaves_one_file_an_event_and_never_fails(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    for directory in (str(spool), str(tmp_path / "missing"), ""):
        done = subprocess.run(
            ["sh", "-c", launch.HOOK],
            input='{"hook_event_name": "Stop"}',
            env={"PATH": "/usr/bin:/bin", "DECK_SPOOL": directory},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [json.loads(file.read_text())["hook_event_name"] for file in spool.iterdir()] == ["Stop"]


def test_the_humans_own_statusline_is_read_from_their_own_settings_and_handed_on(tmp_path: Path) -> None:
    config = tmp_path / ".claude"
    config.mkdir()
    (config / "settings.json").write_text('{"statusLine": {"type": "command", "command": "sed s/x/y/"}}')
    environ = launch.environment(loader.get("claude"), agent(tmp_path), {"PATH": "/bin"})
    assert environ["DECK_STATUSLINE"] == "sed s/x/y/"
    done = subprocess.run(
        ["sh", "-c", launch.STATUSLINE],
        input="xx",
        env={"PATH": "/usr/bin:/bin", "DECK_STATUSLINE": environ["DECK_STATUSLINE"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "yx\n"
