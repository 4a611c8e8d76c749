#!/usr/bin/env python3
"""Record what the real clients show in terminals of other sizes: tests/screens/sizes/<client>/<state>.<W>x<H>.ansi.

    .venv/bin/python scripts/record-sizes.py [CLIENT [STATE ...]]

The scenes are those of record-screens.py and record-other-screens.py and some more. Each is played once at 120x40;
then the terminal is resized from size to size under the client's hands, and what stands there is kept.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from agentdeck.demo import reply  # noqa: E402
from agentdeck.demo.script import Call  # noqa: E402
from agentdeck.demo.server import ScriptedModel  # noqa: E402
from tests.real import client, others  # noqa: E402
from tests.real.dialects import Dialects  # noqa: E402

SCREENS = ROOT / "tests/screens/sizes"
PLACE = Path("/tmp/deck-sizes")  # named on some screens, so it is the same each time
SIZES = ((40, 40), (60, 20), (80, 24), (100, 13), (200, 50), (250, 30))
FEW = ((46, 24), (180, 16))
PAINTED = 1.5  # seconds that a client gets to paint a new size


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.PLACE = PLACE  # type: ignore[attr-defined]
    return module


CLAUDE, OTHERS = _script("record-screens"), _script("record-other-screens")

BOXES = (
    "A dialog looks like this:\\n\\n Do you want to proceed?\\n ❯ 1. Yes\\n   2. No\\n\\n"
    " Esc to cancel · Tab to amend\\n\\n"
    "or like that:\\n\\n  Would you like to run the following command?\\n  › 1. Yes, proceed (y)\\n"
    "  Press enter to confirm or esc to cancel\\n\\n△ Permission required\\n Allow once  Allow always  Reject\\n"
    "● 1. Allow once\\nDo you trust the files in this folder?\\nThat is all."
)
SIGNS = (
    "While it works it says:\\n\\n✻ Pondering… (3s · esc to interrupt)\\n• Working (3s • esc to interrupt)\\n"
    "⠏ Thinking... (esc to cancel, 3s)\\nAPI Error: 529, retrying in 5s\\nThat is all."
)


# -- more scenes: each brings a stage into a state


def _quoting(words: str) -> Callable[[Any], None]:
    def play(stage: Any) -> None:
        stage.say(f"Show me ::wait 1 ::say {words}")
        stage.see(r"^\W*That is all\.")
        time.sleep(2)

    return play


def _down(play: Callable[[Any], None]) -> Callable[[Any], None]:
    def then(stage: Any) -> None:
        play(stage)
        time.sleep(0.6)
        stage.pane.key("Down")

    return then


def _menu(command: str) -> Callable[[Any], None]:
    """A list that the human opens: the composer is gone until it is closed."""

    def play(stage: Any) -> None:
        (CLAUDE.idle_start if hasattr(stage, "status") else OTHERS.idle)(stage)
        stage.pane.type(command)
        time.sleep(1)
        stage.pane.key("Enter")
        time.sleep(2.5)

    return play


def _asks(prompt: str, pattern: str) -> Callable[[Any], None]:
    def play(stage: Any) -> None:
        stage.say(prompt)
        stage.see(pattern)
        if hasattr(stage, "status"):  # its prompt holds the words that are waited for
            stage.status("waiting")
        time.sleep(1)

    return play


LONG = "printf 'a rather long command line %s that fits into no row of a small terminal\\\\n' one two three; touch x"
NOTE = str(PLACE / "sample/n.txt")
_QUESTIONS = {
    "questions": [
        {"question": "Which parts shall I mend?", "header": "Parts", "multiSelect": True,
         "options": [{"label": "Lexer", "description": "It reads"}, {"label": "Parser", "description": "It parses"}]},
        {"question": "How fast?", "header": "Pace", "multiSelect": False,
         "options": [{"label": "Fast", "description": "Now"}, {"label": "Slow", "description": "Later"}]},
    ]
}  # fmt: skip
_PLAN = {"plan": "# Plan\n\n1. Look at the parser\n2. Mend it\n3. Run the tests\n"}


_resolve = reply.resolve


def _any_tool(call: Call, offered: Set[str], cwd: str) -> tuple[str, dict[str, Any]] | None:
    """A call by name goes out although the tool is not offered yet: some are, only once they were looked for."""
    return (call.args[0], json.loads(call.args[1])) if call.verb == "call" else _resolve(call, offered, cwd)


reply.resolve = _any_tool

# A server of one tool: what it is asked is answered line by line.
_SERVER = """
import json, sys
tool = {"name": "keep", "description": "Keep a note", "inputSchema": {"type": "object"}}
for line in sys.stdin:
    asked = json.loads(line)
    told = {
        "initialize": {"protocolVersion": "2024-11-05", "capabilities": {"tools": {}},
                       "serverInfo": {"name": "notes", "version": "1"}},
        "tools/list": {"tools": [tool]},
    }.get(asked.get("method"), {})
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": told}), flush=True)
"""
_MCP = {"mcpServers": {"notes": {"command": sys.executable, "args": ["-c", _SERVER]}}}


def _call(tool: str, given: Mapping[str, Any]) -> str:
    return f"::call {tool} {json.dumps(given).replace('::', ':' + chr(92) + 'u003a')}"


def claude_scenes() -> dict[str, Any]:
    scene = CLAUDE.Scene
    kept = {key: one for key, one in CLAUDE.SCENES.items() if key not in ("retrying-529", "exited")}
    asks = {
        "permission-fetch": (f"Fetch {_call('WebFetch', {'url': 'https://example.com/a', 'prompt': 'what'})}", "fetch"),
        "permission-long": (f"Long ::bash {LONG}", "Do you want to proceed"),
        "plan-approval": (f"Plan {_call('ExitPlanMode', _PLAN)}", "plan"),
        "permission-mcp": (f"Note {_call('mcp__notes__keep', {'text': 'one', 'many': [1, 2]})}", "proceed"),
        "question-many": (f"Ask {_call('AskUserQuestion', _QUESTIONS)}", "Which parts"),
    }
    more = {name: scene(_asks(*what), "needs_input", "question" if "question" in name else "permission")
            for name, what in asks.items()}  # fmt: skip
    more |= {
        "permission-second": scene(_down(CLAUDE.permission_bash), "needs_input", "permission"),
        "menu-model": scene(_menu("/model"), "needs_input", "dialog"),
        "menu-config": scene(_menu("/config"), "needs_input", "dialog"),
        "menu-permissions": scene(_menu("/permissions"), "needs_input", "dialog"),
        "menu-resume": scene(_menu("/resume"), "needs_input", "dialog"),
        "question-second": scene(_down(CLAUDE.question), "needs_input", "question"),
        "quotes-dialogs": scene(_quoting(BOXES), "idle"),
        "quotes-work": scene(_quoting(SIGNS), "idle"),
    }
    return {**kept, **more}


def other_scenes(name: str) -> dict[str, Any]:
    scene = OTHERS.Scene
    kept = {key: one for key, one in OTHERS.SCENES.items() if name in one.clients}
    asks = {
        "codex": {
            "permission-long": "Long " + _call("exec_command", {
                "cmd": LONG, "sandbox_permissions": "require_escalated", "justification": "It is long."}),
        },
        "gemini": {
            "permission-write": f"Write {_call('write_file', {'file_path': NOTE, 'content': 'one'})}",
            "permission-long": f"Long ::bash {LONG}",
        },
        "opencode": {
            "permission-write": f"Write {_call('write', {'filePath': NOTE, 'content': 'one'})}",
            "permission-long": f"Long ::bash {LONG}",
        },
    }  # fmt: skip
    signs = {"codex": "Press enter to confirm", "gemini": "1. Allow once|1. Yes", "opencode": "Permission required"}
    more = {
        state: scene(_asks(prompt, signs[name]), "needs_input", "permission", clients=(name,))
        for state, prompt in asks[name].items()
    }
    more |= {
        "permission-second": scene(_down(OTHERS.permission), "needs_input", "permission", clients=(name,)),
        "quotes-dialogs": scene(_quoting(BOXES), "idle", clients=(name,)),
        "quotes-work": scene(_quoting(SIGNS), "idle", clients=(name,)),
    }
    return {**kept, **more}


# -- playing them


@dataclass(frozen=True)
class Running:
    """A client that has been brought into a state; `told` is what it says of itself by then."""

    pane: client.Pane
    told: Callable[[], dict[str, Any]]


@contextmanager
def running(name: str, state: str, scene: Any, binary: Path, **more: str) -> Iterator[Running]:
    model_of = ScriptedModel if name == "claude" else Dialects
    with model_of() as model, tempfile.TemporaryDirectory(dir=PLACE, ignore_cleanup_errors=True) as place:
        home, repo = Path(place, "home"), PLACE / "sample"
        CLAUDE.make_repo(repo)
        pane = client.Pane(Path(place, "tmux"))
        try:
            if name == "claude":
                CLAUDE.seed(scene.seed, home, repo)
                mode = "plan" if state == "plan-approval" else "default"
                needs = getattr(scene, "needs", ())
                argv = ["claude", *(needs if "--permission-mode" in needs else ("--permission-mode", mode, *needs))]
                environ = client.environment(binary, home, model.url)
                argv += ["--mcp-config", json.dumps(_MCP)] if state == "permission-mcp" else []
                stage: Any = CLAUDE.Stage(pane, home, repo)
            else:
                settings = others.seed(name, home, model.url, repo)
                settings.write_text(settings.read_text().replace(*scene.settings) if scene.settings[0] else
                                    settings.read_text())  # fmt: skip
                argv, environ = (
                    [*OTHERS.ARGV[name], *getattr(scene, "needs", ())],
                    others.environment(name, binary, home, model.url),
                )
                environ |= {"COLORTERM": "truecolor", "TERM": "tmux-256color"}
                if state == "sign-in":
                    environ.pop("GEMINI_API_KEY")
                stage = OTHERS.Stage(name, pane)
            if hasattr(scene, "before"):
                scene.before(home, repo)
            pane.start(repo, {**environ, **more}, argv)
            scene.play(stage)

            def told() -> dict[str, Any]:
                own = client.status(home) if name == "claude" else {}
                return {"status_file": own.get("status", ""), "waiting_for": own.get("waitingFor", "")}

            yield Running(pane, told)
        except AssertionError:
            sys.stderr.write(re.sub(r"\n{3,}", "\n\n", pane.screen()))
            raise
        finally:
            OTHERS.end(pane)
            shutil.rmtree(repo, ignore_errors=True)


def record(name: str, state: str, scene: Any, binary: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Play one scene and write a file a size; name and entry in the index of each."""
    sizes = SIZES if scene.state == "needs_input" or state.startswith("quotes") else FEW
    with running(name, state, scene, binary) as there:
        for cols, rows in sizes:
            there.pane._tmux("resize-window", "-t", "deck", "-x", str(cols), "-y", str(rows))
            time.sleep(PAINTED)
            yield keep(name, f"{state}.{cols}x{rows}", scene, there)
    if state in ("permission", "permission-bash", "idle", "idle-start", "busy", "question"):
        with running(name, state, scene, binary, NO_COLOR="1") as there:
            time.sleep(PAINTED)
            yield keep(name, f"{state}.no-colour", scene, there)


def keep(name: str, place: str, scene: Any, there: Running) -> tuple[str, dict[str, Any]]:
    (SCREENS / name / f"{place}.ansi").write_text(there.pane.ansi(), encoding="utf-8")
    entry = {"state": scene.state, "reason": scene.reason, "draft": scene.draft, "title": there.pane.title()}
    return f"{place}.ansi", {**entry, "cursor": list(there.pane.cursor()), **there.told()}


def main(words: list[str]) -> int:
    PLACE.mkdir(mode=0o700, exist_ok=True)
    failed = 0
    for name in words[:1] or ("claude", "codex", "opencode", "gemini"):
        binary, reason = client.install(name)
        if binary is None:
            print(reason, file=sys.stderr)
            return 1
        scenes = claude_scenes() if name == "claude" else other_scenes(name)
        (SCREENS / name).mkdir(parents=True, exist_ok=True)
        index_file = SCREENS / name / "index.json"
        index = json.loads(index_file.read_text()) if index_file.exists() else {}
        for state in words[1:] or scenes:
            print(name, state, flush=True)
            try:
                for file, entry in record(name, state, scenes[state], binary):
                    index[file] = entry
            except (AssertionError, subprocess.SubprocessError) as error:
                print(error, file=sys.stderr)
                failed += 1
            index_file.write_text(json.dumps(index, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    PLACE.rmdir()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
