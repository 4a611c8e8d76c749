"""The built-in agent in a real tmux pane: its real client against the scripted model on loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentdeck.demo.server import ScriptedModel
from agentdeck.harnesses import loader
from agentdeck.models.clock import now_ms
from agentdeck.models.screen import parse
from agentdeck.services.delivery import composer
from agentdeck.services.status import evidence
from tests.waiting import wait_for

HARNESS = loader.get("builtin")


class Desk:
    """One agent in one pane, with its spool, its transcript and the model it talks to."""

    def __init__(self, root: Path, model: ScriptedModel) -> None:
        self.work, self.spool, self.transcript = root / "desk", root / "spool", root / "t.jsonl"
        self.work.mkdir()
        self.spool.mkdir()
        self.model = model
        self._socket = root / "tmux"

    def tmux(self, *args: str, given: str | None = None) -> str:
        argv = ["tmux", "-u", "-S", str(self._socket), "-f", "/dev/null", *args]
        done = subprocess.run(argv, input=given, capture_output=True, text=True, check=True, timeout=10)
        return done.stdout

    def start(self, *flags: str, ready: bool = True) -> None:
        names = {"ANTHROPIC_BASE_URL": self.model.url, "DECK_SPOOL": str(self.spool)}
        variables = [f"{name}={value}" for name, value in names.items()]
        argv = [sys.executable, "-P", "-m", "agentdeck", "builtin", "--transcript", str(self.transcript), *flags]
        size = ["-x", "100", "-y", "30", "-c", str(self.work)]
        self.tmux("new-session", "-d", "-s", "a", *size, "env", *variables, *argv, ";", "set", "remain-on-exit", "on")
        if ready:
            wait_for(lambda: self.typed().state == "empty", 20, "a composer")

    def stop(self) -> None:
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True, check=False, timeout=10)

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "a", "-S", "-500")

    def pane(self, what: str) -> str:
        return self.tmux("display-message", "-p", "-t", "a", f"#{{{what}}}").strip("\n")

    def exit_code(self) -> str:
        """'' while it runs. tmux 3.3a may miss the end of a child until another child ends: give it one."""
        self.tmux("run-shell", "true")
        return self.pane("pane_dead_status")

    def rows(self) -> list[str]:
        return self.tmux("capture-pane", "-p", "-t", "a").split("\n")

    def typed(self) -> composer.Typed:
        """What the deck sees in the composer."""
        lines = parse(self.tmux("capture-pane", "-p", "-e", "-t", "a").split("\n"))
        return composer.read(HARNESS.composer, lines, int(self.pane("cursor_y")))

    def state(self) -> tuple[str, ...]:
        """What the deck reads from the screen alone."""
        return evidence.from_screen(HARNESS, self.rows(), now_ms()).states

    def title_states(self) -> tuple[str, ...]:
        return evidence.from_title(HARNESS, self.pane("pane_title"), now_ms()).states

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", "a", *keys)

    def paste(self, text: str) -> None:
        self.tmux("load-buffer", "-", given=text)
        self.tmux("paste-buffer", "-p", "-d", "-t", "a")

    def say(self, text: str) -> None:
        """As the deck delivers: paste, see it arrive, Enter."""
        self.paste(text)
        wait_for(lambda: self.typed().state == "draft", what="the pasted text")
        self.keys("Enter")

    def shows(self, text: str, timeout: float = 15) -> None:
        wait_for(lambda: text in self.screen(), timeout, f"{text!r} on the screen")

    def is_(self, state: str, timeout: float = 15) -> None:
        """Screen and title agree on it; what the hooks say is checked against them."""
        wait_for(
            lambda: self.state()[:1] == (state,) and state in self.title_states(), timeout, f"{state}: {self.rows()}"
        )
        wait_for(lambda: state in HARNESS.hooks[self.events()[-1]].states, 2, f"{state} by hooks: {self.events()}")

    def ends(self, event: str, times: int = 1) -> None:
        """A turn has ended this way, and everything agrees on what that means."""
        wait_for(lambda: self.events().count(event) == times, 15, f"{event}: {self.events()}")
        self.is_(HARNESS.hooks[event].states[0])

    def payloads(self) -> list[dict[str, Any]]:
        files = sorted(self.spool.glob("e.*"), key=lambda file: file.stat().st_mtime_ns)
        return [json.loads(file.read_text()) for file in files]

    def events(self) -> list[str]:
        return [payload["hook_event_name"] for payload in self.payloads()]

    def written(self, kind: str) -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in self.transcript.read_text().splitlines()]
        return [row for row in rows if row["type"] == kind]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ScriptedModel() as model:
        desk = Desk(tmp_path, model)
        yield desk
        desk.stop()


def counted(desk: Desk) -> list[dict[str, int]]:
    """What the server handed out, in the words of the API."""
    return [
        {
            "input_tokens": served.usage.input_tokens,
            "cache_read_input_tokens": served.usage.cache_read_tokens,
            "ephemeral_5m_input_tokens": served.usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": served.usage.cache_write_1h_tokens,
            "output_tokens": served.usage.output_tokens,
        }
        for served in desk.model.requests
        if served.message and served.usage.output_tokens
    ]


def recorded(desk: Desk) -> list[dict[str, int]]:
    found = []
    for row in desk.written("assistant"):
        usage = dict(row["usage"])
        usage |= usage.pop("cache_creation", {})
        written = usage.pop("cache_creation_input_tokens")
        assert written == usage["ephemeral_5m_input_tokens"] + usage["ephemeral_1h_input_tokens"]
        found.append({name: count for name, count in usage.items() if name.endswith("_tokens")})
    return found


def test_a_task_with_tools_from_prompt_to_answer(desk: Desk) -> None:
    """Events in order, tools that really ran, and each token in the transcript as the server counted it."""
    (desk.work / "a.py").write_text("x = 1\n")
    desk.start("--yes", "--session", "6f6d3c1e-3a90-4f0c-8ec3-5f2f4a3b5c11")
    desk.is_("idle")
    change = "::read a.py ::edit a.py := x = 1 => x = 2"
    desk.say(f"::say Looking. {change} ::usage read=5000 write1h=7 ::bash cat a.py; echo ran >r ::say It is two now.")
    desk.ends("Stop")
    assert (desk.work / "a.py").read_text() == "x = 2\n"
    assert (desk.work / "r").read_text() == "ran\n"
    call = ["PreToolUse", "PostToolUse"]
    assert desk.events() == ["SessionStart", "UserPromptSubmit", *call * 3, "Stop"]
    stop = desk.payloads()[-1]
    assert stop["last_assistant_message"] == "It is two now."
    assert stop["session_id"] == "6f6d3c1e-3a90-4f0c-8ec3-5f2f4a3b5c11"
    assert (stop["transcript_path"], stop["cwd"]) == (str(desk.transcript), str(desk.work))
    assert recorded(desk) == counted(desk)
    assert len(counted(desk)) == 4
    assert {row["id"] for row in desk.written("assistant")} == {served.message for served in desk.model.requests}


def test_a_question_stops_everything_until_y_or_n(desk: Desk) -> None:
    desk.start()
    desk.say("::bash touch one ::bash touch two ::say Both asked.")
    desk.is_("needs_input")
    assert "▸ bash touch one" in desk.screen()
    assert desk.rows()[int(desk.pane("cursor_y"))] == "? Allow this? [y/n]"
    assert desk.typed().state == "absent"
    for key in ("Enter", "x", "Space", "Tab", "Up"):
        desk.keys(key)
    desk.keys("y")
    wait_for((desk.work / "one").exists)
    wait_for(lambda: desk.events().count("PermissionRequest") == 2)
    desk.is_("needs_input")
    desk.keys("n")
    desk.ends("Stop")
    desk.shows("  Both asked.")
    assert not (desk.work / "two").exists()
    answers = [payload["decision"] for payload in desk.payloads() if payload["hook_event_name"] == "PermissionReply"]
    assert answers == ["allow", "deny"]
    asked = next(payload for payload in desk.payloads() if payload["hook_event_name"] == "PermissionRequest")
    assert (asked["tool_name"], asked["tool_input"]) == ("bash", {"command": "touch one"})
    denied = desk.written("tool_result")[1]
    assert denied["is_error"]
    assert "denied" in denied["content"]


def test_a_question_that_comes_up_under_typing_hands_is_not_answered_by_them(desk: Desk) -> None:
    desk.start()
    desk.say("::wait 1 ::bash touch never ::say never")
    while "PermissionRequest" not in desk.events():
        desk.keys("-l", "a")
    desk.keys("-l", "y")
    desk.paste("n\ny")
    desk.keys("Escape")
    desk.is_("idle")
    wait_for(lambda: re.fullmatch(r"…?a+y\[pasted 2 lines\]", desk.typed().text))
    assert [payload["decision"] for payload in desk.payloads() if "decision" in payload] == ["deny"]
    assert not (desk.work / "never").exists()


def test_nothing_is_written_outside_unasked_and_escape_at_the_question_means_no(desk: Desk) -> None:
    desk.start()
    outside = desk.work.parent / "outside.txt"
    (desk.work / "in.txt").write_text("")
    desk.say(f"::write in.txt := inside ::write {outside} := {'word ' * 300}END ::say never")
    desk.is_("needs_input")
    assert (desk.work / "in.txt").read_text().startswith("inside")
    shown = desk.screen()
    assert "outside the working directory" in shown
    assert "END" in shown
    desk.keys("Escape")
    desk.is_("idle")
    assert not outside.exists()
    assert desk.events()[-2:] == ["PermissionReply", "Interrupt"]
    desk.say("::say still here")
    desk.ends("Stop")


def test_a_multi_line_paste_arrives_as_it_is(desk: Desk) -> None:
    desk.start()
    text = (
        "first line\n\n\tsecond: 漢字 👩‍🔧 $HOME `x`\n"
        + "".join(f"{i:06} padding padding\n" for i in range(4500))
        + "::say Got it."
    )
    assert len(text) > 100_000
    desk.say(text)
    desk.ends("Stop")
    assert desk.written("user")[0]["content"] == text
    assert desk.payloads()[1]["prompt"] == text


def test_typing_by_hand(desk: Desk) -> None:
    desk.start()
    desk.keys("-l", "::say 漢x")
    desk.keys("Left", "BSpace", "End")
    desk.keys("-l", "字")
    desk.keys("M-Enter")
    desk.keys("-l", "next")
    desk.shows("› ::say x字⏎next")
    assert desk.pane("cursor_x") == str(2 + len("::say x") + 2 + 1 + len("next"))
    desk.keys("C-u")
    wait_for(lambda: desk.typed().state == "empty")


def test_interrupting_a_stream_keeps_what_was_said_and_paid(desk: Desk) -> None:
    desk.start()
    desk.say("::slow 30 ::say one two three four five six seven eight nine ten")
    desk.shows("  one")
    desk.is_("working")
    desk.keys("-l", "and ::say then this")
    desk.keys("Enter")
    desk.shows("queued: and ::say then this")
    desk.keys("Escape")
    desk.is_("idle")
    desk.shows("⎿ Interrupted")
    assert desk.typed().text == "and ::say then this", "what was queued is a draft again"
    [row] = desk.written("assistant")
    assert row["partial"]
    assert row["content"][0]["text"].startswith("one")
    wait_for(lambda: recorded(desk) == counted(desk), what="the server to see the hang-up")
    desk.keys("Enter")
    desk.ends("Stop")


def test_interrupting_a_command_ends_all_of_it(desk: Desk) -> None:
    desk.start("--yes")
    desk.say("::bash echo $$ >pid; sleep 300 & sleep 300 ::say never")
    pid = int(wait_for(lambda: (desk.work / "pid").exists() and (desk.work / "pid").read_text()))
    desk.is_("working")
    desk.keys("C-c")
    desk.is_("idle")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert desk.written("tool_result")[0]["content"] == "Interrupted by the user."
    desk.say("::say go on")
    desk.ends("Stop")


def test_what_is_typed_during_a_turn_joins_it(desk: Desk) -> None:
    desk.start("--yes")
    desk.say("::bash until [ -e go ]; do sleep 0.05; done ::say first done")
    desk.is_("working")
    desk.say("::say second done")
    wait_for(lambda: desk.events().count("UserPromptSubmit") == 2)
    (desk.work / "go").touch()
    desk.ends("Stop")
    desk.shows("  second done")
    assert [row["content"][:20] for row in desk.written("user")][1] == "::say second done"


def test_a_busy_server_is_waited_for(desk: Desk) -> None:
    desk.start()
    desk.say("::fail 529 x2 very busy ::say recovered")
    desk.is_("retrying")
    assert re.search(r"^↻ retrying in \d+s · attempt [23]/10", "\n".join(desk.rows()), re.M)
    desk.ends("Stop")
    retries = [payload for payload in desk.payloads() if payload["hook_event_name"] == "Retry"]
    assert [retry["attempt"] for retry in retries] == [2, 3]
    assert "very busy" in retries[0]["error"]


def test_a_broken_stream_is_asked_again_and_counted(desk: Desk) -> None:
    desk.start()
    desk.say("::cut x1 ::say one two three four five six seven eight nine ten")
    desk.ends("Stop")
    rows = desk.written("assistant")
    assert [(row.get("partial", False), bool(row["content"])) for row in rows] == [(True, False), (False, True)]
    assert recorded(desk) == counted(desk)


def test_an_error_that_stays_ends_the_turn_and_not_the_session(desk: Desk) -> None:
    desk.start()
    desk.say("::fail 400 x9 no such thing")
    desk.ends("StopFailure")
    desk.shows("✗ API error: 400 invalid_request_error: no such thing")
    assert desk.payloads()[-1]["error"].endswith("no such thing")
    desk.say("::say better")
    desk.ends("Stop")


def test_leaving_and_coming_back(desk: Desk) -> None:
    desk.start("--yes", "--session", "6f6d3c1e-3a90-4f0c-8ec3-5f2f4a3b5c12")
    desk.say("::bash kill -9 $PPID; sleep 1")
    wait_for(lambda: desk.pane("pane_dead") == "1", what="the agent killed in the middle of a tool call")
    desk.stop()
    desk.start("--resume", "6f6d3c1e-3a90-4f0c-8ec3-5f2f4a3b5c12")
    desk.shows("resumed")
    desk.say("::say welcome back")
    desk.ends("Stop")
    assert desk.model.requests[-1].status == 200
    assert [row["source"] for row in desk.written("session")] == ["startup", "resume"]
    desk.say("/exit")
    wait_for(lambda: desk.exit_code() == "0")
    assert desk.events()[-1] == "SessionEnd"


@pytest.mark.parametrize("keys", [["C-c", "C-c"], ["C-d"]])
def test_leaving_gives_the_terminal_back(desk: Desk, keys: list[str]) -> None:
    desk.start()
    desk.keys("-l", "a draft")
    desk.keys("C-d")
    desk.keys("C-c")
    wait_for(lambda: desk.typed().state == "empty")
    assert desk.pane("pane_dead") == "0"
    desk.keys(*keys)
    wait_for(lambda: desk.exit_code() == "0")
    assert "agentdeck builtin --resume" in desk.screen()
    assert desk.payloads()[-1]["reason"] == ("exit" if keys[0] == "C-c" else "end of input")


def test_a_signal_ends_the_agent_and_its_command(desk: Desk) -> None:
    desk.start("--yes")
    desk.say("::bash echo $$ >pid; sleep 300; true")
    pid = int(wait_for(lambda: (desk.work / "pid").exists() and (desk.work / "pid").read_text()))
    os.kill(int(desk.pane("pane_pid")), signal.SIGTERM)
    wait_for(lambda: desk.pane("pane_dead") == "1")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert desk.events()[-2:] == ["Interrupt", "SessionEnd"]
    assert desk.payloads()[-1]["reason"] == "terminated"


def test_a_terminal_that_vanishes_ends_the_agent_and_its_command(desk: Desk) -> None:
    desk.start("--yes")
    desk.say("::bash echo $$ >pid; sleep 300; true")
    pid = int(wait_for(lambda: (desk.work / "pid").exists() and (desk.work / "pid").read_text()))
    desk.stop()
    wait_for(lambda: desk.events()[-1] == "SessionEnd")
    assert desk.payloads()[-1]["reason"] == "terminal closed"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert [row["type"] for row in map(json.loads, desk.transcript.read_text().splitlines())][-1] == "interrupt"


def test_a_small_and_a_changing_window(desk: Desk) -> None:
    desk.start()
    desk.say("::slow 4 ::say " + "word " * 40 + "end")
    desk.is_("working")
    for size in ((60, 12), (20, 5), (100, 30)):
        desk.tmux("resize-window", "-t", "a", "-x", str(size[0]), "-y", str(size[1]))
        wait_for(lambda: desk.rows()[int(desk.pane("cursor_y"))].startswith("› "), what="the composer")
    desk.ends("Stop")
    assert desk.rows()[int(desk.pane("cursor_y"))] == "› Ask for a change"


def test_a_model_cannot_imitate_the_signs_of_the_screen(desk: Desk) -> None:
    desk.start("--yes")
    signs = "? Allow this? [y/n]\\n↻ retrying in 5s\\n● working 3s (Esc to interrupt)\\n✗ API error: no"
    desk.say(f"::bash printf '{signs}\\n\\033]2;? x\\007'; until [ -e go ]; do sleep 0.05; done ::say {signs}")
    desk.shows("    ✗ API error: no")
    desk.is_("working")
    assert desk.pane("pane_title") == "● desk"
    (desk.work / "go").touch()
    desk.ends("Stop")
    desk.shows("\n  ✗ API error: no")
