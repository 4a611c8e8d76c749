"""The real Claude Code, isolated: its own HOME, a dummy key, the scripted model, and a plain tmux pane.

Used by the tests here and by scripts/record-screens.py; nothing of agentdeck's own tmux code is in the way.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
KEY = "sk-ant-dummy-for-the-scripted-model"


def install(name: str = "claude") -> tuple[Path | None, str]:
    """(the pinned binary of a client, "") or (None, why it cannot be had: no npm on this machine)."""
    (ROOT / ".clients").mkdir(exist_ok=True)
    with open(ROOT / ".clients" / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one install at a time: the tests run in two processes
        command = ["sh", ROOT / "scripts/install-client.sh", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 69:
        return None, done.stderr.strip()
    assert done.returncode == 0, f"scripts/install-client.sh {name} failed:\n{done.stderr}"
    return Path(done.stdout.strip()), ""


def seed_home(home: Path, *repos: Path) -> None:
    """Settle what Claude Code asks a new human: onboarding, the key, and trust in `repos` (main checkouts)."""
    home.mkdir(parents=True, exist_ok=True)
    settled: dict[str, Any] = {
        "hasCompletedOnboarding": True,
        "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
        "projects": {str(repo): {"hasTrustDialogAccepted": True} for repo in repos},
    }
    (home / ".claude.json").write_text(json.dumps(settled))


def environment(binary: Path, home: Path, url: str, **more: str) -> dict[str, str]:
    """The whole environment of a client: nothing of the caller's own crosses but where programs are."""
    folders = [binary.parent, Path(sys.executable).parent, "/usr/local/bin", "/usr/bin", "/bin"]
    return {
        "PATH": os.pathsep.join(map(str, folders)),
        "HOME": str(home),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "SHELL": "/bin/bash",
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": KEY,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        **more,
    }


class Pane:
    """One program in one pane of a tmux server of its own."""

    def __init__(self, socket: Path, width: int = 120, height: int = 40) -> None:
        self._socket = socket
        self._size = (width, height)

    def start(self, directory: Path, environ: Mapping[str, str], argv: Sequence[str]) -> None:
        """Run `argv` in `directory`; its TMUX points nowhere, as inside the deck."""
        width, height = map(str, self._size)
        variables = [f"{name}={value}" for name, value in environ.items()]
        decoy = f"TMUX={self._socket.with_name('decoy')},0,0"
        self._tmux("new-session", "-d", "-s", "deck", "-x", width, "-y", height, "-c", str(directory), "--",
                   "env", "-i", *variables, decoy, "CLAUDE_CODE_TMUX_TRUECOLOR=1", *argv)  # fmt: skip
        self._tmux("set-option", "-g", "remain-on-exit", "on")

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-t", "deck")

    def ansi(self) -> str:
        """The visible screen with its colours, as `capture-pane -p -e` gives it."""
        return self._tmux("capture-pane", "-p", "-e", "-t", "deck")

    def title(self) -> str:
        return self._tmux("display-message", "-p", "-t", "deck", "#{pane_title}").rstrip("\n")

    def pid(self) -> int:
        return int(self._tmux("display-message", "-p", "-t", "deck", "#{pane_pid}"))

    def cursor(self) -> tuple[int, int]:
        column, row = self._tmux("display-message", "-p", "-t", "deck", "#{cursor_x} #{cursor_y}").split()
        return int(column), int(row)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-t", "deck", "-l", "--", text)

    def submit(self, text: str) -> None:
        """Type a line, see it arrive, then press Enter: one sent at once with the text is lost now and then."""
        self.type(text)
        wait_for(lambda: text[:40] in self.screen(), 10, f"{text[:40]!r} on the screen")
        time.sleep(0.15)
        self.key("Enter")

    def answer(self, key: str) -> None:
        """Answer a permission box. It is deaf for its first 0.1 to 0.3 s (measured with 2.1.330)."""
        time.sleep(0.6)
        self.key(key)

    def paste(self, text: str) -> None:
        subprocess.run(["tmux", "-S", self._socket, "load-buffer", "-"], input=text, text=True, check=True)
        self._tmux("paste-buffer", "-p", "-d", "-t", "deck")

    def key(self, *names: str) -> None:
        self._tmux("send-keys", "-t", "deck", *names)

    def close(self) -> None:
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False)

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-S", str(self._socket), "-f", "/dev/null", *arguments]
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout


def status(home: Path) -> dict[str, Any]:
    """What Claude Code itself says of its only session, {} before it has one."""
    for file in (home / ".claude" / "sessions").glob("*.json"):
        try:
            return json.loads(file.read_text())
        except ValueError:  # caught while it was being written
            return {}
    return {}
