"""Whether there is something to resume, and which conversation it is when the client's hooks told none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.services.lives import launch
from agentdeck.services.reading import conversations


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    tree = tmp_path / "tree [1]"
    tree.mkdir()
    return Agent(
        id="a1", name="ann", harness="", repo="/r", worktree=str(tree), branch="", base="", base_oid="", life="live",
        created=1_000, pid_start=2.0, home=str(tmp_path), config_home=str(tmp_path / "own [2]"),
    )  # fmt: skip


def test_a_session_without_its_file_or_without_an_id_is_not_resumed(agent: Agent) -> None:
    codex = loader.get("codex")
    assert not conversations.exists(codex, agent)
    known = replace(agent, session="5e55")
    assert not conversations.exists(codex, known)
    file = Path(agent.config_home, "sessions/2026/11/25/rollout-2026-11-25T09-22-24-5e55.jsonl")
    file.parent.mkdir(parents=True)
    file.touch()
    assert conversations.exists(codex, known)
    words = launch.command(codex, known, resume=True)
    assert words[:2] == ["codex", "resume"] and "5e55" in words


def test_a_client_without_sessions_goes_on_with_the_file_in_its_tree(agent: Agent) -> None:
    aider = loader.get("aider")
    assert not conversations.exists(aider, agent)
    Path(agent.worktree, ".aider.chat.history.md").touch()
    assert conversations.exists(aider, agent)


def test_the_newest_row_of_a_database_is_found(agent: Agent) -> None:
    opencode = loader.get("opencode")
    assert conversations.found(opencode, agent, frozenset()) is agent  # no database yet
    file = Path(agent.config_home, "opencode/opencode.db")
    file.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file)) as conn, conn:
        conn.execute("CREATE TABLE session (id TEXT, directory TEXT, parent_id TEXT, time_created INTEGER)")
        rows = [("old", agent.worktree, None, 1_999), ("mine", agent.worktree, None, 2_001),
                ("child", agent.worktree, "mine", 2_002), ("other", "/other", None, 2_003),
                ("theirs", agent.worktree, None, 2_004)]  # fmt: skip
        conn.executemany("INSERT INTO session VALUES (?, ?, ?, ?)", rows)
    assert conversations.found(opencode, agent, frozenset({"theirs"})).session == "mine"
    told = replace(agent, session="told by a hook")
    assert conversations.found(opencode, told, frozenset()) is told


def test_what_the_human_has_set_is_kept_where_ours_is_only_a_default(agent: Agent) -> None:
    opencode = loader.get("opencode")
    mine = replace(agent, harness="opencode")
    ours = launch.environment(opencode, mine, {"LANG": "C.UTF-8"})["OPENCODE_CONFIG_CONTENT"]
    plugin = ours.removeprefix('{"plugin":["file://').removesuffix('"]}')
    assert Path(plugin).is_file()
    theirs = {"LANG": "C.UTF-8", "OPENCODE_CONFIG_CONTENT": "{}"}
    assert launch.environment(opencode, mine, theirs)["OPENCODE_CONFIG_CONTENT"] == "{}"
