"""Where the transcripts of an agent are: templates, odd paths, and what the client said itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.services.usage.usage_sources import files, slug, sources_for


def _agent(harness: str, worktree: Path | str = "/w", home: Path | str = "/h", session: str = "now") -> Agent:
    return Agent(
        "a1", "ann", harness, "/r", str(worktree), "", "", "", "live",
        session=session, home=str(home), config_home=f"{home}/conf",
    )  # fmt: skip


def test_every_session_is_a_source_and_the_current_one_is_among_them() -> None:
    found = sources_for(_agent("claude"), loader.get("claude"), [("old", "")])
    assert [(source.agent, source.repo, source.session, source.reader) for source in found] == [
        ("a1", "/r", "old", "claude"), ("a1", "/r", "now", "claude"),
    ]  # fmt: skip
    assert found[0].patterns == (
        "/h/conf/projects/-w/old.jsonl", "/h/conf/projects/-w/old/subagents/agent-*.jsonl",
    )  # fmt: skip


def test_without_a_session_or_a_reader_there_is_nothing() -> None:
    assert sources_for(_agent("claude", session=""), loader.get("claude")) == []
    assert sources_for(_agent("shell"), loader.get("shell"), [("s", "")]) == []


def test_where_the_client_says_it_writes_its_subagents_write_too() -> None:
    (source,) = sources_for(_agent("claude"), loader.get("claude"), [("now", "/else/where/now.jsonl")])
    assert source.patterns[2:] == ("/else/where/now.jsonl", "/else/where/now/subagents/agent-*.jsonl")
    assert (
        len(sources_for(_agent("claude"), loader.get("claude"), [("now", "/h/conf/projects/-w/now.jsonl")])[0].patterns)
        == 2
    )


def test_builtin_writes_where_it_was_told() -> None:
    (given,) = sources_for(_agent("builtin"), loader.get("builtin"), [("now", "/t/mine.jsonl")])
    assert given.patterns == ("/t/mine.jsonl",)
    (usual,) = sources_for(_agent("builtin"), loader.get("builtin"))
    assert usual.patterns == (str(paths.transcripts_dir() / "now.jsonl"),)


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("/home/me/my.repo_x", "-home-me-my-repo-x"),
        ("/tmp/Ünï—x", "-tmp--n--x"),
        ("/tmp/a😀b", "-tmp-a--b"),  # two UTF-16 units
        ("/" + "p" * 199, "-" + "p" * 199),
        ("/" + "p" * 200, "-" + "p" * 199 + "-*"),
    ],
)
def test_folder_names_as_the_client_makes_them(directory: str, name: str) -> None:
    """Each seen with Claude Code 2.1.330."""
    assert slug(directory) == name


def test_real_paths_with_glob_signs_and_links(tmp_path: Path) -> None:
    real, home = tmp_path / "real[1]", tmp_path / "ho*me"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    folder = home / "conf" / "projects" / slug(str(real))
    (folder / "now" / "subagents").mkdir(parents=True)
    main, side = folder / "now.jsonl", folder / "now" / "subagents" / "agent-1.jsonl"
    for file in (main, side, folder / "other.jsonl"):
        file.touch()
    (source,) = sources_for(_agent("claude", tmp_path / "link", home), loader.get("claude"))
    assert list(files(source)) == [str(main), str(side)]


def _rollout(folder: Path, thread: str, spawned_by: str = "", session: str = "") -> Path:
    source = {"subagent": {"thread_spawn": {"parent_thread_id": spawned_by}}} if spawned_by else "cli"
    told = {"type": "session_meta", "payload": {"id": thread, "session_id": session or thread, "source": source}}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"rollout-2026-11-20T10-00-00-{thread}.jsonl"
    file.write_text(json.dumps(told) + "\n")
    return file


def test_threads_that_a_session_of_codex_spawned_belong_to_it_wherever_they_write(tmp_path: Path) -> None:
    days = tmp_path / "conf/sessions"
    names = {who: f"01a2048e-3520-7371-beb3-{who:0>12}" for who in ("me", "kid", "grandkid", "late", "other", "theirs")}
    mine = _rollout(days / "2026/11/20", names["me"])
    kid = _rollout(days / "2026/11/20", names["kid"], names["me"], names["me"])
    grandkid = _rollout(days / "2026/11/21", names["grandkid"], names["kid"])  # older: the parent alone is named
    _rollout(days / "2026/11/20", names["theirs"], names["other"], names["other"])
    _rollout(days / "2026/11/20", names["other"])
    (source,) = sources_for(_agent("codex", home=tmp_path, session=names["me"]), loader.get("codex"))
    assert list(files(source)) == [str(mine), str(kid), str(grandkid)]
    half = days / f"2026/11/22/rollout-2026-11-22T10-00-00-{names['late']}.jsonl"
    half.parent.mkdir()
    half.write_text('{"type": "session_meta", "payl')
    assert list(files(source)) == [str(mine), str(kid), str(grandkid)]
    late = _rollout(days / "2026/11/23", names["late"], names["me"], names["me"])
    assert list(files(source)) == [str(mine), str(kid), str(grandkid), str(late)]
