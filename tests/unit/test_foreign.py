"""Sessions started outside the deck, from their clients' own files: what is shown, and what is never said."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentdeck import paths
from agentdeck.adapters import processes
from agentdeck.adapters.database import store
from agentdeck.errors import TryAgain, UsageError
from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.models.foreign import Foreign, Sighting
from agentdeck.services.foreign import foreign, foreign_sight, foreign_watch
from agentdeck.services.status.monitor import Monitor
from agentdeck.services.usage.usage import Source

NOW = 2_000_000_000_000
ROW = Foreign("claude", "s1", "/c", "/w", pid=7, pid_start=1.0, state="idle", since=5, started=4, why="it says idle")


@pytest.fixture
def home(own_machine: Path) -> Path:
    return own_machine / "home"


@pytest.fixture
def elsewhere() -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else's."""
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield process
    process.communicate()


def claude_file(home: Path, pid: int, session: str = "s1", **more: Any) -> Path:
    began = processes.identify(pid)
    assert began
    told = {"pid": pid, "sessionId": session, "cwd": "/w/shop", "status": "busy", "startedAt": began.start * 1000 + 300}
    file = home / ".claude/sessions" / f"{pid}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**told, "statusUpdatedAt": NOW - 9, **more}))
    return file


def looked(*agents: Agent) -> dict[str, Foreign]:
    found, blind = foreign_watch.Sweep().look(agents, dict(os.environ))
    assert not blind
    return {row.session: row for row in found}


def agent(pid: int) -> Agent:
    return Agent(id="a1", name="ann", harness="claude", repo="/r", worktree="/w", branch="", base="", base_oid="",
                 life="live", pid=pid)  # fmt: skip


def test_a_status_file_of_a_living_process_is_a_session_elsewhere(
    home: Path, elsewhere: subprocess.Popen[bytes]
) -> None:
    claude_file(home, elsewhere.pid, name="fix-login", status="waiting", waitingFor="permission prompt")
    row = looked()["s1"]
    assert (row.harness, row.pid, row.cwd, row.name) == ("claude", elsewhere.pid, "/w/shop", "fix-login")
    assert (row.state, row.reason, row.source) == ("needs_input", "permission", "vendor")


def test_our_own_agents_and_what_runs_below_them_are_not_elsewhere(
    home: Path, elsewhere: subprocess.Popen[bytes]
) -> None:
    claude_file(home, elsewhere.pid)
    assert looked(agent(elsewhere.pid)) == {}
    assert looked(agent(os.getpid())) == {}  # its parent is the agent
    assert set(looked(agent(1 << 22))) == {"s1"}


def test_files_of_processes_that_are_gone_or_others_by_now_say_nothing(
    home: Path, elsewhere: subprocess.Popen[bytes]
) -> None:
    claude_file(home, elsewhere.pid, session="reused", startedAt=1_000_000_000_000)
    (home / ".claude/sessions/1.json").write_text('{"pid": 1, "sess')
    (home / ".claude/sessions/2.json").write_text(json.dumps({"pid": 4_000_000, "sessionId": "dead", "cwd": "/w"}))
    assert looked() == {}


def test_a_file_that_did_not_change_is_not_read_again(
    home: Path, elsewhere: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from agentdeck.harnesses.claude import foreign as reader

    file = claude_file(home, elsewhere.pid)
    read: list[str] = []
    once = reader._read
    monkeypatch.setattr(reader, "_read", lambda path: read.append(path) or once(path))
    sessions = reader.Sessions(str(home / ".claude"), processes.holders)
    assert [len(sessions.look()) for _ in range(3)] == [1, 1, 1]
    assert len(read) == 1
    file.write_text(file.read_text().replace("busy", "idle"))
    assert sessions.look()[0].told["status"] == "idle"
    assert len(read) == 2


# -- Codex: locks and rollouts

THREAD = "01a21203-6f7b-7361-adcb-3b73353d92e4"


@pytest.fixture
def lock(home: Path) -> Iterator[Path]:
    """The writer lock of a thread, held by this process."""
    file = home / ".codex/thread-writer-locks" / f"{THREAD}.lock"
    file.parent.mkdir(parents=True)
    (file.parent / ".coordination.lock").touch()
    (file.parent / "01a21203-0000-7361-adcb-3b73353d92e4.lock").touch()  # left behind by a killed one
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield file


def rollout(home: Path, *events: dict[str, Any], meta: dict[str, Any] | None = None) -> Path:
    from datetime import datetime

    day = datetime.fromtimestamp(int(THREAD.replace("-", "")[:12], 16) / 1000)
    file = home / f".codex/sessions/{day:%Y/%m/%d}" / f"rollout-{day:%Y-%m-%dT%H-%M-%S}-{THREAD}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    first = {"type": "session_meta", "payload": {"id": THREAD, "cwd": "/w/api", "timestamp": "2026-11-25T09:22:24Z"}}
    first["payload"] |= meta or {}
    rows = [first, *({"timestamp": "2026-11-25T09:30:00Z", "type": "event_msg", "payload": one} for one in events)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def codex(home: Path) -> list[Sighting]:
    from agentdeck.harnesses.codex.foreign import Sessions

    return Sessions(str(home / ".codex"), processes.holders).look()


def test_a_thread_without_a_prompt_is_idle_where_its_process_stands(home: Path, lock: Path) -> None:
    (found,) = codex(home)
    assert (found.session, found.pid, found.cwd, found.states) == (THREAD, os.getpid(), os.getcwd(), ("idle",))


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ({"type": "task_started"}, "working"),
        ({"type": "task_complete", "last_agent_message": "done"}, "idle"),
        ({"type": "task_complete", "error": {"message": "429"}}, "failed"),
        ({"type": "turn_aborted"}, "idle"),
    ],
)
def test_what_a_thread_does_stands_at_the_end_of_its_rollout(
    home: Path, lock: Path, event: dict[str, Any], state: str
) -> None:
    rollout(home, {"type": "task_started"}, {"type": "task_complete"}, event)
    (found,) = codex(home)
    assert (found.states[0], found.cwd) == (state, "/w/api")
    assert found.changed == 1795599000000


def test_only_what_a_rollout_gained_is_read_and_half_a_line_waits(home: Path, lock: Path) -> None:
    from agentdeck.harnesses.codex.foreign import Sessions

    file = rollout(home, {"type": "task_started"})
    sessions = Sessions(str(home / ".codex"), processes.holders)
    assert sessions.look()[0].states[0] == "working"
    end = json.dumps({"timestamp": "2026-11-25T09:31:00Z", "type": "event_msg", "payload": {"type": "task_complete"}})
    with file.open("a") as more:
        more.write(end[:40])
    assert sessions.look()[0].states[0] == "working"
    with file.open("a") as more:
        more.write(end[40:] + "\n")
    assert sessions.look()[0].states[0] == "idle"


def test_a_turn_that_began_far_above_the_end_is_work(home: Path, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agentdeck.harnesses.codex import foreign as reader

    monkeypatch.setattr(reader, "TAIL", 200)
    rollout(home, {"type": "task_complete"}, {"type": "task_started"}, {"type": "item_completed", "text": "x" * 500})
    (found,) = codex(home)
    assert found.states[0] == "working"


def test_a_subagents_thread_is_no_session_of_its_own(home: Path, lock: Path) -> None:
    rollout(home, {"type": "task_started"}, meta={"thread_source": "subagent"})
    assert codex(home) == []


def test_who_holds_a_lock_is_found_without_the_list_of_locks_too(
    home: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [str(file) for file in lock.parent.iterdir()]
    assert processes.holders(files) == {str(lock): os.getpid()}
    assert processes._openers([str(lock)]) == {str(lock): os.getpid()}


# -- rows


def test_a_session_ends_stays_for_a_day_and_goes() -> None:
    known = {("claude", "s1"): ROW}
    ended = foreign_sight.merged(known, [], frozenset(), NOW)[("claude", "s1")]
    assert (ended.state, ended.pid, ended.ended, ended.since) == ("exited", 0, NOW, NOW)
    later = {("claude", "s1"): ended}
    assert foreign_sight.merged(later, [], frozenset(), NOW + 1000) == later
    assert foreign_sight.merged(later, [], frozenset(), NOW + foreign_sight.KEEP_MS) == {}
    again = replace(ROW, since=NOW + 2000, pid=8)
    assert foreign_sight.merged(later, [again], frozenset(), NOW + 2000) == {("claude", "s1"): again}


def test_a_look_that_failed_ends_nothing() -> None:
    known = {("claude", "s1"): ROW}
    assert foreign_sight.merged(known, [], frozenset({"claude"}), NOW) == known
    assert foreign_sight.merged(known, [], frozenset({"codex"}), NOW) != known


def test_a_state_that_goes_on_keeps_its_time() -> None:
    known = {("claude", "s1"): ROW}
    same = foreign_sight.merged(known, [replace(ROW, since=99)], frozenset(), NOW)[("claude", "s1")]
    assert same.since == 5
    other = foreign_sight.merged(known, [replace(ROW, state="working", since=99)], frozenset(), NOW)
    assert other[("claude", "s1")].since == 99


def test_a_word_nobody_knows_is_an_unknown_status() -> None:
    sighting = Sighting("s1", 7, "/w", told={"status": "pondering"})
    assert foreign_sight.seen(loader.get("claude"), "/c", sighting, 1.0, NOW).state == "unknown"


def test_rows_are_stored_as_they_are_and_found_by_the_beginning_of_their_id(deck_home: Path) -> None:
    other = replace(ROW, session="s22", ended=9, pid=0)
    with closing(store.write(paths.database_file())) as conn:
        foreign.store(conn, {}, {("claude", "s1"): ROW, ("claude", "s22"): other})
        kept = foreign.read(conn)
        assert list(kept.values()) == [ROW, other]
        foreign.store(conn, kept, {("claude", "s22"): other})
        assert list(foreign.read(conn)) == [("claude", "s22")]
        assert foreign.running(conn, "claude", "s22") is None
        assert [row.session for row in foreign.load(conn)] == [other]
    assert foreign.find([ROW, other], "s2") == other
    for wrong in ("", "s", "x"):
        with pytest.raises(UsageError):
            foreign.find([ROW, other], wrong)


async def test_the_switch_in_the_configuration_looks_at_nothing_and_forgets(
    home: Path, deck_home: Path, elsewhere: subprocess.Popen[bytes]
) -> None:
    counted: list[list[str]] = []

    async def count(sources: Sequence[Source]) -> None:
        counted.append([source.session for source in sources])

    claude_file(home, elsewhere.pid)
    writer = store.Writer(paths.database_file())
    watch = foreign_watch.ForeignWatch(writer, Monitor(), count)
    await watch.round()
    assert list(await writer.run(foreign.read)) == [("claude", "s1")]
    assert (await watch.find("s1")).pid == elsewhere.pid
    (deck_home / "config").mkdir()
    (deck_home / "config/config.toml").write_text("foreign = false\n")
    await watch.round()
    assert await writer.run(foreign.read) == {}
    assert counted == [["s1"], ["s1"], []]
    writer.close()


@pytest.mark.parametrize(
    ("name", "cwd", "expected"),
    [
        ("Fix the Login!", "/w", "fix-the-login"),
        ("", "/src/Shop.git", "shop-git"),
        ("fix", "/w", "fix-2"),
        ("漢字", "/w", "claude"),
        ("x" * 60, "/w", "x" * 28),
    ],
)
def test_an_agent_is_named_after_the_session(name: str, cwd: str, expected: str) -> None:
    assert foreign.suggest_name(replace(ROW, name=name, cwd=cwd), {"fix"}) == expected


def test_a_session_is_taken_up_in_its_own_directory_with_its_clients_own_place() -> None:
    row = replace(ROW, config_home="/moved")
    order, environ = foreign_watch.taken_up(row, "ann", {"HOME": "/h"}, refused=False)
    assert (order.repo, order.here, order.session) == ("/w", True, "s1")
    assert environ["CLAUDE_CONFIG_DIR"] == "/moved"
    _, same = foreign_watch.taken_up(replace(row, config_home="/h/.claude"), "ann", {"HOME": "/h"}, refused=False)
    assert "CLAUDE_CONFIG_DIR" not in same
    with pytest.raises(TryAgain, match="process 7"):
        foreign_watch.taken_up(row, "ann", {"HOME": "/h"}, refused=True)


def test_an_agent_is_not_resumed_while_another_process_has_its_conversation() -> None:
    me = processes.identify(os.getpid())
    assert me
    with pytest.raises(TryAgain, match="runs elsewhere"):
        foreign_watch.require_free(replace(ROW, pid=me.pid, pid_start=me.start))
    foreign_watch.require_free(replace(ROW, pid=me.pid, pid_start=me.start - 9))
    foreign_watch.require_free(None)
