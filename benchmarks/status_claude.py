"""A day with Claude Code: every transition that it makes silently, and the others."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentdeck.demo.rules import Rule, Scenario
from agentdeck.demo.script import Fail, Step
from agentdeck.demo.server import ScriptedModel
from benchmarks.status_script import Beat, Client, Life, Model, Sign, turn
from tests.real import client

MANUAL = ("--permission-mode", "default")
BUSY = r"esc to interrupt|^[·✢✳✶✻✽*] [^·]{1,70}…|background agent"
BOX = r"^ *❯ 1\. Yes"
COMPOSER = "^[❯!]\xa0"
SIGNS = {
    "working": Sign(BUSY, BOX),
    "needs_input": Sign(BOX),
    "idle": Sign(COMPOSER, BUSY),
    "retrying": Sign(r"[Rr]etrying"),
    "failed": Sign(r"API Error: 400", BUSY),
}
HOOKS = {
    "working": ("UserPromptSubmit", "PostToolUse"),
    "needs_input": ("PermissionRequest",),
    "idle": ("Stop", "SessionStart"),
}
LOOK = r'{"description": "look", "subagent_type": "general-purpose", %s"prompt": "::wait 4\n::say found it"}'
BEHIND = '"run_in_background": true, '
ASLEEP = r'{"command": "sleep 5", "description": "Wait", "run_in_background": true}'


def box(event: str, name: str, *, hold: float = 2.0) -> tuple[Beat, ...]:
    """A prompt that leads to a permission box."""
    prompt = Beat("prompt", "working", text=f"{name} ::wait 1 ::bash touch {name}.txt ::wait 2 ::say Made.", hold=0.3)
    return (prompt, Beat(event, "needs_input", hold=hold))


def retried(status: str, word: str) -> tuple[Beat, ...]:
    """A prompt that is answered only after a few refusals."""
    prompt = Beat("prompt", "working", text=f"{word} ::{status} ::say Over {word}.", hold=0.0)
    return (
        prompt,
        Beat("retry loop", "retrying", hold=0.0),
        Beat("end of a turn", "idle", sign=Sign(rf"● Over {word}\.", BUSY)),
    )


def behind(times: int) -> Sign:
    """What is shown once the model has answered that many ends of background work."""
    return Sign(rf"(?s)(● Done\..*){{{times}}}✻ \w+ for [^\n]* · done", "esc to interrupt")


TURNS = Life(
    "turns",
    (
        Beat("start", "idle", hold=1.0),
        *turn("One ::wait 3 ::say Good morning."),
        *box("permission box", "two"),
        Beat("box allowed", "working", keys=("1",), sign=Sign(BUSY, BOX), hold=1.0),
        Beat("end of a turn", "idle"),
        *box("permission box", "three"),
        Beat("box denied", "idle", keys=("4",)),
        *box("permission box", "four", hold=7.0),
        Beat("Esc on a box", "idle", keys=("Escape",)),
        Beat("prompt", "working", text="Five ::bash ls ::wait 40 ::say never", hold=2.0),
        Beat("Esc in a turn", "idle", keys=("Escape",), hold=3.0),
        Beat("prompt", "working", text="Six ::wait 4 ::say First.", hold=1.0),
        Beat("queued prompt", "working", text="Seven ::wait 3 ::say Second.", hold=0.5),
        Beat("end of a turn", "idle", sign=Sign(r"● Second\.", BUSY)),
        Beat("prompt", "working", text="Ask ::wait 1 ::ask Which colour? | Red | Blue ::say Chosen.", hold=0.3),
        Beat("question", "needs_input", sign=Sign("^Enter to select")),
        Beat("question answered", "working", keys=("Enter",), hold=0.0, sign=Sign(r"● Chosen|esc to interrupt")),
        Beat("end of a turn", "idle", sign=Sign(r"● Chosen", BUSY)),
        Beat("/clear", "idle", text="/clear"),
        *turn("Eight ::wait 2 ::say After it."),
        Beat("exit", "exited", text="/exit"),
    ),
    MANUAL,
)
TROUBLE = Life(
    "trouble",
    (
        Beat("start", "idle", hold=1.0),
        *retried("fail 529 x2 Overloaded", "first"),
        *retried("fail 429 x2 Slow down", "second"),
        *retried("cut x1", "third"),
        *retried("fail 401 x3 invalid x-api-key", "fourth"),
        Beat("prompt", "working", text="Fail ::wait 1 ::fail 400 x9 Nothing works", hold=0.0),
        Beat("failed turn", "failed", hold=3.0),
        *turn("On ::wait 2 ::say We go on."),
        Beat("prompt", "working", text="Long ::wait 40 ::say never", hold=2.0),
        Beat("kill", "exited", signal="KILL"),
    ),
    MANUAL,
)
BACKGROUND = Life(
    "background",
    (
        Beat("start", "idle", hold=1.0),
        Beat("prompt", "working", text=f"Delegate ::call Agent {LOOK % ''} ::say All done.", hold=2.0),
        Beat("end of background work", "idle", sign=behind(1)),
        Beat(
            "prompt",
            "working",
            text=f"Start ::call Agent {LOOK % BEHIND} ::say Started.",
            hold=1.0,
        ),
        Beat("Stop with background work", "working", sign=Sign(r"● Started\."), hold=1.0),
        Beat("end of background work", "idle", sign=behind(2)),
        Beat("prompt", "working", text=f"Sleep ::call Bash {ASLEEP} ::say It sleeps.", hold=0.3),
        Beat("Stop with background work", "working", sign=Sign(r"● It sleeps\."), hold=1.0),
        Beat("end of background work", "idle", sign=behind(3), hold=3.0),
    ),
    MANUAL,
)
WRAPPED = Life(
    "wrapped",
    (
        Beat("start", "idle", hold=1.0),
        *turn("One ::wait 3 ::say Good morning."),
        *box("permission box", "two"),
        Beat("Esc on a box", "idle", keys=("Escape",)),
        Beat("prompt", "working", text="Three ::wait 14 ::say Good evening.", hold=2.0),
        Beat("SIGSTOP", "hung", signal="STOP", sign=Sign("."), hold=6.0),
        Beat("SIGCONT", "working", signal="CONT", hold=1.0),
        Beat("end of a turn", "idle"),
        Beat("prompt", "working", text="Four ::bash ls ::wait 40 ::say never", hold=2.0),
        Beat("Esc in a turn", "idle", keys=("Escape",)),
        Beat("exit", "exited", text="/exit"),
    ),
    MANUAL,
    wrapped='"{client}" "$@"; echo "it ended with $?"',
)
DIALOGS = Life(
    "dialogs",
    (
        Beat("start-up dialog", "needs_input", sign=Sign("Quick safety check")),
        Beat("next dialog", "needs_input", keys=("Down", "Enter"), sign=Sign("Detected a custom API key")),
        Beat("next dialog", "needs_input", keys=("Up", "Enter"), sign=Sign("Settings Error")),
        Beat("dialogs answered", "idle", keys=("Down", "Down", "Enter")),
    ),
    MANUAL,
    seed="nothing",
)
LIMITED = Life(
    "limited",
    (
        Beat("start", "idle", hold=1.0),
        Beat("prompt", "working", text="Use it up, please", hold=0.0, sign=Sign(f"{BUSY}|limit")),
        Beat("usage limit", "limited", sign=Sign("hit your .*limit|Usage limit reached"), hold=5.0),
        Beat("goes on by itself", "working", sign=Sign("esc to interrupt"), timeout=300.0, hold=1.0),
        Beat("end of a turn", "idle", sign=Sign(r"● Back at work", BUSY)),
    ),
    MANUAL,
    seed="account",
)


@contextmanager
def model() -> Iterator[Model]:
    running = Scripted()
    with running:
        yield running


class Scripted(ScriptedModel):
    """The scripted model, with an account whose limit is used up for half a minute."""

    def __init__(self) -> None:
        reset = int(time.time()) + 30
        told = {"status": "rejected", "reset": str(reset), "representative-claim": "five_hour", "5h-status": "rejected"}
        told |= {"5h-utilization": "1.0", "5h-reset": str(reset)}
        headers = {f"anthropic-ratelimit-unified-{name}": value for name, value in told.items()}
        refused = Step(say="Back at work.", fail=Fail(429, 1, "This request would exceed your limit", headers))
        on = Step(say="Back at work.", wait=3.0)
        super().__init__(Scenario((Rule("Use it up", (refused,)), Rule("limit has reset", (on,)))))

    @property
    def ended(self) -> list[float]:
        return [served.ended for served in self.requests if served.ended and not served.side]


def environ(life: Life, home: Path, url: str, repo: Path) -> dict[str, str]:
    """Its HOME settled as far as the life wants it, and its whole environment."""
    binary, reason = client.install()
    if binary is None:
        raise SystemExit(reason)
    client.seed_home(home, repo)
    if life.seed == "nothing":
        (home / ".claude.json").write_text('{"hasCompletedOnboarding": true}')
        (home / ".claude").mkdir()
        (home / ".claude/settings.json").write_text('{"hooks": {"Nope": 1}, "model": 7}')
    made = client.environment(binary, home, url, **{k: v for k, v in os.environ.items() if k.startswith("GIT_CONFIG")})
    if life.seed == "account":
        del made["ANTHROPIC_API_KEY"]
        made["CLAUDE_CODE_OAUTH_TOKEN"] = "sk-ant-oat01-dummy"
    return made


CLIENT = Client("claude", SIGNS, HOOKS, (TURNS, TROUBLE, BACKGROUND, WRAPPED, DIALOGS, LIMITED), model, environ)
