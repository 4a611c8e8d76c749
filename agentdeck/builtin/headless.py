"""The agent without a screen: the last answer goes to stdout, everything else is talk on stderr."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from agentdeck.builtin.layout import clean
from agentdeck.builtin.loop import Agent

EXIT = {"done": 0, "failed": 1, "interrupted": 130}


class Headless:
    def heard(self, prompt: str) -> None: ...

    def text(self, piece: str) -> None: ...

    def count(self, output_tokens: int) -> None: ...

    def working(self) -> None: ...

    def output(self, piece: str) -> None:
        self._talk(clean(piece))

    def call(self, name: str, given: dict[str, Any]) -> None:
        about = clean(str(given.get("command", given.get("filePath", ""))))
        self.note(f"▸ {name} {about}")

    def result(self, name: str, content: str, failed: bool) -> None:
        if failed:
            self.note(f"  ⎿ {clean(content[-500:])}")

    def retrying(self, seconds: float, attempt: int, attempts: int, error: str) -> None:
        self.note(f"↻ retrying in {seconds:.0f}s · attempt {attempt}/{attempts} · {error}")

    def note(self, text: str, failed: bool = False) -> None:
        self._talk(text + "\n")

    def _talk(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    async def ask(self, name: str, given: dict[str, Any], why: str) -> bool:
        self.note(f"Denied {name}: {why}, and nobody is here to allow it. Use --yes to allow everything.")
        return False

    async def run(self, agent: Agent, prompt: str) -> int:
        """One turn. Exit code: 0 done, 1 the model could not be reached, 130 interrupted."""
        turn = asyncio.create_task(agent.turn(prompt))
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(sign, lambda: turn.cancelling() or turn.cancel())
        return EXIT[await turn]
