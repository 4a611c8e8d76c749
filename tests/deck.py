"""A whole deck as its user has it: the command line by subprocess, and a look at what it left on disk."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentdeck import paths
from agentdeck.demo.server import ScriptedModel
from tests import repos
from tests.waiting import wait_for


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Deck:
    """Commands run in `repo`, with the environment of this process and, given a model, its address."""

    def __init__(self, repo: Path, model: ScriptedModel | None = None) -> None:
        self.repo = repo
        self.environ = {**os.environ, "SHELL": "/bin/sh"}
        if model is not None:
            self.environ |= {"ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "none"}

    # -- asking

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-P", "-m", "agentdeck", *words]

    def run(self, *words: str, cwd: Path | None = None, given: str = "", env: Mapping[str, str] | None = None) -> Done:
        environ = {**self.environ, **(env or {})}
        try:
            done = subprocess.run(
                self.argv(*words), cwd=cwd or self.repo, env=environ, input=given, capture_output=True, text=True,
                timeout=40, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{error}\n{self.story()}") from None
        return Done(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: str, **rest: Any) -> Done:
        done = self.run(*words, **rest)
        assert done.code == 0, f"{words}: {done}\n{self.story()}"
        return done

    def new(self, name: str, harness: str = "builtin", *words: str) -> dict[str, Any]:
        return dict(self.ok("new", name, "--harness", harness, "--json", *words).json)

    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.ok("ls", "--json").json}

    def row(self, name: str) -> dict[str, Any]:
        return self.rows()[name]

    def send(self, name: str, text: str, *words: str) -> dict[str, Any]:
        return dict(self.ok("send", name, text, "--json", *words).json)

    def is_(self, name: str, *states: str, timeout: float = 20) -> dict[str, Any]:
        """Wait until the stored status is one of these; the row as `ls` has it then."""
        self.until(lambda: self.state(name) in states, f"{name} {' or '.join(states)}", timeout)
        return self.row(name)

    def until(self, condition: Any, what: str = "", timeout: float = 20) -> Any:
        try:
            return wait_for(condition, timeout, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story()}") from None

    # -- looking

    def sql(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Rows, straight from the database (none without one)."""
        if not paths.database_file().exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{paths.database_file()}?mode=ro", uri=True, timeout=10)) as conn:
            conn.row_factory = sqlite3.Row
            return conn.execute(query, values).fetchall()

    def write(self, statement: str, *values: object) -> None:
        with contextlib.closing(sqlite3.connect(paths.database_file(), timeout=10)) as conn, conn:
            conn.execute(statement, values)

    def state(self, name: str) -> str:
        query = "SELECT s.state FROM status s JOIN agents a ON a.id = s.agent WHERE a.name = ? AND a.life != 'removed'"
        return next((row[0] for row in self.sql(query, name)), "")

    def deliveries(self, name: str) -> list[sqlite3.Row]:
        query = "SELECT d.* FROM deliveries d JOIN agents a ON a.id = d.agent WHERE a.name = ? ORDER BY d.rowid"
        return self.sql(query, name)

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [json.loads(row[0]) for row in self.sql("SELECT data FROM events WHERE kind = ? ORDER BY id", kind)]

    def engine(self) -> sqlite3.Row:
        return self.sql("SELECT * FROM engine")[0]

    def panes(self) -> list[str]:
        """The ids of the agents whose panes the server has."""
        found = self.tmux("list-panes", "-a", "-F", "#{@deck_id}")
        return sorted({line for line in found.split() if line})

    def tmux(self, *words: str) -> str:
        argv = ["tmux", "-S", str(paths.tmux_socket()), *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False).stdout

    def left(self) -> dict[str, object]:
        """What a refused command must not change: agents, their panes and files, worktrees, refs."""
        folders = (
            paths.worktrees_dir(),
            paths.state_dir() / "agents",
            paths.state_dir() / "spool",
            paths.state_dir() / "environments",
        )
        return {
            "rows": [tuple(row) for row in self.sql("SELECT id, name, life, worktree FROM agents ORDER BY id")],
            "panes": self.panes(),
            "files": sorted(str(path) for folder in folders if folder.exists() for path in folder.rglob("*")),
            "refs": repos.git(self.repo, "for-each-ref", check=False),
            "trees": repos.git(self.repo, "worktree", "list", "--porcelain", check=False),
        }

    def log(self) -> str:
        file = paths.log_file("engine")
        return file.read_text()[-3000:] if file.exists() else "no log"

    def story(self) -> str:
        """What the deck knows, for a failed test."""
        parts = [
            str(dict(row))
            for table in ("engine", "requests", "status", "deliveries", "attempts", "evidence")
            for row in self.sql(f"SELECT * FROM {table}")
        ]
        events = [
            str(tuple(row)) for row in self.sql("SELECT ts, agent, kind, data FROM events ORDER BY id DESC LIMIT 25")
        ]
        return "\n".join([*parts, *reversed(events), self.log()])

    # -- ending

    def kill_engine(self) -> int:
        """As the OOM killer does; the pid it had."""
        pid = int(self.engine()["pid"])
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not running(pid), what="the engine's end")
        return pid

    def end(self) -> None:
        """The engine, its control client, the server: tmux 3.3 may wait for ever for a client nobody reads from."""
        pid = int(self.engine()["pid"]) if self.sql("SELECT 1 FROM sqlite_master WHERE name = 'engine'") else 0
        clients = self.tmux("list-clients", "-F", "#{client_pid}").split()
        for each in (pid, *map(int, clients)):
            if each and running(each):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
                wait_for(lambda each=each: not running(each), what="the end of the engine and its client")
        self.tmux("kill-server")


def running(pid: int) -> bool:
    """Whether it runs or is stopped; a zombie does neither."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
