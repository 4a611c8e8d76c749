"""The built-in agent's transcripts, counted by us, against what the model server handed out."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from dataclasses import astuple
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.demo.server import ScriptedModel
from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.services.usage import usage_report
from agentdeck.services.usage.usage import Ingest, sources_for

FIELDS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")
PROMPT = """\
::say Looking. ::bash ls
::usage input=5 read=7 write5m=11 write1h=13 output=17 ::write notes.txt := one
::fail 529 ::cut x1 ::say Broken once, then done."""


async def test_every_token_of_a_headless_run_with_an_error_and_a_broken_stream(git_repo: Path) -> None:
    session = str(uuid.uuid4())
    with ScriptedModel() as model:
        argv = [sys.executable, "-P", "-m", "agentdeck", "builtin", "--headless", "--yes", "--session", session]
        environ = {**os.environ, "ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "dummy"}
        done = subprocess.run(
            [*argv, PROMPT], cwd=git_repo, env=environ, capture_output=True, text=True, timeout=50, check=False
        )
        assert done.returncode == 0, done.stderr
        served = model.requests
    agent = Agent("a1", "ann", "builtin", str(git_repo), str(git_repo), "", "", "", "live", session=session, created=1)
    writer = store.Writer(paths.database_file())
    try:
        await writer.run(
            lambda conn: conn.execute(
                "INSERT INTO agents (id, name, harness, repo, worktree, life, created) "
                "VALUES ('a1', 'ann', 'builtin', ?, ?, 'live', 1)",
                (agent.repo, agent.worktree),
            )
        )
        assert await Ingest(writer).scan(sources_for(agent, loader.get("builtin"))) == {"a1"}
    finally:
        writer.close()
    conn = store.read(paths.database_file())
    assert conn is not None
    (row,) = usage_report.report(conn, "agent")["rows"]
    conn.close()
    assert [row[field] for field in FIELDS] == [sum(c) for c in zip(*(astuple(s.usage) for s in served), strict=True)]
    assert [one.status for one in served].count(200) == 4
    assert row["messages"] == 4
    assert row["priced"]
