"""What shows that a client took a text: its own hook, its transcript, its emptied composer. Never a guess."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.services.delivery import wording
from agentdeck.services.reading import history
from agentdeck.services.status.monitor import Monitor
from agentdeck.services.status.probes import SpoolEvent

SLACK_MS = 1_000  # a report may be dated this much before the Enter that it answers: clocks of files are coarse
TAIL = 8 << 20  # bytes of a transcript's end that are looked through


@dataclass
class Waiter:
    """A text whose acknowledgement is awaited; `since` is when it could be taken at the earliest (UTC ms).

    `stood`: it was seen in the composer, so that the next prompt which holds it is it, whatever a human put to it.
    """

    since: int
    text: str
    evidence: str = ""
    stood: bool = False
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, evidence: str) -> None:
        self.evidence = self.evidence or evidence
        self.heard.set()


class Ears:
    """Who waits for which report. One text at a time is under way to any agent; any number may be uncertain."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self._waiters: dict[str, list[Waiter]] = {}

    def wait(self, agent: str, since: int, text: str) -> Waiter:
        waiter = Waiter(since, text)
        self._waiters.setdefault(agent, []).append(waiter)
        return waiter

    def drop(self, agent: str, waiter: Waiter) -> None:
        held = self._waiters.get(agent, [])
        if waiter in held:
            held.remove(waiter)
        if not held:
            self._waiters.pop(agent, None)

    def hear(self, events: Sequence[SpoolEvent]) -> None:
        """Hook events of this tick: one that reports a prompt settles the first waiting text that it is."""
        for event in events:
            agent = self.monitor.agents.get(event.agent)
            if agent is None or event.name not in loader.get(agent.harness).acknowledge:
                continue
            wrap, prompt = loader.get(agent.harness).typing.wrap, str(event.payload.get("prompt", ""))
            for waiter in self._waiters.get(event.agent, []):
                fits = event.at >= waiter.since - SLACK_MS and not waiter.evidence
                if fits and (wording.same(prompt, waiter.text, wrap) or (waiter.stood and _in(waiter.text, prompt))):
                    waiter.tell(f"{event.name} hook")
                    break


def _in(text: str, prompt: str) -> bool:
    return wording.essence(text) in wording.essence(prompt)


async def transcribed(agent: Agent, text: str, since: int) -> str:
    """Where the client's own record has a prompt that is this text, no older than `since` (UTC ms); '' for nowhere."""
    at = await asyncio.to_thread(_find, agent, text, since)
    return f"its transcript has it at {datetime.fromtimestamp(at / 1000):%H:%M:%S}" if at else ""


def _find(agent: Agent, text: str, since: int) -> int:
    wrap = loader.get(agent.harness).typing.wrap
    for path in history.files(agent):
        if _changed(path) < since - SLACK_MS:
            continue
        for turn in history.turns(agent, path, TAIL):
            if turn.kind == "prompt" and turn.at >= since - SLACK_MS and wording.same(turn.text, text, wrap):
                return turn.at
    return 0


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns // 1_000_000
    except OSError:
        return 0
