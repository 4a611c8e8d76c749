#!/usr/bin/env python3
"""Record what the other real clients show in each state: tests/screens/<client>/<state>.ansi.

    .venv/bin/python scripts/record-other-screens.py [CLIENT [STATE ...]]

As record-screens.py does for Claude Code: a fresh HOME, a plain tmux pane of 120x40, the scripted model.
index.json beside the files keeps what is to be recognised, the pane's title and the cursor.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
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

from agentdeck.adapters import processes  # noqa: E402
from agentdeck.harnesses import loader  # noqa: E402
from tests.real import client, others  # noqa: E402
from tests.real.dialects import Dialects  # noqa: E402
from tests.waiting import wait_for  # noqa: E402

SCREENS = ROOT / "tests/screens"
PLACE = Path("/tmp/deck-screens")  # named on some screens, so it is the same each time
ARGV = {
    "codex": [*loader.get("codex").start.argv, "-a", "on-request", "-s", "workspace-write"],
    "gemini": ["gemini", "--model", "gemini-2.5-pro"],
    "opencode": ["opencode"],
}
READY = {"codex": "› Ask Codex", "gemini": "Type your message", "opencode": "Ask anything"}
ASK = {
    "codex": '::call exec_command {"cmd": "touch x", "sandbox_permissions": "require_escalated", "justification": "?"}',
    "gemini": "::bash touch x",
    "opencode": "::bash touch x",
}
ASKED = {
    "codex": "Press enter to confirm",
    "gemini": "Allow execution of",
    "opencode": "Permission required",
}
STORY = "Tell me a story ::slow 60 ::say " + "Once upon a time there was a parser. " * 20


@dataclass(frozen=True)
class Stage:
    """One running client that a scene plays with."""

    name: str
    pane: client.Pane

    def see(self, pattern: str, timeout: float = 60) -> None:
        wait_for(lambda: re.search(pattern, self.pane.screen(), re.MULTILINE), timeout, f"{pattern!r} on the screen")

    def ready(self) -> None:
        self.see(READY[self.name])
        time.sleep(3)  # a client that has just painted its composer may lose keys

    def say(self, text: str) -> None:
        self.ready()
        self.pane.submit(text)


@dataclass(frozen=True)
class Scene:
    """How to bring a client into a state, and what the deck must call it; `draft`: its composer holds something."""

    play: Callable[[Stage], None]
    state: str
    reason: str = ""
    draft: bool = False
    settings: tuple[str, str] = ("", "")  # a piece of its configuration, and what stands there instead
    clients: tuple[str, ...] = ("codex", "gemini", "opencode")


def idle(stage: Stage) -> None:
    stage.ready()


def busy(stage: Stage) -> None:
    stage.say("Think ::wait 60 ::say never")
    stage.see("esc (to )?(interrupt|cancel)")
    time.sleep(2)


def streaming(stage: Stage) -> None:
    stage.say(STORY)
    stage.see("a time there was a parser. Once")
    time.sleep(2)


def permission(stage: Stage) -> None:
    stage.say(f"Make a file ::say I make one. {ASK[stage.name]} ::say Made.")
    stage.see(ASKED[stage.name])
    time.sleep(1)


def denied(stage: Stage) -> None:
    permission(stage)
    stage.pane.key("Escape")
    wait_for(lambda: ASKED[stage.name] not in stage.pane.screen(), 20, "the question gone")
    time.sleep(2)


def after_turn(stage: Stage) -> None:
    stage.say("Look around ::wait 1 ::say There is a README here.")
    wait_for(lambda: stage.pane.screen().count("There is a README here.") == 2, 30, "the answer")
    time.sleep(2)


def failed(stage: Stage) -> None:
    stage.say("Fail ::fail 400 x99 This request is not understood ::say never")
    stage.see({"codex": "^■", "gemini": "request failed", "opencode": "not understood$"}[stage.name])
    time.sleep(2)


def retrying(stage: Stage) -> None:
    breaks = {"codex": "::cut x99", "opencode": "::fail 429 x99"}[stage.name]
    stage.say(f"Fail ::wait 1 {breaks} ::say never")
    stage.see({"codex": "econnecting", "opencode": "retrying"}[stage.name])


def draft(stage: Stage) -> None:
    stage.ready()
    stage.pane.type("a draft that nobody has sent")
    stage.see("a draft that nobody has sent")


def blank_first(stage: Stage) -> None:
    stage.ready()
    stage.pane.paste("\nthe second line of a draft")
    stage.see("the second line of a draft")
    stage.pane.key("Up")
    time.sleep(1)


def pasted(stage: Stage) -> None:
    stage.ready()
    stage.pane.paste("\n".join(f"line {number} of a pasted spec, which is long enough" for number in range(1, 60)))
    time.sleep(3)


def busy_with_draft(stage: Stage) -> None:
    busy(stage)
    stage.pane.type("a thought for later")
    stage.see("a thought for later")


def dialog(pattern: str) -> Callable[[Stage], None]:
    def wait(stage: Stage) -> None:
        stage.see(pattern)
        time.sleep(1)

    return wait


SCENES = {
    "idle": Scene(idle, "idle"),
    "busy": Scene(busy, "working"),
    "streaming": Scene(streaming, "working"),
    "permission": Scene(permission, "needs_input", "permission"),
    "denied": Scene(denied, "idle"),
    "after-turn": Scene(after_turn, "idle"),
    "failed": Scene(failed, "failed", clients=("codex", "gemini")),
    "failed-unmarked": Scene(failed, "idle", clients=("opencode",)),
    "retrying": Scene(retrying, "retrying", clients=("codex", "opencode")),
    "draft": Scene(draft, "idle", draft=True),
    "draft-blank-first": Scene(blank_first, "idle", draft=True),
    "pasted": Scene(pasted, "idle", draft=True),
    "busy-with-draft": Scene(busy_with_draft, "working", draft=True),
    "trust": Scene(
        dialog("Trust this folder"), "needs_input", "dialog", False, ("[projects", "[elsewhere"),
        ("codex",),
    ),
    "login": Scene(
        dialog("Sign in with ChatGPT"), "needs_input", "dialog", False, ('model_provider = "scripted"', ""),
        ("codex",),
    ),
    "model-migration": Scene(
        dialog("Use existing model"), "needs_input", "dialog", False, ('"gpt-5.5" = "gpt-6-sol"', ""),
        ("codex",),
    ),
    "trust-folder": Scene(
        dialog("Do you trust"), "needs_input", "dialog", False, ('"folderTrust": {"enabled": false}', '"a": 1'),
        ("gemini",),
    ),
    "sign-in": Scene(
        dialog("How would you like to authenticate"), "needs_input", "dialog", False,
        ('"selectedType": "gemini-api-key"', '"b": 1'), ("gemini",),
    ),
}  # fmt: skip


def record(name: str, state: str, scene: Scene, binary: Path) -> dict[str, Any]:
    """Play one scene and write its file; its entry in the index."""
    with Dialects() as model, tempfile.TemporaryDirectory(dir=PLACE) as place:
        home, repo = Path(place, "home"), PLACE / "sample"
        make_repo(repo)
        settings = others.seed(name, home, model.url, repo)
        settings.write_text(
            settings.read_text().replace(*scene.settings) if scene.settings[0] else settings.read_text()
        )
        environ = others.environment(name, binary, home, model.url)
        if state == "sign-in":
            environ.pop("GEMINI_API_KEY")
        pane = client.Pane(Path(place, "tmux"))
        try:
            pane.start(repo, {**environ, "COLORTERM": "truecolor", "TERM": "tmux-256color"}, ARGV[name])
            scene.play(Stage(name, pane))
            (SCREENS / name / f"{state}.ansi").write_text(pane.ansi(), encoding="utf-8")
            entry = {"state": scene.state, "reason": scene.reason, "draft": scene.draft, "title": pane.title()}
            return {**entry, "cursor": list(pane.cursor())}
        except AssertionError:
            sys.stderr.write(re.sub(r"\n{3,}", "\n\n", pane.screen()))
            raise
        finally:
            end(pane)
            shutil.rmtree(repo)


def end(pane: client.Pane) -> None:
    """End the client with all its processes: one of them outlives its terminal."""
    root = processes.identify(pane.pid())
    family = processes.tree(root) if root else []
    pane.close()
    processes.send(family, signal.SIGKILL)
    wait_for(lambda: not processes.survivors(family), 20, "the client to end")


def make_repo(repo: Path) -> None:
    repo.mkdir()
    (repo / "README.md").write_text("# sample\n")
    author = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.invalid", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], [*author, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=repo, check=True)


def main(words: list[str]) -> int:
    PLACE.mkdir(mode=0o700, exist_ok=True)
    failed = 0
    for name in words[:1] or ARGV:
        binary, reason = client.install(name)
        if binary is None:
            print(reason, file=sys.stderr)
            return 1
        (SCREENS / name).mkdir(parents=True, exist_ok=True)
        index_file = SCREENS / name / "index.json"
        index = json.loads(index_file.read_text()) if index_file.exists() else {}
        for state in words[1:] or [state for state, scene in SCENES.items() if name in scene.clients]:
            print(name, state, flush=True)
            try:
                index[f"{state}.ansi"] = record(name, state, SCENES[state], binary)
            except AssertionError as error:
                print(error, file=sys.stderr)
                failed += 1
                continue
            index_file.write_text(json.dumps(index, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    PLACE.rmdir()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
