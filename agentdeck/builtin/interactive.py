"""The agent on a terminal: what it says scrolls by, and below it stands what it does and what you type."""

from __future__ import annotations

import asyncio
import math
import signal
import time
from pathlib import Path
from typing import Any, Literal

from agentdeck.builtin.composer import Composer
from agentdeck.builtin.keys import Key
from agentdeck.builtin.layout import clean, width
from agentdeck.builtin.loop import Agent
from agentdeck.builtin.speech import Speech
from agentdeck.builtin.terminal import Row, Terminal, row

PROMPT = "› "
PLACEHOLDER = "Ask for a change"
QUESTION = "? Allow this? [y/n]"
TWICE = 2.0  # seconds within which a second Ctrl+C leaves
TYPING = 1.0  # seconds: who was typing when a question came up is still typing, not answering

Mode = Literal["idle", "working", "asking", "retrying"]
GLYPHS = {"idle": "○", "working": "●", "asking": "?", "retrying": "●"}


class Interactive:
    """The front of one agent on a terminal, and its controller: keys become prompts, answers and interrupts."""

    def __init__(self, cwd: Path) -> None:
        self._terminal = Terminal(self._live, self._press, lambda: self._leave("terminal closed"))
        self._speech = Speech(self._terminal.say, lambda: self._terminal.columns)
        # What is said goes to the speech as it is.
        self.heard, self.output = self._speech.heard, self._speech.output
        self._composer = Composer()
        self._agent: Agent | None = None
        self._name = " ".join(clean(cwd.name).split()) or "/"
        self._mode: Mode = "idle"
        self._turn: asyncio.Task[Any] | None = None
        self._prompt = ""  # what the turn works on
        self._began = 0.0
        self._tokens = 0
        self._tool = ""  # the one that runs
        self._retry = (0.0, 0, 0)  # until when, attempt, of how many
        self._answer: asyncio.Future[bool] | None = None
        self._asked_at = 0.0
        self._typed_at = 0.0
        self._stop_asked_at = -TWICE
        self._left = asyncio.Event()
        self._reason = ""
        self._crash: BaseException | None = None

    async def run(self, agent: Agent, banner: list[str], prompt: str = "") -> str:
        """Serve until the human leaves; returns why it ended."""
        self._agent = agent
        self._terminal.open()
        ticking = asyncio.create_task(self._tick())
        try:
            self._handle_signals()
            self._terminal.say(*(row(line, "dim") for line in banner))
            self._set_mode("idle")
            self._terminal.paint()
            if prompt:
                self._submit(prompt)
            await self._left.wait()
            if self._turn is not None:
                self._interrupt()
                await asyncio.wait([self._turn])
        finally:
            ticking.cancel()
            self._terminal.close()
        if self._crash is not None:
            raise self._crash
        return self._reason

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGWINCH, self._terminal.resized)
        loop.add_signal_handler(signal.SIGCONT, self._continued)
        loop.add_signal_handler(signal.SIGINT, lambda: self._press(Key("interrupt")))
        loop.add_signal_handler(signal.SIGTERM, lambda: self._leave("terminated"))
        loop.add_signal_handler(signal.SIGHUP, lambda: self._leave("terminal closed"))

    def _continued(self) -> None:
        self._terminal.raw()
        self._terminal.refresh()

    async def _tick(self) -> None:
        """The clock of the working line; an idle agent draws nothing."""
        while True:
            await asyncio.sleep(1)
            if self._mode in ("working", "retrying"):
                self._terminal.refresh()

    def _leave(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._left.set()

    # What the agent says (loop.Front)

    def text(self, piece: str) -> None:
        self._speech.text(piece)

    def count(self, output_tokens: int) -> None:
        self._tokens = output_tokens

    def call(self, name: str, given: dict[str, Any]) -> None:
        self._tool = name
        self._speech.call(name, given)

    def result(self, name: str, content: str, failed: bool) -> None:
        self._tool = ""
        self._speech.result(name, content, failed)

    def retrying(self, seconds: float, attempt: int, attempts: int, error: str) -> None:
        self._speech.note(f"↻ {error}", "yellow", indent="  ")
        self._retry = (time.monotonic() + seconds, attempt, attempts)
        self._set_mode("retrying")

    def working(self) -> None:
        self._set_mode("working")

    def note(self, text: str, failed: bool = False) -> None:
        self._speech.note(text, "red" if failed else "yellow")

    async def ask(self, name: str, given: dict[str, Any], why: str) -> bool:
        self._speech.question(name, given, why)
        self._answer = asyncio.get_running_loop().create_future()
        self._asked_at = time.monotonic()
        self._set_mode("asking")
        try:
            return await self._answer
        finally:
            self._answer = None
            self._set_mode("working")

    # What the human says

    def _press(self, key: Key) -> None:
        if key.name in ("escape", "interrupt") and self._mode != "idle":
            self._interrupt()
        elif key.name == "interrupt":
            self._clear_or_leave()
        elif key.name == "end-of-file" and not self._composer and self._mode == "idle":
            self._leave("end of input")
        elif self._mode == "asking" and not self._still_typing(key):
            self._decide(key)
        elif key.name == "enter":
            self._enter()
        else:
            self._composer.press(key)
            self._typed_at = time.monotonic()

    def _still_typing(self, key: Key) -> bool:
        """A paste, or a key in the middle of a word when the question came up, belongs to the draft."""
        if key.name == "paste":
            return True
        in_flow = bool(self._composer) and self._asked_at - self._typed_at < TYPING
        return in_flow and key.name != "enter" and time.monotonic() - self._asked_at < TYPING

    def _decide(self, key: Key) -> None:
        """`y` and `n` answer, nothing else does; Enter least of all."""
        letter = key.text[:1].lower() if key.name == "text" else ""
        if letter in ("y", "n") and self._answer is not None and not self._answer.done():
            self._terminal.say(row("    allowed" if letter == "y" else "    denied", "dim"))
            self._answer.set_result(letter == "y")

    def _enter(self) -> None:
        if not self._composer.text.strip():
            return
        text = self._composer.take()
        if text.rstrip() == "/exit":  # with a blank before it, it is words
            self._leave("exit")
        elif self._turn is None:
            self._submit(text)
        elif self._agent is not None:
            self._agent.queue(text)

    def _submit(self, text: str) -> None:
        assert self._agent is not None
        self._prompt, self._began, self._tokens = text, time.monotonic(), 0
        self._set_mode("working")
        self._turn = asyncio.create_task(self._agent.turn(text))
        self._turn.add_done_callback(self._turn_ended)

    def _turn_ended(self, turn: asyncio.Task[Any]) -> None:
        assert self._agent is not None
        self._speech.end()
        self._turn, self._tool = None, ""
        self._set_mode("idle")
        # What nobody worked on, because the turn was stopped first, goes back to where it was typed.
        unheard, self._agent.queued = self._agent.queued, []
        if turn.cancelled():
            unheard.insert(0, self._prompt)
        elif turn.exception() is not None:
            self._crash = turn.exception()
            self._leave("crashed")
        if unheard:
            draft = self._composer.take()
            self._composer.put("\n".join([*unheard, draft] if draft else unheard))

    def _interrupt(self) -> None:
        if self._turn is not None and not self._turn.cancelling():
            self._turn.cancel()

    def _clear_or_leave(self) -> None:
        now = time.monotonic()
        if self._composer:
            self._composer.take()
        elif now - self._stop_asked_at < TWICE:
            self._leave("exit")
        else:
            self._stop_asked_at = now
            asyncio.get_running_loop().call_later(TWICE, self._terminal.refresh)

    # What is painted

    def _set_mode(self, mode: Mode) -> None:
        self._mode = mode
        self._terminal.title(f"{GLYPHS[mode]} {self._name}")
        self._terminal.refresh()

    def _live(self, columns: int) -> tuple[list[Row], int]:
        rows = [*self._speech.live(columns), row("")]
        if self._mode == "asking":
            return [*rows, row(QUESTION, "yellow")], width(QUESTION) + 1
        if self._agent is not None:
            rows += [row(f"  queued: {' '.join(clean(text).split())}", "dim") for text in self._agent.queued[-3:]]
        if self._mode != "idle":
            rows.append(self._status())
        draft, column = self._composer.shown(columns - width(PROMPT))
        typed = (draft, "") if self._composer else (self._placeholder(), "dim")
        return [*rows, ((PROMPT, "bold"), typed)], width(PROMPT) + column

    def _placeholder(self) -> str:
        if time.monotonic() - self._stop_asked_at < TWICE:
            return "Ctrl+C again to leave"
        return PLACEHOLDER if self._mode == "idle" else "What you type now is heard with the next request"

    def _status(self) -> Row:
        if self._mode == "retrying":
            until, attempt, attempts = self._retry
            left = max(0, math.ceil(until - time.monotonic()))
            return (f"↻ retrying in {left}s · attempt {attempt}/{attempts}", "yellow"), (" · Esc to interrupt", "dim")
        seconds = int(time.monotonic() - self._began)
        doing = f" · {self._tool}" if self._tool else f" · ↓ {self._tokens} tokens" if self._tokens else ""
        return (f"● working {seconds}s{doing}", "cyan"), (" (Esc to interrupt)", "dim")
