"""What the scripted model handed out, request by request: the other side of every usage count."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from agentdeck.demo.reply import Counts
from agentdeck.demo.request import Asked
from agentdeck.demo.script import Step


@dataclass(frozen=True, slots=True)
class Served:
    """One request to /v1/messages and what it was given.

    `at` is in seconds since 1970, and `ended` too: when all of it had gone out, or it was refused. `side` marks a
    client's own helper request. `step` is the number of the response within its prompt, from 0. `usage` is what was
    really sent: nothing for a refusal (`status` not 200), and for a stream that broke, or whose client hung up, the
    counts of its first event (all input, one token of output); `finished` is False for all of these.
    """

    at: float
    path: str
    client: str
    session: str
    model: str
    side: bool
    stream: bool
    status: int
    prompt: str
    step: int
    message: str
    calls: tuple[str, ...]
    usage: Counts = Counts()
    finished: bool = False
    ended: float = 0.0


class Tally:
    """The list of what was served, and the count of scripted refusals; shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._served: list[Served] = []
        self._refused: Counter[tuple[str, int, str, int]] = Counter()

    def add(self, served: Served) -> int:
        """Enter one request; the number returned is for sent()."""
        with self._lock:
            self._served.append(served)
            return len(self._served) - 1

    def sent(self, number: int, usage: Counts, *, finished: bool) -> None:
        """Enter what went out to request `number` so far."""
        with self._lock:
            ended = time.time() if finished else 0.0
            self._served[number] = replace(self._served[number], usage=usage, finished=finished, ended=ended)

    def refused(self, number: int) -> None:
        """Enter that request `number` was refused now."""
        with self._lock:
            self._served[number] = replace(self._served[number], ended=time.time())

    def requests(self) -> list[Served]:
        with self._lock:
            return list(self._served)

    def refusal(self, step: Step, asked: Asked) -> Literal["fail", "cut", ""]:
        """Whether this try at `step` fails, breaks, or is answered. A client's retries repeat the same request."""
        fails = step.fail.times if step.fail else 0
        if not fails and not step.cut:
            return ""
        key = (asked.session, asked.turns, asked.prompt, asked.taken)
        with self._lock:
            self._refused[key] += 1
            tries = self._refused[key]
        if tries <= fails:
            return "fail"
        return "cut" if tries <= fails + step.cut else ""
