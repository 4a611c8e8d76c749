"""A client made to do everything that no hook tells of, and what is known to be true of it all the while.

The truth comes from three witnesses: what the model server was asked and answered, which keys were pressed when,
and which signals were sent. Nothing of it comes from the deck's own sources.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Sequence

import psutil

from tests.real.deck import Deck
from tests.real.dialects import Dialects
from tests.real.timeline import Figures, Mark, compare
from tests.waiting import wait_for

SERVED = {"asked": "working", "called": "needs_input", "answered": "idle"}
START_SECONDS = 90


class Story:
    """One agent called `name`, from its start to its end; `fresh` is the client's word for a new conversation."""

    def __init__(self, deck: Deck, model: Dialects, harness: str, args: tuple[str, ...], fresh: str) -> None:
        self.deck, self.model, self.name, self.fresh = deck, model, "ann", fresh
        self.marks: list[Mark] = []
        self.sent: set[str] = set()  # deliveries of prompts
        self.row = deck.new(self.name, harness=harness, args=args)
        self.until("idle", START_SECONDS)
        self.mark("idle", "start-up")

    def mark(self, state: str, event: str) -> None:
        self.marks.append(Mark(time.time(), state, event))

    def until(self, state: str, seconds: float = 40) -> None:
        self.deck.until(self.name, state, seconds)

    def say(self, prompt: str, *words: str) -> None:
        """Hand over a prompt; returns when it was taken, or is known to wait."""
        receipt = json.loads(self.deck.start("send", self.name, prompt, "--json", *words).stdout)
        self.sent.add(receipt["id"])

    def served(self, what: str, prompt: str, seconds: float = 40) -> None:
        """Wait until the model server has done this with a prompt."""
        wait_for(lambda: self._did(what, prompt), seconds, f"{what} {prompt}")

    def _did(self, what: str, prompt: str) -> bool:
        return any((did, of) == (what, prompt) for _, did, of in self.model.log)

    def keys(self, *keys: str) -> None:
        """Press keys as a human at the pane does."""
        self.deck.keys(self.row["pane_id"], *keys)

    # -- chapters ------------------------------------------------------------------------------------------

    def a_turn(self) -> None:
        self.say("One ::wait 3 ::say Good morning.")
        self.until("idle")

    def allowed(self) -> None:
        self.say("Two ::wait 2 ::bash touch one.txt ::wait 2 ::say It is made.")
        self.until("needs_input")
        time.sleep(3)
        self.deck.run("answer", self.name, "allow")
        self.until("idle")

    def denied(self) -> None:
        self.say("Three ::wait 2 ::bash touch two.txt ::say Never said.")
        self.until("needs_input")
        time.sleep(3)
        self.deck.run("answer", self.name, "deny")
        self.until("idle")

    def escaped_at_the_box(self) -> None:
        self.say("Four ::bash touch three.txt ::say Never said.")
        self.until("needs_input")
        time.sleep(2)
        self.mark("idle", "Esc on a permission box")
        self.keys("Escape")
        self.until("idle")

    def interrupted(self) -> None:
        self.say("Five ::wait 30 ::say Never said.")
        self.until("working")
        time.sleep(3)
        self.deck.run("interrupt", self.name)
        self.until("idle")
        time.sleep(3)

    def tried_again(self) -> None:
        prompt = "Six ::fail 503 x2 overloaded ::wait 2 ::say At last."
        self.say(prompt)
        self.served("answered", prompt, 90)
        self.until("idle")

    def broken(self) -> None:
        prompt = "Seven ::cut x1 ::say The line held the second time, as lines do."
        self.say(prompt)
        self.served("cut", prompt)
        time.sleep(6)
        self.deck.run("wait", self.name, "--status", "idle,failed", "--timeout", "40")

    def failed(self) -> None:
        prompt = "Eight ::wait 2 ::fail 400 x9 this cannot be"
        self.say(prompt)
        self.until("failed")
        time.sleep(3)

    def queued(self) -> None:
        first, second = "Nine ::wait 4 ::say First.", "Ten ::wait 2 ::say Second."
        self.say(first)
        self.until("working")
        self.say(second, "--queue")
        self.served("answered", second)
        self.until("idle")

    def afresh(self) -> None:
        self.deck.start("send", self.name, self.fresh)
        self.mark("idle", "a new conversation")
        time.sleep(3)

    def stopped(self) -> None:
        """Stopped by a signal, with every sign of work on its screen; tmux itself continues a pane's first process."""
        if len(self._tree()) < 2:
            return
        prompt = "Eleven ::wait 12 ::say Back again."
        self.say(prompt)
        self.until("working")
        time.sleep(2)
        self.mark("hung", "SIGSTOP")
        self._signal(signal.SIGSTOP, self._tree()[1:])
        self.until("hung")
        time.sleep(2)
        self._signal(signal.SIGCONT, self._tree()[1:])
        self.mark("" if self._did("answered", prompt) else "working", "SIGCONT")
        self.served("answered", prompt)
        self.until("idle")

    def killed(self) -> None:
        self.mark("exited", "SIGKILL")
        self._signal(signal.SIGKILL, self._tree())
        self.until("exited")
        time.sleep(1)

    def left(self) -> None:
        """Resumed, then left by its own word."""
        self.mark("", "resume")
        self.deck.run("resume", self.name)
        self.row = self.deck.row(self.name)
        self.until("idle", START_SECONDS)
        self.mark("idle", "resumed")
        time.sleep(2)
        self.mark("", "stop")
        self.deck.run("stop", self.name)
        self.mark("exited", "stopped")

    def _tree(self) -> list[psutil.Process]:
        top = psutil.Process(self.deck.row(self.name)["pid"])
        return [top, *top.children(recursive=True)]

    @staticmethod
    def _signal(number: signal.Signals, processes: Sequence[psutil.Process]) -> None:
        for process in reversed(processes):
            os.kill(process.pid, number)

    CHAPTERS: tuple[Callable[[Story], None], ...] = (
        a_turn, allowed, denied, escaped_at_the_box, interrupted, tried_again, broken, failed, queued, afresh, stopped,
        killed, left,
    )  # fmt: skip

    # -- the truth -----------------------------------------------------------------------------------------

    def truth(self) -> list[Mark]:
        """All marks: ours, the server's, and the keys that the deck pressed for us."""
        return sorted([*self.marks, *self._served(), *self._pressed()])

    def _served(self) -> list[Mark]:
        """A request that failed is tried again, or it was the end of the turn: what came next tells."""
        log = [one for one in self.model.log if one[2]]
        found = []
        for place, (at, what, prompt) in enumerate(log):
            again = any((did, of) == ("asked", prompt) for _, did, of in log[place + 1 :])
            state = SERVED.get(what) or ("retrying" if again else "failed")
            found.append(Mark(at, state, f"{what}: {prompt.split()[0]}"))
        return found

    def _pressed(self) -> list[Mark]:
        means = {"allow": "working", "deny": "idle", "interrupt": "idle"}
        told = self.deck.told(self.name, "answer") + self.deck.told(self.name, "agent")
        pressed = [(event.ts, str(event.data.get("answer") or event.data.get("action"))) for event in told]
        entered = [
            Mark(event.ts, "working", "Enter")
            for event in self.deck.told(self.name, "delivery")
            if event.data["state"] == "submitted" and event.data["id"] in self.sent
        ]
        return [Mark(at, means[key], key) for at, key in pressed if key in means] + entered

    def statuses(self) -> list[tuple[float, str]]:
        return [(event.ts, str(event.data["state"])) for event in self.deck.told(self.name, "status")]

    def figures(self) -> Figures:
        return compare(self.truth(), self.statuses(), time.time())
