"""A day with opencode: every transition that it makes silently, and the others.

It is one process, the pane's first, which tmux continues when it is stopped: no SIGSTOP here.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.status_others import model, settled
from benchmarks.status_script import Beat, Client, Life, Sign

BUSY = r"esc (again to )?interrupt"
BOX = r"△ Permission required"
FLOOR = r"╹▀▀▀"
SIGNS = {
    "working": Sign(BUSY, rf"{BOX}|retrying"),
    "needs_input": Sign(BOX),
    "idle": Sign(FLOOR, rf"{BUSY}|{BOX}"),
    "retrying": Sign(r"\[retrying"),
}
HOOKS = {
    "working": ("UserPromptSubmit", "PermissionReply", "Busy"),
    "needs_input": ("PermissionRequest",),
    "idle": ("Stop",),
    "failed": ("StopFailure",),
    "retrying": ("Retry",),
}


def box(name: str, *, hold: float = 2.0) -> tuple[Beat, ...]:
    """A prompt that leads to a permission box."""
    text = f"{name} ::wait 1 ::bash touch {name}.txt ::wait 3 ::say Made."
    return (Beat("prompt", "working", text=text, hold=0.3), Beat("permission box", "needs_input", hold=hold))


def ended(words: str) -> Beat:
    """The end of a turn whose answer ends in `words`: before a turn is shown to begin, it looks like rest."""
    return Beat("end of a turn", "idle", sign=Sign(rf"^ +{words}(.|\n)*{FLOOR}", BUSY))


def turn(prompt: str, words: str) -> tuple[Beat, ...]:
    return Beat("prompt", "working", text=f"{prompt} ::say {words}", hold=0.5), ended(words)


def retried(status: str, word: str) -> tuple[Beat, ...]:
    return (
        Beat("prompt", "working", text=f"{word} ::{status} ::slow 3 ::say Over {word} it is now.", hold=0.0),
        Beat("retry loop", "retrying", hold=0.0),
        Beat("retry that succeeds", "working", sign=Sign(rf"^ +Over {word}"), hold=0.0),
        ended(rf"Over {word} it is now\."),
    )


def failing(word: str, status: str) -> tuple[Beat, ...]:
    """A turn that ends in an error, whose words stand in a box below the prompt."""
    return (
        Beat("prompt", "working", text=f"{word} ::wait 2 ::fail {status} x9", hold=0.0),
        Beat("failed turn", "failed", sign=Sign(rf"{word}(.|\n)*┃  scripted(.|\n)*{FLOOR}", BUSY), hold=3.0),
    )


START = Beat("start", "idle", hold=3.0, timeout=120)
TURNS = Life(
    "turns",
    (
        START,
        *turn("One ::wait 3", "Good morning."),
        *box("two"),
        Beat("box allowed", "working", keys=("Enter",), hold=1.0),
        ended("Made."),
        *box("three"),
        Beat("box denied", "idle", keys=("Escape",)),
        Beat("prompt", "working", text="Five ::wait 40 ::say never", hold=2.0),
        Beat("first Esc in a turn", "working", keys=("Escape",), hold=0.3),
        Beat("Esc in a turn", "idle", keys=("Escape",), hold=3.0),
        Beat("prompt", "working", text="Six ::wait 5 ::say First.", hold=1.0),
        Beat("queued prompt", "working", text="Seven ::wait 3 ::say Second.", hold=0.5),
        ended("Second."),
        Beat("/new", "idle", text="/new", sign=Sign(FLOOR, r"Second\.")),
        *turn("Eight ::wait 2", "After it."),
        Beat("exit", "exited", text="/exit"),
    ),
)
TROUBLE = Life(
    "trouble",
    (
        START,
        *turn("Zero ::wait 1", "First of all."),
        *retried("fail 503 x1 Overloaded", "first"),
        *retried("fail 429 x1 Slow", "second"),
        *retried("cut x1", "third"),
        *failing("Wrong", "400"),
        *turn("On ::wait 3", "We go on."),
        *failing("Denied", "401"),
        Beat("prompt", "working", text="Long ::wait 40 ::say never", hold=2.0),
        Beat("kill", "exited", signal="KILL"),
    ),
)
WRAPPED = Life(
    "wrapped",
    (
        START,
        *turn("One ::wait 3", "Good morning."),
        *box("two"),
        Beat("Esc on a box", "idle", keys=("Escape",)),
        Beat("prompt", "working", text="Three ::wait 14 ::say Good evening.", hold=2.0),
        Beat("SIGSTOP", "hung", signal="STOP", sign=Sign("."), hold=6.0),
        Beat("SIGCONT", "working", signal="CONT", hold=1.0),
        ended("Good evening."),
        Beat("exit", "exited", text="/exit"),
    ),
    wrapped='"{client}" "$@"; echo "it ended with $?"',
)


def environ(life: Life, home: Path, url: str, repo: Path) -> dict[str, str]:
    return settled("opencode", home, url, repo)


CLIENT = Client("opencode", SIGNS, HOOKS, (TURNS, TROUBLE, WRAPPED), model, environ)
