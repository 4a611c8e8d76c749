"""What the real Claude Code writes down, counted by us, against what the model server handed out."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import uuid
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import psutil

from agentdeck.adapters.database.store import Writer, read
from agentdeck.demo.server import ScriptedModel
from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.services.usage import usage_report
from agentdeck.services.usage.usage import Ingest, sources_for
from tests.waiting import wait_for

FIELDS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")
# What Claude Code asks of the model and leaves out of its transcript: the request of a compaction.
UNRECORDED = "CRITICAL: Respond with TEXT ONLY"
# The script's newline is JSON's own escape, so that the inner directives are not the outer prompt's.
SUBAGENT = r'{"description": "look", "subagent_type": "general-purpose", "prompt": "::bash ls\n::say found it"}'


class Client:
    def __init__(self, binary: Path, directory: Path, environ: dict[str, str]) -> None:
        self._binary, self._directory = binary, directory
        self._environ = {**environ, "IS_SANDBOX": "1"}

    def say(self, *args: str, code: int = 0) -> None:
        done = subprocess.run(
            self._argv(args), cwd=self._directory, env=self._environ, capture_output=True, text=True,
            timeout=120, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr

    def killed(self, *args: str, when: Callable[[], bool]) -> None:
        """Kill it, and all that it started, as soon as `when` holds."""
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(
            self._argv(args), cwd=self._directory, env=self._environ, stdin=quiet, stdout=quiet, stderr=quiet,
)  # fmt: skip
        try:
            wait_for(when, 60, "what it is killed at")
        finally:
            for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                os.kill(one.pid, signal.SIGKILL)
            process.wait()

    def _argv(self, args: Sequence[str]) -> list[str]:
        return [str(self._binary), "-p", "--permission-mode", "bypassPermissions", *args]


async def test_every_token_of_a_life_with_subagent_fork_errors_kill_and_compaction(
    claude: Path,
    model: ScriptedModel,
    claude_env: Callable[[str, Path], dict[str, str]],
    git_repo: Path,
    own_machine: Path,
    deck_home: Path,
) -> None:
    client = Client(claude, git_repo, claude_env(model.url, git_repo))
    session, fork = str(uuid.uuid4()), str(uuid.uuid4())
    client.say("--session-id", session, "::say Looking. ::bash ls ::say Done.")
    client.say("--resume", session, f"::call Agent {SUBAGENT} ::say All done.")
    client.say("--resume", session, "--fork-session", "--session-id", fork, "::bash pwd ::say Forked.")
    client.say("--resume", session, "::fail 529 x2 ::usage input=23 output=29 ::say At last.")
    client.say("--resume", session, "::fail 400 x9 no", code=1)
    hold = own_machine / "hold"
    client.killed(
        "--resume",
        session,
        f"::usage input=31 output=37 ::bash touch {hold}; exec sleep 9 ::say Never.",
        when=hold.exists,
    )
    client.say("--resume", session, "::usage input=41 output=43 ::say Back.")
    client.say("--resume", session, "/compact")
    client.say("--resume", session, "::usage input=7 read=11 write5m=13 write1h=17 output=19 ::say After.")

    agents = [_agent(name, own_machine / "home", git_repo, its) for name, its in (("first", session), ("second", fork))]
    writer = Writer(deck_home / "data" / "deck.db")
    try:
        await writer.run(lambda conn: [_insert(conn, agent) for agent in agents])
        sources = [source for agent in agents for source in sources_for(agent, loader.get("claude"))]
        assert await Ingest(writer).scan(sources, settle=0) == {"first", "second"}
    finally:
        writer.close()

    conn = read(deck_home / "data" / "deck.db")
    assert conn is not None
    report: Any = usage_report.report(conn)
    rows = {row["key"]: row for row in report["rows"]}
    sides = conn.execute("SELECT COUNT(*) FROM usage WHERE sidechain != ''").fetchone()[0]
    conn.close()
    served = [sum(counts) for counts in zip(*(astuple(one.usage) for one in model.requests), strict=True)]
    assert [report["total"][field] + report["auxiliary"][field] for field in FIELDS] == served
    recorded = [served for served in model.requests if not served.prompt.startswith(UNRECORDED)]
    assert len(model.requests) - len(recorded) == 1
    assert sides == 2
    for name, its in (("first", session), ("second", fork)):
        theirs = [served for served in recorded if served.session == its]
        want = [sum(counts) for counts in zip(*(astuple(served.usage) for served in theirs), strict=True)]
        assert [rows[name][field] for field in FIELDS] == want
        assert rows[name]["messages"] == sum(served.status == 200 for served in theirs)
        assert rows[name]["priced"]


def _agent(name: str, home: Path, repo: Path, session: str) -> Agent:
    return Agent(
        name, name, "claude", str(repo), str(repo), "", "", "", "live",
        session=session, home=str(home), config_home=str(home / ".claude"), created=1,
    )  # fmt: skip


def _insert(conn: sqlite3.Connection, agent: Agent) -> None:
    conn.execute(
        "INSERT INTO agents (id, name, harness, repo, worktree, life, created) VALUES (?, ?, ?, ?, ?, 'live', 1)",
        (agent.id, agent.name, agent.harness, agent.repo, agent.worktree),
    )
