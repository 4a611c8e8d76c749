"""What a user does with agents, command by command: real tmux, git and clients, and a scripted model."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.demo.server import ScriptedModel
from tests import repos
from tests.deck import Deck, running

ROW = {
    "id", "name", "harness", "model", "team", "repo", "worktree", "branch", "base", "pane_id", "pid", "hidden",
    "status", "task", "session_id", "context", "usage", "diff",
}  # fmt: skip
STATUS = {"state", "reason", "ask", "source", "since", "why"}
CLASSES = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")
USAGE = {*CLASSES, "reasoning_tokens", "messages", "cost_usd", "priced"}


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


@pytest.fixture
def deck(git_repo: Path, model: ScriptedModel) -> Iterator[Deck]:
    deck = Deck(git_repo, model)
    yield deck
    deck.end()


def served(model: ScriptedModel) -> dict[str, int]:
    """What the server handed out, in the words of `usage --json`."""
    return {name: sum(getattr(s.usage, name) for s in model.requests) for name in CLASSES}


def test_an_agent_from_its_start_to_its_removal(deck: Deck, model: ScriptedModel) -> None:
    assert deck.ok("ls", "--json").json == []
    made = deck.new("anna", "builtin", "--team", "red", "--model", "claude-sonnet-4-5")
    row = deck.is_("anna", "idle")
    assert row.keys() >= ROW
    assert row["status"].keys() >= STATUS
    assert row["usage"].keys() == USAGE
    assert (row["id"], row["pane_id"], row["worktree"]) == (made["id"], made["pane_id"], made["worktree"])
    assert (row["harness"], row["team"], row["model"]) == ("builtin", "red", "claude-sonnet-4-5")
    assert (row["branch"], row["hidden"], row["task"]) == ("deck/anna/1", False, None)
    assert Path(f"/proc/{row['pid']}").exists()
    assert repos.git(Path(row["worktree"]), "branch", "--show-current") == "deck/anna/1"

    receipt = deck.send("anna", "Look ::say Nothing here.", "--wait", "15")
    assert receipt["state"] == "acknowledged"
    assert receipt["evidence"] == "UserPromptSubmit hook"
    assert receipt["created"] <= receipt["pasted"] <= receipt["submitted"] <= receipt["settled"]
    assert [s.prompt for s in model.requests] == ["Look ::say Nothing here."]

    deck.send("anna", "::bash echo one >allowed && echo done ::say Made it.")
    status = deck.is_("anna", "needs_input")["status"]
    assert status["reason"] == "permission"
    assert "echo one >allowed && echo done" in str(status["ask"])
    deck.ok("answer", "anna", "allow")
    deck.is_("anna", "idle")
    assert (Path(row["worktree"]) / "allowed").read_text() == "one\n"
    deck.send("anna", "::bash touch denied ::say Then not.")
    deck.is_("anna", "needs_input")
    deck.ok("answer", "anna", "deny")
    deck.is_("anna", "idle")
    assert not (Path(row["worktree"]) / "denied").exists()
    late = deck.run("answer", "anna", "allow")
    assert (late.code, late.out) == (1, "")
    assert "nothing is asked right now" in late.err

    deck.until(lambda: deck.ok("usage", "--json").json["total"]["messages"] == len(model.requests), "usage in full")
    report = deck.ok("usage", "--json").json
    assert {name: report["total"][name] for name in CLASSES} == served(model)
    assert report["total"].keys() == USAGE
    assert [found["key"] for found in report["rows"]] == [made["id"]]
    assert deck.row("anna")["usage"] == report["total"]

    talked = len(model.requests)
    deck.ok("stop", "anna")
    assert deck.row("anna")["status"]["state"] == "exited"
    assert not Path(f"/proc/{row['pid']}").exists()
    refused = deck.run("send", "anna", "hello")
    assert refused.code == 1
    assert "agentdeck resume anna" in refused.err
    deck.ok("resume", "anna")
    again = deck.is_("anna", "idle")
    assert (again["session_id"], again["worktree"]) == (row["session_id"], row["worktree"])
    assert again["pid"] != row["pid"]
    deck.send("anna", "::say I remember.", "--wait", "15")
    said = (paths.transcripts_dir() / f"{row['session_id']}.jsonl").read_text()
    assert "Nothing here." in said
    assert "I remember." in said
    assert model.requests[-1].prompt == "::say I remember."
    assert len(model.requests) == talked + 1
    assert model.requests[-1].usage.cache_read_tokens > 0, "the conversation before the stop was sent again"

    deck.ok("stop", "anna")
    reported = deck.run("rm", "anna")
    assert reported.code == 1, "off a terminal it only reports"
    assert "untracked: allowed  5 kB" in reported.out.splitlines()
    assert (Path(row["worktree"]) / "allowed").exists()
    told = deck.ok("rm", "anna", "--yes")
    assert (told.out, "1 untracked" in told.err) == ("", True)
    assert deck.ok("ls", "--json").json == []
    assert not Path(row["worktree"]).exists()
    assert repos.git(deck.repo, "branch", "--list", "deck/*") == ""
    assert made["id"] not in deck.panes()
    assert deck.ok("usage", "--json").json["total"]["messages"] == len(model.requests), "what it cost stays"

    [held] = deck.ok("trash", "--json").json
    assert (held["name"], held["agent"], held["holds"]) == ("anna", made["id"], "1 untracked (5 kB)")
    assert f"agentdeck undo {held['id']}" in told.err
    deck.ok("undo")
    back = deck.is_("anna", "exited")
    assert [back[key] for key in ("id", "worktree", "branch", "session_id")] == [
        row[key] for key in ("id", "worktree", "branch", "session_id")
    ]
    assert (Path(row["worktree"]) / "allowed").read_text() == "one\n"
    assert deck.ok("trash", "--json").json == []
    deck.until(lambda: (deck.row("anna")["diff"] or {}).get("files") == 1, "what it has changed, counted again")
    assert deck.run("undo").code == 1
    deck.ok("resume", "anna")
    deck.send("anna", "::say Here again.", "--wait", "15")
    assert model.requests[-1].usage.cache_read_tokens > 0, "in its own conversation"


def test_a_shell_command_is_an_agent_too(deck: Deck) -> None:
    """A plain command has no hooks: its status comes from the process table; its name and hiding are the deck's."""
    deck.new("bert", "shell", "--", "sh", "-c", "echo hello-there; exec cat")
    row = deck.is_("bert", "idle", "working")
    assert row.keys() >= ROW
    assert row["session_id"] in ("", None)
    assert row["branch"] == "deck/bert/1"
    deck.until(lambda: "hello-there" in deck.ok("screen", "bert").out, "its words on its screen")

    deck.ok("rename", "bert", "carl")
    renamed = deck.row("carl")
    assert (renamed["id"], renamed["branch"], renamed["worktree"]) == (row["id"], row["branch"], row["worktree"])
    assert deck.run("show", "bert").code == 2
    deck.ok("team", "carl", "--to", "web")
    assert deck.row("carl")["team"] == "web"
    assert deck.run("team", "carl", "--to", "x" * 41).code == 2
    deck.ok("team", "carl", "--to", "")
    assert deck.row("carl")["team"] == ""
    bad = deck.run("rename", "carl", "No Name")
    assert (bad.code, bad.out) == (2, "")
    assert "'No Name' cannot be an agent's name" in bad.err

    deck.ok("hide", "carl")
    assert deck.row("carl")["hidden"] is True
    other = deck.ok("ls", "--json", "--view", "second").json
    assert [found["hidden"] for found in other] == [False], "hidden is a matter of one view"
    deck.ok("unhide", row["id"])
    assert deck.row("carl")["hidden"] is False

    running = deck.run("rm", "carl", "--yes")
    assert running.code == 1
    assert "is running" in running.err
    os.kill(row["pid"], signal.SIGKILL)
    ended = deck.is_("carl", "exited")
    assert "9" in ended["status"]["why"] or "signal" in ended["status"]["why"]
    deck.ok("rm", "carl", "--yes")
    assert deck.rows() == {}


def test_here_works_in_the_checkout_and_never_removes_it(deck: Deck) -> None:
    deck.new("dora", "shell", "--here", "--", "cat")
    row = deck.row("dora")
    assert (row["worktree"], row["branch"]) == (str(deck.repo), "main")
    (deck.repo / "draft").write_text("a human's")
    deck.ok("stop", "dora")
    deck.ok("rm", "dora", "--yes")
    assert (deck.repo / "draft").read_text() == "a human's"
    assert repos.git(deck.repo, "branch", "--show-current") == "main"


def test_a_prompt_given_at_birth_is_delivered_once(deck: Deck, model: ScriptedModel) -> None:
    deck.ok("new", "emil", "--harness", "builtin", "--prompt", "-", given="First words ::say Heard.")
    deck.until(lambda: [d["state"] for d in deck.deliveries("emil")] == ["acknowledged"], "its receipt")
    deck.is_("emil", "idle")
    assert [s.prompt for s in model.requests] == ["First words ::say Heard."]


def test_a_text_for_a_busy_agent_waits(deck: Deck, model: ScriptedModel) -> None:
    """The receipt says so with exit code 3; once the agent is idle the same delivery arrives."""
    deck.new("fred")
    deck.send("fred", "::wait 40 ::say Slowly.")
    deck.is_("fred", "working")
    late = deck.run("send", "fred", "::say Second.", "--json")
    assert late.code == 3
    assert (late.json["state"], late.json["reason"]) == ("queued", "it is working, not idle")
    deck.ok("interrupt", "fred")
    deck.until(lambda: [d["state"] for d in deck.deliveries("fred")] == ["acknowledged"] * 2, "both delivered")
    deck.until(lambda: [s.prompt for s in model.requests][-1:] == ["::say Second."], "the second asked")


def test_stopping_an_agent_ends_what_it_put_into_the_background_too(deck: Deck, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    away = f"setsid sh -c 'echo $$ >>{pids}; exec sleep 600' & sh -c 'echo $$ >>{pids}; exec sleep 600' & exit 0"
    deck.new("anna", "shell", "--", "sh", "-c", f"({away}) ; echo $$ >>{pids}; exec cat")
    deck.until(lambda: pids.exists() and len(pids.read_text().split()) == 3, "three processes")
    started = [int(pid) for pid in pids.read_text().split()]
    assert all(running(pid) for pid in started)
    deck.ok("stop", "anna")
    deck.until(lambda: not any(running(pid) for pid in started), "the end of all three")
