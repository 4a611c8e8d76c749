"""A day with Gemini CLI: every transition that it makes silently, and the others.

Nothing that it shows tells a request that failed and is tried again from one that takes its time: that is work here.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.status_others import model, settled
from benchmarks.status_script import Beat, Client, Life, Sign, turn

ARGS = ("--model", "gemini-2.5-pro")
READY = r"^ ◇ "
FAILED = r"^[ℹ✕] +(This request failed|\[?API Error)"
SIGNS = {
    "working": Sign(r"^ ✦ "),
    "needs_input": Sign(r"● 1\. (Allow|Yes)"),
    "idle": Sign(rf"{READY}(.|\n)*^ >   Type your message", r"[●○] 1\. "),
    "failed": Sign(rf"{READY}(.|\n)*{FAILED}"),
}


def box(name: str, *, hold: float = 2.0) -> tuple[Beat, ...]:
    """A prompt that leads to a permission box."""
    text = f"{name} ::wait 1 ::bash touch {name}.txt ::wait 3 ::say Made."
    return (Beat("prompt", "working", text=text, hold=0.3), Beat("permission box", "needs_input", hold=hold))


def failing(word: str, fails: str) -> tuple[Beat, ...]:
    """A turn that ends in an error, shown below the prompt of that turn."""
    sign = Sign(rf"{READY}(.|\n)* > {word} (.|\n)*{FAILED}")
    return (
        Beat("prompt", "working", text=f"{word} ::wait 2 ::{fails}", hold=0.0),
        Beat("failed turn", "failed", sign=sign, hold=3.0),
    )


TURNS = Life(
    "turns",
    (
        Beat("start", "idle", hold=2.5),
        *turn("One ::wait 3 ::say Good morning."),
        *box("two"),
        Beat("box allowed", "working", keys=("1",), hold=1.0),
        Beat("end of a turn", "idle"),
        *box("three"),
        Beat("box denied", "idle", keys=("3",), sign=Sign(READY, r"[●○] \d\. ")),
        *box("four", hold=7.0),
        Beat("Esc on a box", "idle", keys=("Escape",)),
        Beat("prompt", "working", text="Five ::wait 40 ::say never", hold=2.0),
        Beat("Esc in a turn", "idle", keys=("Escape",), hold=3.0),
        Beat("prompt", "working", text="Six ::wait 5 ::say First.", hold=1.0),
        Beat("queued prompt", "working", text="Seven ::wait 3 ::say Second.", hold=0.5),
        Beat("end of a turn", "idle", sign=Sign(rf"{READY}(.|\n)*✦ Second\.")),
        Beat("/clear", "idle", text="/clear", sign=Sign(SIGNS["idle"].shows, r"Second\.")),
        *turn("Eight ::wait 2 ::say After it."),
        Beat("exit", "exited", text="/quit"),
    ),
    ARGS,
)
TROUBLE = Life(
    "trouble",
    (
        Beat("start", "idle", hold=2.5),
        Beat("prompt", "working", text="Late ::wait 1 ::fail 503 Overloaded ::wait 2 ::say Over it.", hold=0.0),
        Beat("end of a turn", "idle", sign=Sign(rf"{READY}(.|\n)*✦ Over it\.")),
        *failing("Fail", "fail 400 x9 Nothing works"),
        *turn("On ::wait 3 ::say We go on."),
        *failing("Denied", "fail 401 x9 invalid key"),
        *failing("Broken", "cut x9 ::say one two three four five six"),
        Beat("prompt", "working", text="Three ::wait 14 ::say Good evening.", hold=2.0),
        Beat("SIGSTOP", "hung", signal="STOP", sign=Sign("."), hold=6.0),
        Beat("SIGCONT", "working", signal="CONT", hold=1.0),
        Beat("end of a turn", "idle"),
        Beat("prompt", "working", text="Long ::wait 40 ::say never", hold=2.0),
        Beat("kill", "exited", signal="KILL"),
    ),
    ARGS,
)
DIALOGS = Life(
    "dialogs",
    (
        Beat("start-up dialog", "needs_input", sign=Sign("Do you trust"), hold=4.0),
        Beat("next dialog", "needs_input", keys=("Enter",), sign=Sign("How would you like to authenticate"), hold=4.0),
        Beat("kill", "exited", signal="KILL"),
    ),
    ARGS,
    seed="nothing",
)
WRAPPED = Life(
    "wrapped",
    (
        Beat("start", "idle", hold=2.5),
        *turn("One ::wait 3 ::say Good morning."),
        *box("two"),
        Beat("Esc on a box", "idle", keys=("Escape",)),
        Beat("exit", "exited", text="/quit"),
    ),
    ARGS,
    wrapped='"{client}" "$@"; echo "it ended with $?"',
)


def environ(life: Life, home: Path, url: str, repo: Path) -> dict[str, str]:
    """Its HOME settled as far as the life wants it, and its whole environment."""
    found = settled("gemini", home, url, repo)
    if life.seed == "nothing":
        (home / ".gemini/settings.json").write_text(json.dumps({"security": {"folderTrust": {"enabled": True}}}))
        del found["GEMINI_API_KEY"]
    return found


CLIENT = Client("gemini", SIGNS, {}, (TURNS, TROUBLE, DIALOGS, WRAPPED), model, environ)
