#!/usr/bin/env python3
"""Record what the real clients show in their rarer states: tests/screens/odd/<client>/<state>.<W>x<H>.ansi.

    .venv/bin/python scripts/record-odd-screens.py [CLIENT [STATE ...]]

A scene is a list of steps, played at 120x40; what stands there is kept, and once more in a small terminal.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.real import client  # noqa: E402

SCREENS = ROOT / "tests/screens/odd"
SMALL = (64, 22)
PAINTED = 1.5


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


SIZES = _script("record-sizes")
Step = Callable[[Any], None]


@dataclass(frozen=True)
class Scene:
    """Steps that bring a client into a state; `needs` are more words of its command line, `env` more variables.

    `seed` and `settings` as in the other scripts; `before` prepares home and repository.
    """

    steps: tuple[Step, ...]
    state: str
    reason: str = ""
    draft: bool = False
    seed: str = "trusted"
    settings: tuple[str, str] = ("", "")
    needs: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[Path, Path], None] = lambda home, repo: None
    clients: tuple[str, ...] = ()

    def play(self, stage: Any) -> None:
        for step in self.steps:
            step(stage)


# -- steps


def ready(stage: Any) -> None:
    (SIZES.CLAUDE.idle_start if hasattr(stage, "status") else SIZES.OTHERS.idle)(stage)


def see(pattern: str, seconds: float = 1.0) -> Step:
    def step(stage: Any) -> None:
        stage.see(pattern)
        time.sleep(seconds)

    return step


def say(text: str) -> Step:
    """A prompt; a long one is taken for a paste and stands there as a badge."""

    def step(stage: Any) -> None:
        ready(stage)
        stage.pane.type(text)
        time.sleep(1.5)
        stage.pane.key("Enter")

    return step


def typed(text: str) -> Step:
    def step(stage: Any) -> None:
        stage.pane.type(text)
        time.sleep(1.0)

    return step


def key(*names: str) -> Step:
    def step(stage: Any) -> None:
        for name in names:
            stage.pane.key(name)
            time.sleep(0.8)

    return step


def command(text: str, seconds: float = 2.0) -> tuple[Step, ...]:
    """A command of the client's own, and its screen."""
    return ready, typed(text), key("Enter"), lambda stage: time.sleep(seconds)


def write(place: str, text: str, at_home: bool = False) -> Callable[[Path, Path], None]:
    def before(home: Path, repo: Path) -> None:
        file = (home if at_home else repo) / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    return before


def call(tool: str, given: Mapping[str, Any]) -> str:
    return str(SIZES._call(tool, given))


def asks(tool: str, given: Mapping[str, Any], pattern: str, *more: Step) -> tuple[Step, ...]:
    """A prompt that makes it call a tool, and what it asks then."""
    return say(f"Do it {call(tool, given)} ::say Done."), see(pattern, 2), *more


def works(prompt: str, pattern: str, *more: Step) -> tuple[Step, ...]:
    """A prompt after whose first words the model goes on for a minute."""
    return say(f"{prompt} ::wait 60 ::say never"), see(pattern, 2), *more


def wait(seconds: float) -> Step:
    return lambda stage: time.sleep(seconds)


def menus(*words: str) -> dict[str, Scene]:
    """What each of these commands opens; "?": that is looked at afterwards."""
    return {f"menu-{re.sub('[^a-z]+', '-', word.strip('/').lower())}": Scene(command(word), "?") for word in words}


# -- Claude Code

OPTIONS = [{"label": word, "description": f"It is {word}, and that is explained at some length in many words here"}
           for word in ("red", "green", "blue", "yellow")]  # fmt: skip
TABS = {
    "questions": [
        {"question": f"Which colour shall part {n} have, given that all others have one?", "header": f"Part {n}",
         "multiSelect": n == 2, "options": OPTIONS}
        for n in range(1, 5)
    ]
}  # fmt: skip
PLAN = {"plan": "# Plan\n\n" + "\n".join(f"{n}. Do thing {n}, then look whether it holds" for n in range(1, 60))}
TODOS = {"todos": [{"content": f"thing {n}", "status": "pending", "activeForm": f"Doing {n}"} for n in range(1, 6)]}
LONG = "\\n".join(f"touch line {n} of a long command" for n in range(1, 60))
DIALOG, ASKS, QUESTION = ("needs_input", "dialog"), ("needs_input", "permission"), ("needs_input", "question")
MENUS = (
    "/agents", "/hooks", "/mcp", "/memory", "/theme", "/login", "/help", "/export", "/status", "/plugin", "/tasks",
    "/skills", "/usage", "/cost", "/effort", "/rewind", "/sandbox", "/rename", "/privacy-settings",
)  # fmt: skip
SETTINGS = ".claude/settings.json"
WIDE = "漢字 and 👩‍💻 emoji in a long story. " * 40
MAKES = (say("Make ::bash touch x ::say Made."), see("Do you want to proceed"))


def _without(name: str) -> Callable[[Path, Path], None]:
    def before(home: Path, repo: Path) -> None:
        file = home / ".claude.json"
        known = json.loads(file.read_text())
        known.pop(name, None)
        file.write_text(json.dumps(known))

    return before


TABBED = asks("AskUserQuestion", TABS, "Enter to select")
BEHIND = '::call Bash {"command": "sleep 100", "run_in_background": true, "description": "x"}'
BACKGROUND = (say(f"Go {BEHIND} ::say Started."), see("Started"), see("1 shell|1 background"))
CLAUDE: dict[str, Scene] = {
    **menus(*MENUS),
    "tabs": Scene(TABBED, *QUESTION),
    "tabs-second": Scene((*TABBED, key("Right")), *QUESTION),
    "tabs-submit": Scene((*TABBED, key("Right", "Right", "Right", "Right")), *QUESTION),
    "tabs-typing": Scene((*TABBED, key("Up", "Up"), typed("my own")), *QUESTION),
    "plan-long": Scene(asks("ExitPlanMode", PLAN, "(?i)would you like to proceed|ready to code|exit plan mode"), *ASKS,
                       needs=("--permission-mode", "plan")),
    "permission-very-long": Scene((say(f"Long ::bash {LONG}"), see("Do you want to proceed")), *ASKS),
    "permission-amend": Scene((*MAKES, key("Tab"), typed("but not there")), *ASKS),
    "permission-explained": Scene((*MAKES, key("C-e")), *ASKS),
    "bypass-warning": Scene((see("(?i)bypass"),), *DIALOG, needs=("--dangerously-skip-permissions",),
                            env={"IS_SANDBOX": "1"}),
    "onboarding": Scene((see("(?i)text style|get started"),), *DIALOG, before=_without("hasCompletedOnboarding")),
    "mcp-new-server": Scene((see("(?i)mcp server"),), *DIALOG, before=write(".mcp.json", json.dumps(SIZES._MCP))),
    "settings-broken": Scene((see("(?i)settings"),), *DIALOG, before=write(SETTINGS, '{"hooks": 7}')),
    "imports": Scene((see("(?i)import"),), *DIALOG, before=write("CLAUDE.md", "@/etc/hostname\n@~/other.md\n")),
    "resume-picker": Scene((wait(5),), *DIALOG, needs=("--resume",)),
    "transcript": Scene((SIZES.CLAUDE.after_turn, key("C-o")), "unknown"),
    "history-search": Scene((SIZES.CLAUDE.after_turn, key("C-r"), typed("Look")), *DIALOG),
    "shortcuts": Scene((ready, key("?")), "idle"),
    "rewind": Scene((SIZES.CLAUDE.after_turn, key("Escape", "Escape")), *DIALOG),
    "todos": Scene(works(f"List {call('TodoWrite', TODOS)}", "thing 2"), "working"),
    "shell-mode-running": Scene((ready, typed("! sleep 60"), key("Enter"), wait(3)), "working"),
    "vim-insert": Scene((ready,), "idle", before=write(SETTINGS, '{"editorMode": "vim"}', True)),
    "background-shell": Scene(BACKGROUND, "idle"),
    "background-list": Scene((*BACKGROUND, key("Down", "Enter")), *DIALOG),
    "screen-reader": Scene((wait(6),), "idle", needs=("--ax-screen-reader",)),
    "screen-reader-asks": Scene((wait(5), typed("Make ::bash touch x ::say Made."), key("Enter"), wait(3)), *ASKS,
                                needs=("--ax-screen-reader",)),
    "suspended": Scene((ready, key("C-z")), "hung"),
    "exit-confirm": Scene((ready, key("C-c")), "idle"),
    "auto-mode": Scene((ready,), "idle", needs=("--permission-mode", "acceptEdits")),
    "plan-mode": Scene((ready,), "idle", needs=("--permission-mode", "plan")),
    "inline-asks": Scene(MAKES, *ASKS, env={"CLAUDE_CODE_DISABLE_ALTERNATE_SCREEN": "1"}),
    "light-asks": Scene(MAKES, *ASKS, before=write(SETTINGS, '{"theme": "light"}', True)),
    "light-idle": Scene((ready,), "idle", before=write(SETTINGS, '{"theme": "light-ansi"}', True)),
    "streaming-wide": Scene((say(f"Tell ::slow 60 ::say {WIDE}"), see("漢字", 3)), "working"),
    "ascii-locale": Scene(MAKES, *ASKS, env={"LANG": "C"}),
}  # fmt: skip

# -- the others

ESCALATED = {"sandbox_permissions": "require_escalated", "justification": "It is needed."}
PATCH = "*** Begin Patch\n*** Add File: /opt/x\n+one\n*** End Patch"
STEPS = {"plan": [{"step": f"Do {n}", "status": "pending"} for n in range(1, 7)]}
CONFIRM, ONCE, ASKED = "Press enter to confirm", "1. Allow once|1. Yes", "Permission required"
MANY = LONG.replace("\\n", "; ")
CODEX: dict[str, Scene] = {
    **menus("/model", "/approvals", "/permissions", "/status", "/review", "/resume", "/diff", "/theme", "/experimental",
            "/skills", "/feedback", "/agent", "/statusline", "/title", "/fork", "/plan", "/hooks", "/rename"),
    "asks-very-long": Scene(asks("exec_command", {"cmd": MANY, **ESCALATED}, CONFIRM), *ASKS),
    "asks-second": Scene(asks("exec_command", {"cmd": "touch x", **ESCALATED}, CONFIRM, key("Down", "Down")), *ASKS),
    "asks-patch": Scene(asks("apply_patch", {"input": PATCH}, "(?i)would you like|failed|press enter"), "?"),
    "plan-asks": Scene((*command("/plan"), *asks("request_user_input", {"questions": [
        {"id": "a", "header": "Colour", "question": "Which colour?", "options": OPTIONS[:3]},
        {"id": "b", "header": "Size", "question": "Which size?", "options": OPTIONS[:2]}]}, "(?i)which colour")),
        *QUESTION),
    "backtrack": Scene((SIZES.OTHERS.after_turn, key("Escape", "Escape")), "?"),
    "shortcuts": Scene((ready, key("?")), "?"),
    "files": Scene((ready, typed("see @READ")), "idle", draft=True),
    "slash": Scene((ready, typed("/")), "idle", draft=True),
    "queued": Scene(works("Think", "esc to interrupt", typed("and this too"), key("Enter")), "working"),
    "plan-update": Scene(works(f"Plan {call('update_plan', STEPS)}", "Do 3"), "working"),
    "compacting": Scene((SIZES.OTHERS.after_turn, typed("/compact"), key("Enter"), wait(1)), "?"),
    "resume-picker": Scene((wait(5),), "?", needs=("resume",)),
    "tool-running": Scene(asks("exec_command", {"cmd": "sleep 60"}, "esc to interrupt", wait(3)), "working"),
    "inline-asks": Scene(asks("exec_command", {"cmd": "touch x", **ESCALATED}, CONFIRM), *ASKS,
                         needs=("--no-alt-screen",)),
    "yolo": Scene((ready,), "idle", needs=("--dangerously-bypass-approvals-and-sandbox",)),
}  # fmt: skip
MEND = {"file_path": "README.md", "old_string": "sample", "new_string": "example", "instruction": "mend"}
FULL = ('"general": {', '"ui": {"useAlternateBuffer": true}, "general": {')
GEMINI: dict[str, Scene] = {
    **menus("/auth", "/theme", "/editor", "/model", "/settings", "/privacy", "/resume"),
    "asks-edit": Scene(asks("replace", MEND, ONCE), *ASKS),
    "asks-fetch": Scene(asks("web_fetch", {"prompt": "read https://example.com/a"}, ONCE), *ASKS),
    "asks-very-long": Scene((say(f"Long ::bash {LONG}"), see(ONCE)), *ASKS),
    "asks-user": Scene(asks("ask_user", {"questions": [
        {"question": "Which colour?", "header": "Colour", "type": "choice", "multiSelect": False,
         "options": OPTIONS[:3]},
        {"question": "Which name?", "header": "Name", "type": "text", "placeholder": "a name"}]}, "Enter to select"),
        *QUESTION),
    "shell-mode": Scene((ready, key("!")), "?"),
    "shell-running": Scene((ready, key("!"), typed("sleep 60"), key("Enter"), wait(3)), "working"),
    "shortcuts": Scene((ready, key("?")), "?"),
    "files": Scene((ready, typed("see @READ")), "idle", draft=True),
    "slash": Scene((ready, typed("/")), "idle", draft=True),
    "tool-running": Scene((say("Wait ::bash sleep 60"), see(ONCE), key("Enter"), wait(4)), "working"),
    "sessions": Scene((SIZES.OTHERS.after_turn, typed("/resume"), key("Enter"), wait(3)), *DIALOG),
    "queued": Scene(works("Think", "esc to cancel", typed("and this too"), key("Enter")), "working"),
    "yolo": Scene((ready,), "idle", needs=("--yolo",)),
    "plan-mode": Scene((ready,), "idle", needs=("--approval-mode", "plan")),
    "screen-reader": Scene((wait(9),), "?", needs=("--screen-reader",)),
    "full-screen-asks": Scene((say("Make ::bash touch x"), see(ONCE)), *ASKS, settings=FULL),
}  # fmt: skip
CHOICES = {
    "questions": [
        {"question": "Which colour?", "header": "Colour", "options": OPTIONS[:3]},
        {"question": "Which sizes?", "header": "Size", "multiple": True, "options": OPTIONS[:2]},
    ]
}
THINGS = {"todos": [{"content": f"thing {n}", "status": "pending", "priority": "low", "id": str(n)} for n in range(5)]}
TOUCH = (say("Make ::bash touch x"), see(ASKED))
OPENCODE: dict[str, Scene] = {
    **menus("/models", "/themes", "/sessions", "/agents", "/connect", "/help", "/status", "/mcps",
            "/skills", "/diff"),
    "palette": Scene((ready, key("C-p")), "?"),
    "asks-edit": Scene(asks("edit", {"filePath": "README.md", "oldString": "sample", "newString": "x"}, ASKED), *ASKS),
    "asks-outside": Scene(asks("read", {"filePath": "/etc/hostname"}, "(?i)permission required"), *ASKS),
    "asks-very-long": Scene((say(f"Long ::bash {MANY}"), see(ASKED)), *ASKS),
    "asks-always": Scene((*TOUCH, key("Right", "Enter")), *QUESTION),
    "asks-reject": Scene((*TOUCH, key("Right", "Right", "Enter")), "idle"),
    "asks-user": Scene(asks("question", CHOICES, "esc (dismiss|reject)"), *QUESTION),
    "asks-user-second": Scene(asks("question", CHOICES, "esc (dismiss|reject)", key("Tab")), *QUESTION),
    "todos": Scene(works(f"List {call('todowrite', THINGS)}", "thing 2"), "working"),
    "files": Scene((ready, typed("see @READ")), "idle", draft=True),
    "slash": Scene((ready, typed("/")), "idle", draft=True),
    "queued": Scene(works("Think", "esc interrupt", typed("and this too"), key("Enter")), "working"),
    "plan-agent": Scene((ready, key("Tab")), "?"),
    "compacting": Scene((SIZES.OTHERS.after_turn, typed("/compact"), key("Enter"), wait(2)), "?"),
}  # fmt: skip
SCENES: dict[str, dict[str, Scene]] = {"claude": CLAUDE, "codex": CODEX, "gemini": GEMINI, "opencode": OPENCODE}


# -- playing them


def record(name: str, state: str, scene: Scene, binary: Path, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with SIZES.running(name, state, scene, binary, **scene.env) as there:
        for number, (cols, rows) in enumerate(((120, 40), SMALL)):
            if number:
                there.pane._tmux("resize-window", "-t", "deck", "-x", str(cols), "-y", str(rows))
                time.sleep(PAINTED)
            file = f"{state}.{cols}x{rows}.ansi"
            (folder / file).write_text(there.pane.ansi(), encoding="utf-8")
            entry = {"state": scene.state, "reason": scene.reason, "draft": scene.draft, "title": there.pane.title()}
            yield file, {**entry, "cursor": list(there.pane.cursor()), **there.told()}


def main(words: list[str]) -> int:
    SIZES.PLACE.mkdir(mode=0o700, exist_ok=True)
    failed = 0
    for name in words[:1] or SCENES:
        binary, reason = client.install(name)
        if binary is None:
            print(reason, file=sys.stderr)
            return 1
        folder = SCREENS / name
        folder.mkdir(parents=True, exist_ok=True)
        index_file = folder / "index.json"
        for state in words[1:] or SCENES[name]:
            print(name, state, flush=True)
            index = json.loads(index_file.read_text()) if index_file.exists() else {}
            try:
                index |= dict(record(name, state, SCENES[name][state], binary, folder))
            except (AssertionError, subprocess.SubprocessError) as error:
                print(re.sub(r"\n{3,}", "\n\n", str(error)), file=sys.stderr)
                failed += 1
            index_file.write_text(json.dumps(index, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
