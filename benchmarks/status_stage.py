"""Plays one life of a real client in a real deck, as a human at its pane would, and notes what was true when."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.status_script import Beat, Client, Life, Model, Sign
from benchmarks.status_truth import Figures, Mark, compare
from tests.real.deck import Deck
from tests.waiting import wait_for

LOOK_SECONDS = 0.05
EXITED = "[the process has ended]"


class Watcher(threading.Thread):
    """A pair of eyes of our own: looks at a pane all the time, past the deck, and keeps every new picture."""

    def __init__(self, socket: str, pane: str) -> None:
        super().__init__(daemon=True)
        self._argv = ["tmux", "-u", "-S", socket, "display-message", "-p", "-t", pane, "#{?pane_dead,dead,} #T", ";",
                      "capture-pane", "-p", "-t", pane]  # fmt: skip
        self.seen: list[tuple[float, str]] = []
        self.looked = 0.0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            at = time.time()
            done = subprocess.run(self._argv, capture_output=True, encoding="utf-8", check=False)
            picture = EXITED if done.returncode or done.stdout.startswith("dead ") else done.stdout
            if not self.seen or self.seen[-1][1] != picture:
                self.seen.append((at, picture))
            self.looked = at

    def stop(self) -> None:
        self._over.set()
        self.join()

    def first(self, sign: Sign, since: float) -> float | None:
        """When a sign was there for the first time at or after `since`; None when it was not yet."""
        seen = list(self.seen)
        later = [(at, picture) for at, picture in seen if at >= since]
        if not later and seen and self.looked >= since:  # nothing has moved: the picture of before stands
            later = [(self.looked, seen[-1][1])]
        return next((at for at, picture in later if shows(sign, picture)), None)


def shows(sign: Sign, picture: str) -> bool:
    found = re.search(sign.shows, picture, re.MULTILINE) is not None
    return found and not (sign.hides and re.search(sign.hides, picture, re.MULTILINE))


@dataclass
class Stage:
    """One life. `told` is what the deck said of it, once it is over."""

    deck: Deck
    client: Client
    life: Life
    model: Model
    socket: str = ""
    pane: str = ""
    marks: list[Mark] = field(default_factory=list)
    watcher: Watcher | None = None
    patience: float = 1.0
    log: Path | None = None  # a directory for what was true, said and seen, to look at afterwards

    def play(self) -> Figures:
        """Start the client, play all its beats, and compare. AssertionError when the client does not do its part."""
        self.socket = self.deck.json("paths")["socket"]
        row = self.deck.new(self.life.name, harness=self.client.name, args=self.life.args)
        self.pane, began = row["pane_id"], time.time()
        self.watcher = Watcher(self.socket, self.pane)
        self.watcher.start()
        try:
            for beat in self.life.beats:
                self._beat(beat, began)
                began = 0.0
        finally:
            self.watcher.stop()
            if self.log is not None:
                self._write(self.log)
        return self.figures()

    def figures(self) -> Figures:
        told = [(event.ts, str(event.data["state"])) for event in self.deck.told(self.life.name, "status")]
        marks = [self._hooked(mark) for mark in self.marks]
        return compare(marks, told, time.time(), self.patience)

    def _write(self, where: Path) -> None:
        assert self.watcher is not None
        lines = [(mark.at, f"TRUE   {mark.state}: {mark.event} (seen {mark.seen:.3f})") for mark in self.marks]
        for kind in ("status", "hook"):
            lines += [(event.ts, f"{kind:6} {event.data}") for event in self.deck.told(self.life.name, kind)]
        pictures = [(at, f"SEEN\n{picture}") for at, picture in self.watcher.seen]
        for end, rows in (("", lines), ("-seen", lines + pictures)):
            told = "\n".join(f"{at:.3f} {text}" for at, text in sorted(rows))
            (where / f"{self.client.name}-{self.life.name}{end}.txt").write_text(told + "\n")

    def _beat(self, beat: Beat, began: float) -> None:
        at = began or self._do(beat)
        since = at or self.marks[-1].seen
        sign = self._sign(beat)
        seen = self._until(beat, sign, since)
        if not at:
            at = max((end for end in self.model.ended if since < end <= seen), default=seen)
        self.marks.append(Mark(at, beat.state, beat.event, seen))
        time.sleep(beat.hold)

    def _sign(self, beat: Beat) -> Sign:
        return beat.sign or self.client.signs.get(beat.state) or Sign(re.escape(EXITED))

    def _until(self, beat: Beat, sign: Sign, since: float) -> float:
        watcher = self.watcher
        assert watcher is not None
        try:
            return wait_for(lambda: watcher.first(sign, since), beat.timeout, f"{beat.event}: {sign}", 0.05) or since
        except AssertionError as error:
            picture = watcher.seen[-1][1] if watcher.seen else ""
            raise AssertionError(f"{self.client.name} {self.life.name}: {error}\n{picture}") from None

    # -- what a human does

    def _do(self, beat: Beat) -> float:
        """Returns when it was done, 0 with nothing to do."""
        if beat.text:
            self._tmux("send-keys", "-t", self.pane, "-l", "--", beat.text)
            head = re.escape(beat.text[:12])
            self._until(beat, Sign(head), time.time() - 0.2)
            time.sleep(0.2)
        at = time.time()
        if beat.text or beat.keys:
            self._tmux("send-keys", "-t", self.pane, *(("Enter",) if beat.text else ()), *beat.keys)
        if beat.signal:
            self._signal(signal.Signals[f"SIG{beat.signal}"])
        return at if beat.text or beat.keys or beat.signal else 0.0

    def _signal(self, number: signal.Signals) -> None:
        """To all processes of the client but a pane's first, which tmux itself continues when it is stopped."""
        top = int(self._tmux("display-message", "-p", "-t", self.pane, "#{pane_pid}"))
        below = tree(top)[1:]
        for pid in below if below and number in (signal.SIGSTOP, signal.SIGCONT) else [top, *below]:
            os.kill(pid, number)

    def _tmux(self, *words: str) -> str:
        return subprocess.run(
            ["tmux", "-S", self.socket, *words], capture_output=True, encoding="utf-8", check=True
        ).stdout

    def _hooked(self, mark: Mark) -> Mark:
        """The mark, seen when a hook told it, where that was before the screen did."""
        names = self.client.hooks.get(mark.state, ())
        told = (hook.ts for hook in self.deck.told(self.life.name, "hook") if hook.data["name"] in names)
        return replace(mark, seen=next((at for at in told if mark.at <= at < mark.seen), mark.seen))


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return found
