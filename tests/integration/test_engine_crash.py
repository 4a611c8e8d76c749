"""Engines that are killed or stopped, and a tmux server that goes: everything is found again, nothing sent twice."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.demo.server import ScriptedModel
from agentdeck.models.clock import now_ms
from agentdeck.services.fleet import STALE_MS
from tests import repos
from tests.deck import Deck, running
from tests.waiting import wait_for


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


@pytest.fixture
def deck(git_repo: Path, model: ScriptedModel) -> Iterator[Deck]:
    deck = Deck(git_repo, model)
    yield deck
    deck.end()


def silence(deck: Deck) -> None:
    """Let the heartbeat be as old as if the time had passed."""
    deck.write("UPDATE engine SET heartbeat = ?", now_ms() - STALE_MS - 1000)


def test_an_engine_killed_in_mid_work_is_replaced_and_nothing_is_doubled(deck: Deck, model: ScriptedModel) -> None:
    made = deck.new("jana", "builtin", "--", "--yes")
    deck.send("jana", "Go ::bash until [ -e go ]; do sleep 0.05; done ::say Done with it.")
    before = deck.is_("jana", "working")
    words = deck.argv("send", "jana", "::say And this.", "--json")
    waiting = subprocess.Popen(words, cwd=deck.repo, env=deck.environ, stdout=subprocess.DEVNULL)
    deck.until(lambda: [d["reason"] for d in deck.deliveries("jana")] == ["", "it is working, not idle"])
    killed = deck.kill_engine()
    assert running(before["pid"])
    seen = deck.row("jana")
    assert seen["status"]["state"] == "working", "with no engine, readers look for themselves"
    assert int(deck.engine()["pid"]) == killed, "and looking starts none"
    Path(made["worktree"], "go").touch()
    wait_for(lambda: "Done with it." in deck.ok("screen", "jana").out, 15, "the agent's end of work")

    deck.ok("wait", "jana", "--status", "idle", "--timeout", "15")
    assert int(deck.engine()["pid"]) != killed
    deck.until(lambda: [d["state"] for d in deck.deliveries("jana")] == ["acknowledged"] * 2, "the waiting text")
    assert waiting.wait(15) in (0, 3), "its receipt, unless all of this took longer than 10 s"
    deck.until(lambda: deck.state("jana") == "idle")
    prompts = [found.prompt for found in model.requests if found.step == 0]
    assert prompts == ["Go ::bash until [ -e go ]; do sleep 0.05; done ::say Done with it.", "::say And this."]
    row = deck.row("jana")
    assert (row["id"], row["pid"], row["pane_id"]) == (before["id"], before["pid"], before["pane_id"])
    deck.until(lambda: deck.row("jana")["usage"]["messages"] == len(model.requests) == 3, "each answer counted once")


def test_deliveries_caught_by_a_crash_are_settled_and_never_sent_again(deck: Deck, model: ScriptedModel) -> None:
    made = deck.new("karl")
    deck.is_("karl", "idle")
    deck.kill_engine()
    for key, state in (("p", "pasted"), ("s", "submitted")):
        deck.write(
            "INSERT INTO deliveries (id, agent, text, state, created, pasted) VALUES (?, ?, ?, ?, ?, ?)",
            key, made["id"], f"::say {state}", state, now_ms(), now_ms(),
        )  # fmt: skip
    deck.write(
        "INSERT INTO requests (id, kind, agent, state, created) VALUES ('r', 'interrupt', ?, 'running', 1)", made["id"]
    )
    deck.send("karl", "::say afterwards", "--wait", "15")
    caught = [(d["id"], d["state"], bool(d["reason"])) for d in deck.deliveries("karl")][:2]
    assert caught == [("p", "refused", True), ("s", "uncertain", True)]
    [request] = deck.sql("SELECT state, result FROM requests WHERE id = 'r'")
    assert request["state"] == "failed"
    assert "the engine ended" in request["result"]
    assert [found.prompt for found in model.requests] == ["::say afterwards"]


def test_a_birth_cut_short_by_a_crash_is_taken_back(deck: Deck) -> None:
    deck.new("lena", "shell", "--", "cat")
    deck.kill_engine()
    before = deck.left()
    agent = dict(deck.sql("SELECT * FROM agents WHERE name = 'lena'")[0])
    half = {
        **agent,
        "id": "feedbeef",
        "name": "half",
        "life": "creating",
        "pane": "",
        "window": "",
        "pid": 0,
        "worktree": "",
        "branch": "",
    }
    tree = Path(agent["worktree"]).with_name("half")
    deck.write(f"INSERT INTO agents VALUES ({', '.join('?' * len(half))})", *half.values())
    repos.git(deck.repo, "worktree", "add", "-q", "-b", "deck/half/1", str(tree))
    assert deck.left() != before
    deck.ok("wait", "lena", "--status", "idle,working", "--timeout", "15")
    deck.until(lambda: deck.left() == before, "nothing of the half-made agent")
    assert list(deck.rows()) == ["lena"]


def test_an_engine_that_stands_still_is_replaced_and_follows_when_it_wakes(deck: Deck, model: ScriptedModel) -> None:
    """In the foreground: tmux lets nothing of its own stand still."""
    old = subprocess.Popen(deck.argv("run"), cwd=deck.repo, env=deck.environ, stderr=subprocess.DEVNULL)
    try:
        deck.until(
            lambda: deck.sql("SELECT 1 FROM sqlite_master WHERE name = 'engine'") and deck.engine()["pid"] == old.pid
        )
        deck.new("mona")
        deck.is_("mona", "idle")
        epoch = deck.engine()["epoch"]
        os.kill(old.pid, signal.SIGSTOP)
        silence(deck)
        deck.send("mona", "::say One engine.", "--wait", "15")
        new = deck.engine()
        assert (new["pid"] != old.pid, new["epoch"]) == (True, epoch + 1)
        [told] = [event for event in deck.events("engine") if event["action"] == "replaced"]
        assert told["pid"] == old.pid
        assert told["silent_ms"] >= STALE_MS

        os.kill(old.pid, signal.SIGCONT)
        lock = f"{paths.engine_lock().stat().st_ino} "
        wait_for(lambda: not holds(old.pid, lock), 10, "the old engine to let go")
        deck.send("mona", "::say Still one.", "--wait", "15")
        assert (deck.engine()["pid"], deck.engine()["epoch"]) == (new["pid"], epoch + 1)
        assert [found.prompt for found in model.requests] == ["::say One engine.", "::say Still one."]
        old.send_signal(signal.SIGTERM)
        assert old.wait(10) == 130
        assert running(new["pid"])
    finally:
        if old.poll() is None:
            old.kill()
            old.wait()


def holds(pid: int, lock: str) -> bool:
    """Whether the kernel lists this process with a lock on that file (given by inode)."""
    rows = (line.split() for line in Path("/proc/locks").read_text().splitlines())
    return any(row[4] == str(pid) and row[5].endswith(":" + lock.strip()) for row in rows if row[1] != "->")


@pytest.mark.slow
def test_the_foreground_engine_follows_one_that_lives_and_takes_over(deck: Deck) -> None:
    deck.new("nils", "shell", "--", "cat")
    background = deck.engine()["pid"]
    assert deck.ok("run", "--for", "0.5").out == ""
    assert deck.engine()["pid"] == background
    deck.kill_engine()
    deck.ok("run", "--for", "1")
    actions = [event["action"] for event in deck.events("engine")]
    assert actions == ["start", "start"]
    assert deck.engine()["pid"] == 0, "it left in order"
    assert deck.row("nils")["status"]["state"] in ("idle", "working")


@pytest.mark.slow
def test_a_dead_tmux_server_takes_no_tree_and_no_conversation(deck: Deck, model: ScriptedModel) -> None:
    made = deck.new("olga")
    deck.new("paul", "shell", "--", "cat")
    deck.send("olga", "::write kept.txt := kept ::say Written.", "--wait", "15")
    before = deck.row("olga")
    server = int(deck.tmux("display-message", "-p", "#{pid}"))
    os.kill(server, signal.SIGKILL)
    wait_for(lambda: not running(before["pid"]), what="the agents' end")
    deck.until(lambda: {row["status"]["state"] for row in deck.rows().values()} == {"exited"}, "both exited")
    failed = deck.run("screen", "olga")
    assert (failed.code, failed.out) == (1, "")
    assert "agentdeck resume olga" in failed.err

    deck.ok("resume", "paul", "olga")  # in the other order: window and pane ids begin anew
    after = deck.is_("olga", "idle")
    kept = ("id", "worktree", "branch", "session_id")
    assert [after[key] for key in kept] == [before[key] for key in kept]
    assert Path(made["worktree"], "kept.txt").read_text().rstrip() == "kept"
    deck.send("olga", "::say Back again.", "--wait", "15")
    said = (paths.transcripts_dir() / f"{before['session_id']}.jsonl").read_text()
    assert "Written." in said
    assert "Back again." in said
    assert model.requests[-1].usage.cache_read_tokens > 0, "with the conversation so far"
    assert deck.is_("paul", "idle", "working")["pane_id"] != after["pane_id"]
    os.kill(deck.row("paul")["pid"], signal.SIGKILL)
    deck.is_("paul", "exited")
    deck.ok("rm", "paul", "--yes")
    assert deck.is_("olga", "idle")["pid"] == after["pid"]
