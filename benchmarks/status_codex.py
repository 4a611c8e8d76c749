"""A day with Codex: every transition that it makes silently, and the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.status_script import Beat, Client, Life, Model, Sign, turn
from tests.real import client, others
from tests.real.dialects import Dialects

ASKS = ("-a", "on-request", "-s", "workspace-write")
BUSY = r"^[•◦] .*esc to interrupt\)"
BOX = r"^[ ›]*1\. Yes, proceed"
SIGNS = {
    "working": Sign(BUSY, BOX),
    "needs_input": Sign(BOX),
    "idle": Sign(r"\A Ready\b", rf"{BUSY}|{BOX}"),
    "retrying": Sign(r"[Rr]econnecting"),
    "failed": Sign(r"^■ ", BUSY),
}
HOOKS = {
    "working": ("UserPromptSubmit", "PostToolUse"),
    "needs_input": ("PermissionRequest",),
    "idle": ("Stop", "Interrupt"),
}
ESCALATE = '{"cmd": "touch %s.txt", "sandbox_permissions": "require_escalated", "justification": "May I?"}'


def box(name: str, *, hold: float = 2.0) -> tuple[Beat, ...]:
    """A prompt that leads to an approval."""
    text = f"{name} ::wait 1 ::call exec_command {ESCALATE % name} ::wait 3 ::say Made."
    return (Beat("prompt", "working", text=text, hold=0.3), Beat("permission box", "needs_input", hold=hold))


def retried(status: str, word: str) -> tuple[Beat, ...]:
    return (
        Beat("prompt", "working", text=f"{word} ::{status} ::say Over {word}.", hold=0.0),
        Beat("retry loop", "retrying", hold=0.0),
        Beat("end of a turn", "idle", sign=Sign(rf"• Over {word}\.", BUSY)),
    )


TURNS = Life(
    "turns",
    (
        Beat("start", "idle", hold=2.0),
        *turn("One ::wait 3 ::say Good morning."),
        *box("two"),
        Beat("box allowed", "working", keys=("y",), hold=1.0),
        Beat("end of a turn", "idle"),
        *box("three"),
        Beat("box denied", "idle", keys=("3",)),
        *box("four", hold=7.0),
        Beat("Esc on a box", "idle", keys=("Escape",)),
        Beat("prompt", "working", text="Five ::wait 40 ::say never", hold=2.0),
        Beat("Esc in a turn", "idle", keys=("Escape",), hold=3.0),
        Beat("prompt", "working", text="Six ::wait 5 ::say First.", hold=1.0),
        Beat("queued prompt", "working", text="Seven ::wait 3 ::say Second.", hold=0.5),
        Beat("end of a turn", "idle", sign=Sign(r"• Second\.", BUSY)),
        Beat("/clear", "idle", text="/clear", hold=3.0),
        *turn("Eight ::wait 2 ::say After it."),
        Beat("exit", "exited", text="/exit"),
    ),
    ASKS,
)
TROUBLE = Life(
    "trouble",
    (
        Beat("start", "idle", hold=2.0),
        *retried("fail 503 x7 Overloaded", "first"),
        Beat("prompt", "working", text="third ::cut x4 ::say Over third, all of it.", hold=0.0),
        # It goes on streaming words that it had shown already, at times without a sign that the stream broke.
        Beat("dropped stream", "", sign=Sign(r"• Over|[Rr]econnecting"), hold=0.0),
        Beat("end of a turn", "idle", sign=Sign(r"• Over third, all of it\.", BUSY)),
        Beat("prompt", "working", text="Fail ::wait 2 ::fail 400 x9 Nothing works", hold=0.0),
        Beat("failed turn", "failed", hold=3.0),
        *turn("On ::wait 3 ::say We go on."),
        Beat("prompt", "working", text="Denied ::wait 2 ::fail 401 x9 invalid key", hold=0.0),
        Beat("retry loop", "retrying"),
        Beat("failed turn", "failed", hold=3.0),
        Beat("prompt", "working", text="Spent ::wait 2 ::fail 429 x9 Too many requests", hold=0.0),
        Beat("failed turn", "failed", hold=3.0),
        Beat("prompt", "working", text="Three ::wait 14 ::say Good evening.", hold=2.0),
        Beat("SIGSTOP", "hung", signal="STOP", sign=Sign("."), hold=6.0),
        Beat("SIGCONT", "working", signal="CONT", hold=1.0),
        Beat("end of a turn", "idle"),
        Beat("prompt", "working", text="Long ::wait 40 ::say never", hold=2.0),
        Beat("kill", "exited", signal="KILL"),
    ),
    ASKS,
)
DIALOGS = Life(
    "dialogs",
    (
        Beat("start-up dialog", "needs_input", sign=Sign("Trust this folder")),
        Beat("next dialog", "needs_input", keys=("Enter",), sign=Sign("Hooks need review")),
        Beat("next dialog", "needs_input", keys=("Escape",), sign=Sign("Try new model")),
        Beat("dialogs answered", "idle", keys=("Down", "Enter")),
    ),
    ASKS,
    seed="nothing",
)
WRAPPED = Life(
    "wrapped",
    (
        Beat("start", "idle", hold=2.0),
        *turn("One ::wait 3 ::say Good morning."),
        *box("two"),
        Beat("Esc on a box", "idle", keys=("Escape",)),
        Beat("exit", "exited", text="/exit"),
    ),
    ASKS,
    wrapped='"{client}" "$@"; echo "it ended with $?"',
)


@contextmanager
def model() -> Iterator[Model]:
    running = Scripted()
    with running:
        yield running


class Scripted(Dialects):
    """The scripted model of the other dialects, with the times of its answers."""

    @property
    def ended(self) -> list[float]:
        return [at for at, what, prompt in self.log if prompt and what != "asked"]


def environ(life: Life, home: Path, url: str, repo: Path) -> dict[str, str]:
    """Its HOME settled as far as the life wants it, and its whole environment."""
    binary, reason = client.install("codex")
    if binary is None:
        raise SystemExit(reason)
    settings = others.seed("codex", home, url, repo)
    if life.seed == "nothing":
        text = settings.read_text()
        hook = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]}}
        (settings.parent / "hooks.json").write_text(json.dumps(hook))
        settings.write_text(text.replace("[projects", "[elsewhere").replace("[notice", "[no_notice"))
    return others.environment("codex", binary, home, url)


CLIENT = Client("codex", SIGNS, HOOKS, (TURNS, TROUBLE, DIALOGS, WRAPPED), model, environ)
