"""The deck as a person at a shell drives it: our own command line, one process a command, nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.waiting import wait_for

MANUAL = ("--permission-mode", "default")
COMMAND_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Told:
    """One row of `agentdeck events --json`; `ts` in seconds since 1970."""

    ts: float
    kind: str
    data: dict[str, Any]


class Deck:
    """The commands, run in `repo` with `environ` as their whole environment."""

    def __init__(self, repo: Path, environ: Mapping[str, str]) -> None:
        self.repo = repo
        self.environ = dict(environ)

    def start(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "agentdeck", *words]
        return subprocess.run(
            command, cwd=self.repo, env=self.environ, input=stdin, capture_output=True, text=True,
            timeout=COMMAND_SECONDS, check=False,
        )  # fmt: skip

    def run(self, *words: str, stdin: str = "", code: int = 0) -> str:
        """The standard output of a command, which must end with exit code `code`."""
        done = self.start(*words, stdin=stdin)
        if done.returncode != code:
            said = f"{done.stdout}{done.stderr}{self.start('log').stdout}"
            raise AssertionError(f"{words}: exit {done.returncode}\n{said}")
        return done.stdout

    def json(self, *words: str, stdin: str = "", code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", stdin=stdin, code=code))

    def new(
        self, name: str, *, prompt: str = "", args: Sequence[str] = MANUAL, harness: str = "claude"
    ) -> dict[str, Any]:
        words = ["new", name, "--harness", harness, "--json", *(["--prompt", "-"] if prompt else []), "--", *args]
        return json.loads(self.run(*words, stdin=prompt))

    def row(self, name: str) -> dict[str, Any]:
        return next(row for row in self.json("ls") if row["name"] == name)

    def until(self, name: str, state: str, seconds: float = 30) -> dict[str, Any]:
        """The row of an agent once its status is `state`."""
        self.run("wait", name, "--status", state, "--timeout", str(seconds))
        return self.row(name)

    def asks(self, name: str) -> dict[str, Any]:
        """The status of an agent once it tells the whole of what it asks: the hook that does comes second."""

        def look() -> dict[str, Any]:
            status = self.row(name)["status"]
            return status if status["state"] == "needs_input" and status["ask"]["tool"] else {}

        return wait_for(look, 30, f"the whole ask of {name}", interval=0.1)

    def shows(self, name: str, words: str, seconds: float = 30) -> str:
        """Wait until an agent's screen shows `words`; returns the screen."""

        def look() -> str:
            shown = self.run("screen", name)
            return shown if words in shown else ""

        try:
            return wait_for(look, seconds, f"{words!r} on the screen of {name}", interval=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.run('screen', name)}\n{self.run('show', name)}") from None

    def keys(self, pane: str, *names: str) -> None:
        """Press keys in a pane, past the deck, as a human who is attached to it does."""
        socket = str(self.json("paths")["socket"])
        command = ["tmux", "-S", socket, "send-keys", "-t", pane, *names]
        subprocess.run(command, env=self.environ, check=True, capture_output=True)

    def told(self, name: str, kind: str) -> list[Told]:
        """What happened to an agent, oldest first by the clock of what happened."""
        rows = map(json.loads, self.run("events", "--agent", name, "--json").splitlines())
        found = [Told(datetime.fromisoformat(row["ts"]).timestamp(), row["kind"], row["data"]) for row in rows]
        return sorted((event for event in found if event.kind == kind), key=lambda event: event.ts)
