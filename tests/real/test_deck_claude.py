"""The main job with the real Claude Code: everything through our own command line."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path

import pytest

from agentdeck.demo.server import ScriptedModel
from tests import leftovers
from tests.real import client, truth
from tests.real.conftest import ClaudeEnv
from tests.real.deck import Deck
from tests.waiting import wait_for

LONG = "\n".join(f"{i}. Keep «quotes» 'as' \"they\" are, and $HOME `{i}` \\ {{{i}}} too: 漢字 👩‍💻." for i in range(80))
BIG = "\\n".join(f"line {i} of the new file" for i in range(60))
# What Claude Code asks of the model and leaves out of its transcript, besides its own helpers: a compaction.
COMPACTION = "CRITICAL: Respond with TEXT ONLY"
FIELDS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")
SUBAGENT = r'{"description": "look", "subagent_type": "general-purpose", "prompt": "::bash ls\n::say found it"}'


@pytest.fixture
def home(own_machine: Path) -> Path:
    return own_machine / "home"


@pytest.fixture
def deck(
    model: ScriptedModel,
    claude_env: ClaudeEnv,
    git_repo: Path,
    deck_home: Path,
    home: Path,
    record_property: Callable[[str, object], None],
) -> Iterator[Deck]:
    """A deck whose human has settings of their own; these must be the same bytes afterwards."""
    made = Deck(git_repo, {**claude_env(model.url, git_repo), "DECK_HOME": str(deck_home)})
    settings = truth.own_settings(home)
    before = settings.read_bytes()
    yield made
    record_property("delays", [found for row in made.json("ls") for found in truth.delays(made, row["name"])])
    made.start("halt", "--yes")
    assert settings.read_bytes() == before


def alive(pid: int) -> bool:
    """Whether a process runs: one that tmux has not collected yet (it misses the signal now and then) does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def asked(model: ScriptedModel) -> list[str]:
    """The prompts that reached the model, each once."""
    return list(dict.fromkeys(served.prompt for served in model.requests if not served.side))


def test_a_long_first_prompt_arrives_whole_and_once(deck: Deck, model: ScriptedModel, home: Path) -> None:
    prompt = f"{LONG}\n\n::say All of it is read."
    assert len(prompt.encode()) > 5000
    made = deck.new("ann", prompt=prompt)
    deck.shows("ann", "All of it is read.")
    row = deck.until("ann", "idle")
    assert truth.own_prompt(home) == prompt
    assert [event for _, event in truth.own_marks(home)] == ["SessionStart", "UserPromptSubmit", "Stop"]
    assert len(model.requests) == 1
    assert (row["id"], row["pane_id"], row["worktree"]) == (made["id"], made["pane_id"], made["worktree"])
    assert (row["harness"], row["branch"], row["repo"]) == ("claude", "deck/ann/1", str(deck.repo))
    assert row["session_id"] == model.requests[0].session
    assert alive(row["pid"])
    assert client.status(home)["sessionId"] == row["session_id"]


def test_texts_wait_for_their_turn(deck: Deck, model: ScriptedModel, home: Path) -> None:
    deck.new("ann")
    deck.until("ann", "idle")
    receipt = deck.json("send", "ann", "First ::wait 3 ::bash ls ::wait 3 ::say Slow.")
    assert (receipt["state"], receipt["evidence"]) == ("acknowledged", "UserPromptSubmit hook")
    receipt = deck.json("send", "ann", "Second ::bash ls ::say Quick.", "--wait", "30")
    assert receipt["created"] < receipt["pasted"] < receipt["submitted"] < receipt["settled"]
    assert deck.row("ann")["status"]["state"] == "idle"
    deck.shows("ann", "● Quick.", 1)
    assert [(served.prompt.split()[0], served.step) for served in model.requests if not served.side] == [
        ("First", 0), ("First", 1), ("Second", 0), ("Second", 1),
    ]  # fmt: skip
    assert truth.check(deck, "ann", home) >= 1


def test_a_permission_is_asked_in_full_and_answered(deck: Deck, model: ScriptedModel, home: Path) -> None:
    made = deck.new("ann", prompt=f"Write ::write big.txt := {BIG} ::wait 3 ::say It is written.")
    status = deck.asks("ann")
    file = Path(made["worktree"], "big.txt")
    assert (status["reason"], status["ask"]["tool"]) == ("permission", "Write")
    assert status["ask"]["text"] == f"Write: {file}"
    assert BIG.replace("\\n", "\n") in status["ask"]["detail"]
    # A text is not typed into the box; it waits. Meanwhile the client's own late notification changes nothing.
    held = deck.json("send", "ann", "Later ::say It is later.", code=3)
    assert (held["state"], held["pasted"]) == ("queued", "")
    after = deck.row("ann")["status"]
    assert [after[key] for key in ("state", "reason", "ask", "since")] == [
        status[key] for key in ("state", "reason", "ask", "since")
    ]
    assert not file.exists()
    deck.run("answer", "ann", "allow")
    deck.shows("ann", "● It is later.")
    assert file.read_text().count("line ") == 60
    deck.until("ann", "idle")
    assert truth.check(deck, "ann", home) >= 2
    assert len(asked(model)) == 2


def test_a_permission_is_denied(deck: Deck, model: ScriptedModel, home: Path) -> None:
    made = deck.new("ann")
    deck.until("ann", "idle")
    deck.run("send", "ann", "Touch ::bash touch no.txt && echo 'a  b' ::say never said")
    status = deck.asks("ann")
    assert (status["reason"], status["ask"]["tool"]) == ("permission", "Bash")
    assert "touch no.txt && echo 'a  b'" in status["ask"]["detail"]
    deck.run("answer", "ann", "deny")
    deck.until("ann", "idle", 5)
    assert not Path(made["worktree"], "no.txt").exists()
    assert deck.start("answer", "ann", "allow").returncode == 1  # nothing is asked now
    deck.run("send", "ann", "On ::say We go on.", "--wait", "20")
    assert "never said" not in deck.run("screen", "ann").replace("::say never said", "")
    truth.check(deck, "ann", home)


def test_rules_of_the_humans_own_answer_a_permission(deck: Deck, home: Path, deck_home: Path) -> None:
    (deck_home / "config").mkdir(parents=True, exist_ok=True)
    (deck_home / "config" / "policy.toml").write_text(
        "\n".join(
            f'[[rules]]\ndecision = "{decision}"\ntool = "{tool}"\nargument = "{argument}"'
            for decision, tool, argument in (("allow", "Bash", "touch *.txt"), ("deny", "Write", "**"))
        )
    )
    made = deck.new("ann", prompt="Touch ::bash touch by-rule.txt ::say It is there.")
    deck.shows("ann", "● It is there.")
    assert Path(made["worktree"], "by-rule.txt").exists()
    deck.until("ann", "idle")
    deck.run("send", "ann", "Write ::write no.txt := nothing ::say never said")
    found = wait_for(lambda: deck.told("ann", "policy")[1:], 30, "the second rule")
    assert [(e.data["answer"], e.data["rule"], e.data["tool"], e.data["taken"]) for e in found] == [
        ("deny", 2, "Write", True)
    ]
    deck.until("ann", "idle")
    assert not Path(made["worktree"], "no.txt").exists()
    truth.check(deck, "ann", home)


def test_an_interrupted_turn_is_idle(deck: Deck, model: ScriptedModel, home: Path) -> None:
    deck.new("ann")
    deck.until("ann", "idle")
    deck.run("send", "ann", "Begin ::say I begin. ::bash ls ::wait 60 ::say never said")
    wait_for(lambda: len(model.requests) == 2, 20, "the second request")
    deck.until("ann", "working", 2)
    deck.run("interrupt", "ann")
    assert deck.until("ann", "idle", 5)["status"]["source"] == "vendor"
    deck.run("send", "ann", "Next ::wait 3 ::say We go on.", "--wait", "20")
    deck.shows("ann", "● We go on.", 1)
    assert truth.check(deck, "ann", home) >= 1


def test_a_turn_interrupted_before_its_first_word_is_idle(deck: Deck, model: ScriptedModel) -> None:
    """Here Claude Code puts the prompt back into its composer: a draft that the next text must not be pasted into."""
    deck.new("ann")
    deck.until("ann", "idle")
    deck.run("send", "ann", "Nothing ::wait 60 ::say never said")
    wait_for(lambda: model.requests, 20, "the request")
    deck.run("interrupt", "ann")
    deck.until("ann", "idle", 5)
    assert "Nothing ::wait 60" in deck.run("screen", "ann")
    assert deck.json("send", "ann", "Not now", code=3)["reason"] == "somebody's draft stands in its composer"
    assert len(asked(model)) == 1


def test_tasks_run_until_the_queue_is_empty(deck: Deck, model: ScriptedModel) -> None:
    deck.new("ann", args=("--permission-mode", "acceptEdits"))
    deck.until("ann", "idle")
    spec = "---\ntitle: Make WORD\n---\nMake it. ::write WORD.txt := WORD ::say Made.\n"
    numbers = [deck.json("task", "add", "-", stdin=spec.replace("WORD", word))[0] for word in ("one", "two")]
    deck.run("run", "--until-empty")
    tasks = [task for task in deck.json("task", "ls") if task["id"] in numbers]
    assert [(task["state"], task["title"], len(task["attempts"])) for task in tasks] == [
        ("review", "Make one", 1), ("review", "Make two", 1),
    ]  # fmt: skip
    attempts = [task["attempts"][0] for task in tasks]
    assert [(attempt["outcome"], attempt["agent"]) for attempt in attempts] == [("ended", "ann")] * 2
    row = deck.row("ann")
    assert [attempts[0]["branch"], attempts[1]["branch"], row["branch"]] == ["deck/ann/2", "deck/ann/3", "deck/ann/3"]
    assert [prompt.split(" ::")[0] for prompt in asked(model)] == ["Make it."] * 2
    tree = Path(row["worktree"])
    # What the first task left is committed on its own branch, and is not in the way of the second.
    shown = subprocess.run(["git", "show", "deck/ann/2:one.txt"], cwd=tree, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "one"
    assert (tree / "two.txt").exists() and not (tree / "one.txt").exists()
    counted = wait_for(lambda: [t for t in deck.json("task", "ls") if t["attempts"][0]["usage"]["messages"] == 2], 10)
    assert len(counted) == 2


def test_stop_and_resume_keep_the_conversation(deck: Deck, model: ScriptedModel) -> None:
    deck.new("ann", prompt="Remember ::say The word is heron.")
    deck.shows("ann", "● The word is heron.")
    before = deck.until("ann", "idle")
    deck.run("stop", "ann")
    assert deck.row("ann")["status"]["state"] == "exited"
    assert not alive(before["pid"])
    deck.run("resume", "ann")
    deck.shows("ann", "● The word is heron.")
    after = deck.until("ann", "idle")
    assert (after["session_id"], after["worktree"]) == (before["session_id"], before["worktree"])
    assert after["pid"] != before["pid"]
    deck.run("send", "ann", "Once more ::say It is heron still.", "--wait", "20")

    socket = deck.json("paths")["socket"]
    subprocess.run(["tmux", "-S", socket, "kill-server"], check=True)
    wait_for(lambda: not alive(after["pid"]), 10, "the client's end")
    assert deck.row("ann")["status"]["state"] == "exited"
    deck.run("resume", "ann")
    shown = deck.shows("ann", "● It is heron still.")
    assert "● The word is heron." in shown
    assert deck.until("ann", "idle")["session_id"] == before["session_id"]
    deck.run("send", "ann", "And now ::say Heron.", "--wait", "20")
    assert {served.session for served in model.requests} == {before["session_id"]}
    assert len(asked(model)) == 3


def test_a_question_is_answered_by_the_words_of_an_option(deck: Deck, home: Path) -> None:
    deck.new("ann", prompt="Ask ::ask Which colour? | Red | Blue ::say Chosen.")
    status = deck.asks("ann")
    ask = status["ask"]
    assert (status["reason"], ask["text"], ask["options"]) == ("question", "Which colour?", ["Red", "Blue"])
    assert deck.start("answer", "ann", "allow").returncode == 1  # that would have chosen Red
    deck.run("answer", "ann", "Blue")
    assert "Which colour? → Blue" in deck.shows("ann", "● Chosen.")
    deck.until("ann", "idle")


def test_a_retry_a_failure_and_background_work_are_told_apart(deck: Deck, home: Path) -> None:
    deck.new("ann")
    deck.until("ann", "idle")
    deck.run("send", "ann", "Retry ::fail 529 x2 ::say Over it.")
    deck.until("ann", "retrying", 10)
    deck.shows("ann", "● Over it.")
    deck.until("ann", "idle")
    deck.run("send", "ann", "Fail ::fail 400 x9 Nothing works ::say never said")
    assert "Nothing works" in deck.until("ann", "failed", 10)["status"]["why"]
    call = SUBAGENT.replace('"prompt": "', '"run_in_background": true, "prompt": "::wait 4\\n')
    deck.run("send", "ann", f"Start ::call Agent {call} ::say Started.")
    deck.shows("ann", "● Started.")
    stopped = next(event.ts for event in reversed(deck.told("ann", "hook")) if event.data["name"] == "Stop")
    deck.until("ann", "idle")
    assert deck.told("ann", "status")[-1].ts - stopped > 3  # its turn was over, its work was not


def test_a_killed_engine_loses_no_question(deck: Deck, home: Path, deck_home: Path) -> None:
    made = deck.new("ann", prompt="Touch ::bash touch yes.txt ::wait 3 ::say It is made.")
    before = deck.asks("ann")
    engines = [
        pid for pid, words in leftovers.processes({str(deck_home)}).items() if words.endswith("agentdeck engine")
    ]
    assert len(engines) == 1
    os.kill(engines[0], signal.SIGKILL)
    wait_for(lambda: not alive(engines[0]), 5, "the engine's end")
    now = deck.row("ann")["status"]
    assert (now["state"], now["ask"], now["since"]) == (before["state"], before["ask"], before["since"])
    deck.run("answer", "ann", "allow")  # this starts the next engine
    deck.shows("ann", "● It is made.")
    deck.until("ann", "idle")
    assert Path(made["worktree"], "yes.txt").exists()
    assert truth.check(deck, "ann", home) >= 1


def test_every_token_is_counted(
    deck: Deck, model: ScriptedModel, record_property: Callable[[str, object], None]
) -> None:
    deck.new("ann", prompt="Count ::usage input=7 read=11 write5m=13 write1h=17 output=19 ::bash ls ::say Counted.")
    deck.shows("ann", "● Counted.")
    first = deck.until("ann", "idle")
    deck.run("send", "ann", f"Delegate ::call Agent {SUBAGENT} ::say All done.", "--wait", "60")
    assert deck.json("send", "ann", "/compact", "--command")["state"] == "acknowledged"
    wait_for(lambda: any(served.prompt.startswith(COMPACTION) for served in model.requests), 20, "the compaction")
    deck.until("ann", "idle")
    deck.run("send", "ann", "After ::say I begin. ::bash ls ::wait 60 ::say never")
    wait_for(lambda: model.requests[-1].step == 1, 20, "the request that is interrupted")
    deck.run("interrupt", "ann")
    deck.until("ann", "idle")
    assert deck.json("send", "ann", "/clear", "--command")["state"] == "acknowledged"
    wait_for(lambda: deck.row("ann")["session_id"] != first["session_id"], 10, "the new session's id")
    deck.run("send", "ann", "New ::say A new session.", "--wait", "20")
    assert model.requests[-1].session == deck.row("ann")["session_id"]

    left_out = [s for s in model.requests if s.side or s.prompt.startswith(COMPACTION) or not s.finished]
    handed = [served.usage for served in model.requests if served not in left_out]
    want = {field: sum(getattr(usage, field) for usage in handed) for field in FIELDS}

    def counted() -> dict[str, int]:
        return {field: deck.json("usage")["total"][field] for field in FIELDS}

    wait_for(lambda: counted() == want, 10, f"{want}, not {counted()}", interval=0.3)
    total = deck.json("usage")["total"]
    assert (total["messages"], total["priced"]) == (len(handed), True)
    assert {row["key"] for row in deck.json("usage", "--by", "session")["rows"]} == {s.session for s in model.requests}
    for served in left_out:
        record_property("unrecorded", f"{served.prompt[:40]!r} side={served.side} {astuple(served.usage)}")


def test_the_humans_own_hooks_and_statusline_go_on(deck: Deck, home: Path) -> None:
    deck.new("ann", prompt="Touch ::bash touch own.txt ::say Touched.")
    deck.until("ann", "needs_input")
    deck.run("answer", "ann", "allow")
    deck.shows("ann", "● Touched.")
    deck.shows("ann", truth.OWN_LINE)
    row = deck.until("ann", "idle")
    assert [event for _, event in truth.own_marks(home)] == list(truth.EVENTS)
    assert row["session_id"] in (home / "own-statusline.json").read_text()
    assert {event.data["name"] for event in deck.told("ann", "hook")} == set(truth.EVENTS)
    assert row["context"]["used_tokens"] > 0


def test_a_dialog_at_the_start_is_shown_and_nothing_is_typed_into_it(
    deck: Deck, model: ScriptedModel, home: Path
) -> None:
    client.seed_home(home)  # nobody has trusted the repository yet
    deck.new("ann", prompt="Hello ::say Good morning.")
    status = deck.until("ann", "needs_input")["status"]
    assert status["reason"] == "dialog"
    assert "trust" in status["ask"]["detail"]
    held = deck.json("send", "ann", "Second ::say Good evening.", code=3)
    assert (held["state"], held["pasted"]) == ("queued", "")
    assert deck.row("ann")["status"]["state"] == "needs_input"
    assert "Hello" not in deck.run("screen", "ann")
    assert not model.requests
    # The human zooms in and trusts the place: only now do the texts go out, in their order.
    keys = ["send-keys", "-t", deck.row("ann")["pane_id"], "Down", "Enter"]
    subprocess.run(["tmux", "-S", deck.json("paths")["socket"], *keys], check=True)
    deck.shows("ann", "● Good evening.")
    assert [prompt.split()[0] for prompt in asked(model)] == ["Hello", "Second"]
