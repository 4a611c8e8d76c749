#!/usr/bin/env python3
"""Record what the real Claude Code shows in each state: tests/screens/claude-<version>-<state>.ansi.

    .venv/bin/python scripts/record-screens.py [STATE ...]

Each scene runs in a fresh HOME, in a plain tmux pane of 120x40, against the scripted model; the screen is
what `capture-pane -p -e` gives. tests/screens/index.json keeps, for each file, the state that is to be
recognised, the reason, the pane's title, the cursor, and what Claude Code's own status file said then.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from agentdeck.demo.server import ScriptedModel  # noqa: E402
from tests.real import client  # noqa: E402
from tests.waiting import wait_for  # noqa: E402

SCREENS = ROOT / "tests/screens"
PLACE = Path("/tmp/deck-screens")  # named on some screens, so it is the same each time


@dataclass(frozen=True)
class Stage:
    """One running client that a scene plays with."""

    pane: client.Pane
    home: Path
    repo: Path

    def see(self, pattern: str, timeout: float = 20) -> None:
        wait_for(lambda: re.search(pattern, self.pane.screen(), re.MULTILINE), timeout, f"{pattern!r} on the screen")

    def status(self, wanted: str) -> None:
        wait_for(lambda: client.status(self.home).get("status") == wanted, 30, f"status {wanted}")

    def say(self, text: str) -> None:
        self.see(r"^❯")
        self.status("idle")
        self.pane.submit(text)

    def settle(self) -> None:
        """Wait until the screen stands still for half a second, or for two seconds when it never does."""
        end, still, last = time.monotonic() + 2, time.monotonic(), ""
        while time.monotonic() < end and time.monotonic() - still < 0.5:
            now = self.pane.screen()
            if now != last:
                still, last = time.monotonic(), now
            time.sleep(0.05)


@dataclass(frozen=True)
class Scene:
    """How to bring the client into a state, and what the deck must call it; `draft`: its composer holds something."""

    play: Callable[[Stage], None]
    state: str
    reason: str = ""
    draft: bool = False
    seed: str = "trusted"
    settle: bool = True


def idle_start(stage: Stage) -> None:
    stage.see(r"^❯")
    stage.status("idle")


def busy(stage: Stage) -> None:
    stage.say("Think about the parser ::wait 60 ::say never")
    stage.see("esc to interrupt")
    stage.see(r"\(\d+s")


def streaming(stage: Stage) -> None:
    stage.say("Tell me a story ::slow 60 ::say " + "Once upon a time there was a parser. " * 20)
    stage.see("● Once upon a time there was a parser")


def tool_running(stage: Stage) -> None:
    stage.say("Wait a little ::say I wait. ::bash python3 -c 'import time; time.sleep(60)'")
    stage.see("Do you want to proceed")
    stage.pane.answer("1")
    stage.see(r"\(3s\)|· 3s")


def permission_bash(stage: Stage) -> None:
    stage.say("Make a file ::say I make one. ::bash touch made.txt ::say Made.")
    stage.see("Do you want to proceed")
    stage.status("waiting")


def permission_write(stage: Stage) -> None:
    stage.say("Write notes ::say I write them. ::write notes.txt := first line\\nsecond line ::say Written.")
    stage.see("Do you want to create")
    stage.status("waiting")


def permission_edit(stage: Stage) -> None:
    stage.say("Mend it ::read README.md ::edit README.md := sample => example ::say Mended.")
    stage.see("Do you want to make this edit")
    stage.status("waiting")


def permission_while_typing(stage: Stage) -> None:
    stage.say("Make a file ::wait 3 ::bash touch made.txt ::say Made.")
    stage.see("esc to interrupt")
    stage.pane.type("and then this")
    stage.see("Do you want to proceed")


def question(stage: Stage) -> None:
    stage.say("Ask me ::ask Which way shall we go? | Left | Right ::say I go.")
    stage.see("Enter to select")
    stage.status("waiting")


def after_turn(stage: Stage) -> None:
    stage.say("Look around ::say I look. ::bash ls ::say There is a README.")
    stage.see("● There is a README")
    stage.status("idle")


def interrupted(stage: Stage) -> None:
    streaming(stage)
    stage.pane.key("Escape")
    stage.status("idle")
    stage.see("Interrupted")


def interrupted_early(stage: Stage) -> None:
    """Before the first word of an answer: the client puts the prompt back into its composer."""
    busy(stage)
    stage.pane.key("Escape")
    stage.status("idle")
    stage.see("^❯.Think about the parser")


def denied(stage: Stage) -> None:
    permission_bash(stage)
    stage.pane.key("Escape")
    stage.status("idle")
    stage.see("Interrupted")


def error_400(stage: Stage) -> None:
    stage.say("Fail ::fail 400 x99 This request is not understood ::say never")
    stage.see("API Error")
    stage.status("idle")


def error_529(stage: Stage) -> None:
    stage.say("Fail ::fail 529 x99 ::say never")
    stage.see("API Error")
    stage.status("idle")


def retrying_429(stage: Stage) -> None:
    stage.say("Fail ::fail 429 x99 ::say never")
    stage.see("retrying in")


def retrying_529(stage: Stage) -> None:
    stage.say("Fail ::fail 529 x2 ::say never")
    stage.see("retrying in")


def retrying_401(stage: Stage) -> None:
    stage.say("Fail ::fail 401 x99 ::say never")
    stage.see("retrying in")


def trust_dialog(stage: Stage) -> None:
    stage.see("Quick safety check")


def api_key_dialog(stage: Stage) -> None:
    stage.see("Detected a custom API key")


def queued_prompt(stage: Stage) -> None:
    busy(stage)
    stage.pane.submit("and then tell me about the lexer")
    stage.see("Queued")


def typed_draft(stage: Stage) -> None:
    idle_start(stage)
    stage.pane.type("a draft that nobody has sent")
    stage.see("❯.a draft that nobody has sent")


def typed_draft_after_turn(stage: Stage) -> None:
    after_turn(stage)
    stage.pane.type("x")
    stage.see(r"^❯.x\s*$")


def two_line_draft(stage: Stage) -> None:
    idle_start(stage)
    stage.pane.key("C-j")
    stage.pane.type("a draft that begins with an empty line")
    stage.see("a draft that begins")


def shell_mode_draft(stage: Stage) -> None:
    idle_start(stage)
    stage.pane.type("!ls")
    stage.see(r"^!")


def pasted_draft(stage: Stage) -> None:
    idle_start(stage)
    stage.pane.paste("\n".join(f"line {number} of a pasted spec" for number in range(1, 9)))
    stage.see("Pasted text")


def slash_menu(stage: Stage) -> None:
    idle_start(stage)
    stage.pane.type("/")
    stage.see("/[a-z]+ +[A-Z]")


def busy_with_draft(stage: Stage) -> None:
    busy(stage)
    stage.pane.type("a thought for later")
    stage.see("❯.a thought for later")


def background_agent(stage: Stage) -> None:
    task = {"description": "Look around", "prompt": "Look around ::wait 60 ::say Nothing found."}
    task |= {"subagent_type": "general-purpose", "run_in_background": True}
    # Escaped, so that the directives belong to the subagent's prompt and not to this one.
    given = json.dumps(task).replace("::", ":\\u003a")
    stage.say(f"Send somebody ::call Agent {given} ::say It is under way.")
    stage.see("● It is under way")
    stage.see("background agent")


def exited(stage: Stage) -> None:
    after_turn(stage)
    stage.pane.type("/exit")
    stage.see("/exit")
    time.sleep(0.3)
    stage.pane.key("Enter")
    stage.see("--resume")


SCENES = {
    "idle-start": Scene(idle_start, "idle"),
    "busy": Scene(busy, "working", settle=False),
    "streaming": Scene(streaming, "working", settle=False),
    "tool-running": Scene(tool_running, "working", settle=False),
    "background-agent": Scene(background_agent, "working", settle=False),
    "permission-bash": Scene(permission_bash, "needs_input", "permission"),
    "permission-write": Scene(permission_write, "needs_input", "permission"),
    "permission-edit": Scene(permission_edit, "needs_input", "permission"),
    "permission-while-typing": Scene(permission_while_typing, "needs_input", "permission"),
    "question": Scene(question, "needs_input", "question"),
    "after-turn": Scene(after_turn, "idle"),
    "interrupted": Scene(interrupted, "idle"),
    "interrupted-early": Scene(interrupted_early, "idle", draft=True),
    "denied": Scene(denied, "idle"),
    "error-400": Scene(error_400, "failed"),
    "error-529": Scene(error_529, "failed"),
    "retrying-429": Scene(retrying_429, "retrying", settle=False),
    "retrying-529": Scene(retrying_529, "retrying", settle=False),
    "retrying-401": Scene(retrying_401, "retrying", settle=False),
    "trust-dialog": Scene(trust_dialog, "needs_input", "dialog", seed="untrusted"),
    "api-key-dialog": Scene(api_key_dialog, "needs_input", "dialog", seed="unapproved"),
    "queued-prompt": Scene(queued_prompt, "working", settle=False),
    "busy-with-draft": Scene(busy_with_draft, "working", draft=True, settle=False),
    "typed-draft": Scene(typed_draft, "idle", draft=True),
    "typed-draft-after-turn": Scene(typed_draft_after_turn, "idle", draft=True),
    "two-line-draft": Scene(two_line_draft, "idle", draft=True),
    "shell-mode-draft": Scene(shell_mode_draft, "idle", draft=True),
    "pasted-draft": Scene(pasted_draft, "idle", draft=True),
    "slash-menu": Scene(slash_menu, "idle", draft=True),
    "exited": Scene(exited, "exited"),
}


def seed(kind: str, home: Path, repo: Path) -> None:
    """What the client already knows of its human: everything, or all but one thing."""
    client.seed_home(home, repo)
    settings = home / ".claude.json"
    known: dict[str, Any] = json.loads(settings.read_text())
    dropped = {"untrusted": "projects", "unapproved": "customApiKeyResponses"}
    known.pop(dropped.get(kind, ""), None)
    settings.write_text(json.dumps(known))


def make_repo(repo: Path) -> None:
    repo.mkdir()
    (repo / "README.md").write_text("# sample\n")
    author = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.invalid", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], [*author, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=repo, check=True)


def record(name: str, scene: Scene, binary: Path, version: str) -> tuple[str, dict[str, Any]]:
    """Play one scene; the file written and its entry in the index."""
    with ScriptedModel() as model, tempfile.TemporaryDirectory(dir=PLACE) as place:
        home, repo = Path(place, "home"), PLACE / "sample"
        make_repo(repo)
        seed(scene.seed, home, repo)
        pane = client.Pane(Path(place, "tmux"))
        stage = Stage(pane, home, repo)
        environ = client.environment(binary, home, model.url)
        try:
            pane.start(repo, environ, ["claude", "--permission-mode", "default"])
            scene.play(stage)
            if scene.settle:
                stage.settle()
            screen = pane.ansi()
            entry = describe(scene, stage)
        except AssertionError:
            sys.stderr.write(re.sub(r"\n{3,}", "\n\n", pane.screen()))
            raise
        finally:
            ended = Path("/proc", str(pane.pid()))
            pane.close()
            wait_for(lambda: not ended.exists(), 20, "the client to end")
            remove(repo)
    file = f"claude-{version}-{name}.ansi"
    (SCREENS / file).write_text(screen, encoding="utf-8")
    return file, entry


def describe(scene: Scene, stage: Stage) -> dict[str, Any]:
    own = client.status(stage.home)
    entry = {"state": scene.state, "reason": scene.reason, "draft": scene.draft, "title": stage.pane.title()}
    entry |= {"cursor": list(stage.pane.cursor()), "status_file": own.get("status", "")}
    return entry | {"waiting_for": own.get("waitingFor", "")}


def remove(repo: Path) -> None:
    for path in sorted(repo.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    repo.rmdir()


def main(names: list[str]) -> int:
    unknown = set(names) - set(SCENES)
    if unknown:
        print(f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(SCENES)}", file=sys.stderr)
        return 2
    binary, reason = client.install()
    if binary is None:
        print(reason, file=sys.stderr)
        return 1
    told = subprocess.run([binary, "--version"], env=client.environment(binary, Path("/nonexistent"), ""),
                          capture_output=True, text=True, check=True).stdout  # fmt: skip
    PLACE.mkdir(mode=0o700, exist_ok=True)
    failed = 0
    try:
        index_file = SCREENS / "index.json"
        index = json.loads(index_file.read_text()) if index_file.exists() else {}
        for name in names or SCENES:
            print(name, flush=True)
            try:
                file, entry = record(name, SCENES[name], binary, told.split()[0])
            except AssertionError as error:
                print(error, file=sys.stderr)
                failed += 1
                continue
            index[file] = entry
            index_file.write_text(json.dumps(index, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    finally:
        PLACE.rmdir()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
