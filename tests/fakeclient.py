"""A client of ours that does on purpose what real ones do by chance, and records exactly what reached it, and when.

    python fakeclient.py LOG SEED HABIT[,HABIT...]

It has a composer, turns, and by its habits (all times from SEED): `busy` works unasked, `dialog` does so too and opens
a question over it, or (the worst moment) right behind a paste, `deaf` stops reading for a while, `mortal` ends. With
DECK_SPOOL and the habit `tells` it reports prompts and ends of turns as hooks do. LOG gets one JSON object a line:
{at, what, ...}, `at` in UTC ms; `what` is `open` (value: whether a text may be pasted now), `prompt` (text, state), and
the faults `key` and `paste` (into a dialog), `over` (a paste onto letters that somebody typed). `early` is a paste
while it works, `wiped` one that its human took out again.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import termios
import time
import tty
from pathlib import Path

START, END = b"\x1b[200~", b"\x1b[201~"
BADGE = 100  # characters; a longer paste, or one of several lines, is shown as a badge
HARNESS = """
name = "{name}"
title = "Fake client"
own_command = true
ready_seconds = 20
{more}
[start]
argv = []
[hooks]
UserPromptSubmit = {{ states = ["working"] }}
Stop = {{ states = ["idle"] }}
[[patterns]]
state = "needs_input"
reason = "permission"
match = '^\\? Allow'
[[patterns]]
state = "working"
match = '^= working'
[[patterns]]
state = "idle"
match = '^= ready'
[composer]
kind = "line"
prompt = "> "
placeholder = ["dim"]
badge = '\\[pasted (?P<chars>\\d+) chars\\]'
[keys]
interrupt = ["Escape"]
"""


def harness(name: str, *, tells: bool) -> str:
    """Its harness file, for `harnesses/NAME.toml`."""
    return HARNESS.format(name=name, more='acknowledge = ["UserPromptSubmit"]' if tells else "")


class Client:
    pause = 0.02  # seconds between two looks at the clock

    def __init__(self, log: Path, seed: str, habits: set[str]) -> None:
        self.log = log.open("a", buffering=1)
        self.random = random.Random(seed)
        self.habits = habits
        self.pieces: list[tuple[str, bool]] = []  # text, and whether it was pasted
        self.state, self.until = "ready", 0.0
        self.asking = 0.0  # until when a dialog stands
        self.asks_at = 0.0
        self.question = ""  # what stands above its dialog
        self.next = time.monotonic() + self.random.uniform(0.3, 2)
        self.rest = b""
        self.told_open: bool | None = None
        self.painted = ""
        self.turns = 0
        self.dies_at = self.random.randint(2, 6)

    # -- what is written down and shown

    def note(self, what: str, **told: object) -> None:
        self.log.write(json.dumps({"at": time.time_ns() // 1_000_000, "what": what, **told}, ensure_ascii=False) + "\n")

    def paint(self) -> None:
        now_open = self.state == "ready" and not self.asking and all(pasted for _, pasted in self.pieces)
        if now_open != self.told_open:
            self.told_open = now_open
            self.note("open", value=now_open)
        question = [self.question] if self.asking and self.question else []
        rows = [
            "fake client",
            f"{self.turns} turns",
            *question,
            "? Allow this? [y/n]" if self.asking else f"= {self.state}",
        ]
        if not self.asking:
            shown = "".join(text if len(text) <= BADGE and "\n" not in text else f"[pasted {len(text)} chars]"
                            for text, _ in self.pieces)  # fmt: skip
            rows.append(f"> {shown}" if self.pieces else "> \x1b[2mType here\x1b[0m")
        back = "" if self.pieces or self.asking else "\r\x1b[2C"  # to where the human types
        picture = "\x1b[H" + "\r\n".join(f"{row}\x1b[K" for row in rows) + "\x1b[J" + back
        if picture != self.painted:
            self.painted = picture
            os.write(1, picture.encode())

    def tell(self, name: str, **more: object) -> None:
        spool = os.environ.get("DECK_SPOOL")
        if spool and "tells" in self.habits:
            file = Path(spool) / f".tmp.{time.time_ns()}"
            file.write_text(json.dumps({"hook_event_name": name, **more}))
            file.rename(file.with_name(f"e.{time.time_ns()}"))

    # -- what time brings

    def run(self) -> None:
        saved = termios.tcgetattr(0)
        tty.setraw(0)
        signal.signal(signal.SIGWINCH, lambda *_: setattr(self, "painted", ""))
        os.write(1, b"\x1b[?2004h\x1b[2J")
        try:
            while True:
                self.paint()
                ready, _, _ = select.select([0], [], [], self.pause)
                self.pass_time()
                if ready:
                    data = os.read(0, 65536)
                    if not data:
                        return
                    self.take(data)
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)

    def pass_time(self) -> None:
        now = time.monotonic()
        if self.asking and now > self.asking:
            self.asking = 0.0
        if self.asks_at and now > self.asks_at:
            self.asks_at = 0.0
            self.ask(self.random.uniform(0.3, 1.5))
        if self.state == "working" and now > self.until:
            self.state = "ready"
            self.tell("Stop")
            if "mortal" in self.habits and self.turns >= self.dies_at:
                self.note("open", value=False)
                sys.exit(3)
        if now > self.next:
            self.next = now + self.random.uniform(0.5, 3)
            if self.habits & {"busy", "dialog"} and self.state == "ready" and not self.pieces:
                self.state, self.until = "working", now + self.random.uniform(0.2, 1.5)
                self.asks_at = now + 0.1 if "dialog" in self.habits else 0.0
            if "deaf" in self.habits and self.random.random() < 0.7:
                self.deafen()

    def ask(self, seconds: float) -> None:
        self.asking = time.monotonic() + seconds
        self.paint()

    def deafen(self) -> None:
        """Stand still, as a client does that waits for its disk."""
        self.note("open", value=False)
        time.sleep(self.random.uniform(0.3, 1.5))
        self.told_open = None

    # -- what comes in

    def take(self, data: bytes) -> None:
        self.rest += data
        while self.rest:
            if self.rest.startswith(START):
                end = self.rest.find(END)
                if end < 0:
                    return
                self.paste(self.rest[len(START) : end].decode().replace("\r", "\n"))
                self.rest = self.rest[end + len(END) :]
            elif START.startswith(self.rest[: len(START)]) and len(self.rest) < len(START):
                return
            else:
                self.key(self.rest[:1])
                self.rest = self.rest[1:]

    def paste(self, text: str) -> None:
        if self.asking:
            self.note("paste", text=text[:60])
            return
        if any(not pasted for _, pasted in self.pieces):
            self.note("over", text=text[:60])
        if self.state != "ready":
            self.note("early", text=text[:60])
        self.pieces.append((text, True))
        if "dialog" in self.habits and self.random.random() < 0.3:
            self.ask(self.random.uniform(0.1, 1.0))  # the worst moment there is: before the Enter

    def key(self, key: bytes) -> None:
        if self.asking:
            self.note("key", key=key.decode("latin-1"))
        elif key == b"\r":
            self.enter()
        elif key == b"\x15":
            for text in (text for text, pasted in self.pieces if pasted):
                self.note("wiped", text=text)
            self.pieces = []
        elif key == b"\x7f":
            self.pieces = self.pieces[:-1]
        elif key >= b" ":
            self.pieces.append((key.decode("latin-1"), False))

    def enter(self) -> None:
        text = "".join(text for text, _ in self.pieces)
        if not text.strip():
            return
        typed = any(not pasted for _, pasted in self.pieces)
        self.note("prompt", text=text, state=self.state, mixed=typed and any(pasted for _, pasted in self.pieces))
        self.pieces, self.turns = [], self.turns + 1
        self.state, self.until = "working", time.monotonic() + self.random.uniform(0.1, 0.6)
        self.tell("UserPromptSubmit", prompt=text)


if __name__ == "__main__":
    Client(Path(sys.argv[1]), sys.argv[2], set(sys.argv[3].split(","))).run()
