#!/usr/bin/env python3
"""Record what the real aider shows in each state: tests/screens/aider/<state>.ansi.

    .venv/bin/python scripts/record-aider-screens.py [STATE ...]

As record-other-screens.py does for the others; a scene says in which size it is played.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.real import client  # noqa: E402


def _others() -> ModuleType:
    spec = importlib.util.spec_from_file_location("others_screens", ROOT / "scripts/record-other-screens.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


OTHERS = _others()
OTHERS.ARGV["aider"] = ["aider", "--model", "openai/scripted"]
OTHERS.READY["aider"] = r"^([a-z]+)?> *$"
Stage = Any  # one running client that a scene plays with
STORY = "Tell me a story ::slow 60 ::say " + "Once upon a time there was a parser. " * 20


@dataclass(frozen=True)
class Scene:
    """How to bring it into a state, and what the deck must call it; as in record-other-screens.py."""

    play: Callable[[Stage], None]
    state: str
    reason: str = ""
    draft: bool = False
    settings: tuple[str, str] = ("", "")
    size: tuple[int, int] = (120, 40)


def says(text: str, then: str, seconds: float = 1.0) -> Callable[[Stage], None]:
    """A prompt, and what is waited for."""

    def play(stage: Stage) -> None:
        stage.say(text)
        stage.see(then)
        time.sleep(seconds)

    return play


def sees(pattern: str) -> Callable[[Stage], None]:
    def play(stage: Stage) -> None:
        stage.see(pattern)
        time.sleep(1)

    return play


def typed(text: str, *keys: str) -> Callable[[Stage], None]:
    """A draft."""

    def play(stage: Stage) -> None:
        stage.ready()
        stage.pane.type(text)
        for key in keys:
            stage.pane.key(key)
        time.sleep(1.5)

    return play


def pasted(stage: Stage) -> None:
    stage.ready()
    stage.pane.paste("\n".join(f"line {number} of a pasted spec, which is long enough" for number in range(1, 8)))
    time.sleep(1.5)


def interrupted(stage: Stage) -> None:
    says(STORY, "Once upon a time", 2)(stage)
    stage.pane.key("C-c")
    stage.see(r"^> *$")
    time.sleep(1)


def answered(stage: Stage) -> None:
    says(ADD, r"\[Yes\]:")(stage)
    stage.pane.key("n", "Enter")
    stage.see("first.\n")
    stage.see("^> *$")
    time.sleep(1)


def added(stage: Stage) -> None:
    typed("/add README.md", "Enter")(stage)
    stage.see("Added README.md")
    time.sleep(1)


ADD = "See README.md ::wait 1 ::say You should look at it first."
NEW = "Make it ::wait 1 ::say I make it.\\n\\nhello.py\\n```\\nprint(1)\\n```\\n"
RUN = "Run it ::wait 1 ::say Run this:\\n\\n```bash\\nls -la\\n```\\n"
ASKS = ("needs_input", "permission")
DIFFS = ("gitignore: false", "gitignore: false\nedit-format: diff")
FAIL = "Fail ::fail 400 x99 This request is not understood ::say never"
SCENES = {
    "idle": Scene(sees(r"^> *$"), "idle"),
    "busy": Scene(says("Think ::wait 60 ::say never", "Waiting for", 2), "working"),
    "streaming": Scene(says(STORY, "a time there was", 3), "working"),
    "after-turn": Scene(says("Hello ::wait 1 ::say There is a README here.", "^Tokens: "), "idle"),
    "interrupted": Scene(interrupted, "idle"),
    "add-file": Scene(says(ADD, r"\[Yes\]:"), *ASKS),
    "add-file-answered": Scene(answered, "idle"),
    "new-file": Scene(says(NEW, r"\[Yes\]:"), *ASKS),
    "run-command": Scene(says(RUN, r"\[Yes\]:"), *ASKS, settings=DIFFS),
    "files-in-chat": Scene(added, "idle"),
    "draft": Scene(typed("a draft that nobody has sent"), "idle", draft=True),
    "menu": Scene(typed("/a"), "idle", draft=True),
    "two-line-draft": Scene(typed("one", "M-Enter", "t", "w", "o"), "idle", draft=True),
    "pasted": Scene(pasted, "idle", draft=True),
    "ask-mode": Scene(typed("/ask", "Enter"), "idle"),
    "retrying": Scene(says("Fail ::fail 529 x99 Overloaded ::say never", r"Retrying in \d"), "retrying"),
    "failed": Scene(says(FAIL, "not understood", 3), "failed"),
    "gitignore": Scene(sees(r"\[Yes\]:"), *ASKS, settings=("gitignore: false", "")),
    "model-warning": Scene(sees(r"\[Yes\]:"), *ASKS, settings=("show-model-warnings: false", "")),
    "narrow-add-file": Scene(says(ADD, r"\[Yes\]:|Yes"), *ASKS, size=(46, 24)),
    "narrow-idle": Scene(sees(r"^> *$"), "idle", size=(46, 24)),
    "narrow-busy": Scene(says("Think ::wait 60 ::say never", "aiting", 2), "working", size=(46, 24)),
}  # fmt: skip


def main(states: list[str]) -> int:
    OTHERS.PLACE.mkdir(mode=0o700, exist_ok=True)
    binary, reason = client.install("aider")
    if binary is None:
        print(reason, file=sys.stderr)
        return 1
    folder = OTHERS.SCREENS / "aider"
    folder.mkdir(parents=True, exist_ok=True)
    file, failed = folder / "index.json", 0
    for state in states or SCENES:
        print(state, flush=True)
        scene = SCENES[state]
        pane, OTHERS.client.Pane = client.Pane, lambda socket, scene=scene: _PANE(socket, *scene.size)
        try:
            entry = OTHERS.record("aider", state, scene, binary)
        except AssertionError as error:
            print(error, file=sys.stderr)
            failed += 1
            continue
        finally:
            OTHERS.client.Pane = pane
        index = json.loads(file.read_text()) if file.exists() else {}
        index[f"{state}.ansi"] = entry
        file.write_text(json.dumps(index, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    OTHERS.PLACE.rmdir()
    return 1 if failed else 0


_PANE = client.Pane

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
