"""One agent's day with a real client, through our own command line, and what the model server says of it."""

from __future__ import annotations

import os
import signal
import subprocess
from glob import glob

import psutil

from tests.real.deck import Deck
from tests.real.dialects import Dialects, Handed
from tests.waiting import wait_for

START_SECONDS = 120
ARGS = {"gemini": ("--model", "gemini-2.5-pro"), "opencode": (), "codex": ("-a", "on-request", "-s", "workspace-write")}
# The words for a compaction and for a new conversation.
WORDS = {"gemini": ("/compress", "/clear"), "opencode": ("/compact", "/new"), "codex": ("/compact", "/new")}
TITLE = "Generate a concise"  # so Codex begins when it asks for a title, again and again: written down nowhere


class Day:
    """One agent's day, and what the model server says of it."""

    def __init__(self, deck: Deck, model: Dialects, name: str, *args: str) -> None:
        self.deck, self.model, self.name = deck, model, name
        deck.new("ann", harness=name, args=args or ARGS[name])
        deck.until("ann", "idle", START_SECONDS)

    def say(self, prompt: str, *then: str) -> None:
        """Hand over a prompt, and wait until its last response has gone out and the agent rests."""
        self.deck.start("send", "ann", prompt)
        for word in then:
            self.deck.until("ann", "needs_input")
            self.deck.run("answer", "ann", word)
        self.did("answered", prompt)
        self.deck.until("ann", "idle", 60)

    def did(self, what: str, prompt: str) -> None:
        """Wait for it. Prompts are known by their first word: a client merges one with another that got no answer."""
        word = prompt.split()[0]

        def look() -> bool:
            return any(did == what and word in of.split() for _, did, of in self.model.log)

        try:
            wait_for(look, 60, f"{what} {word}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.deck.run('screen', 'ann')}{self.deck.run('show', 'ann')}") from None

    def command(self, word: str, done: str = "") -> None:
        """Have the client take a command of its own, and the first of what it asks then until it shows `done`."""
        self.deck.start("send", "ann", "--command", word)
        if done:
            self.deck.shows("ann", "enter select")
            self.deck.keys(self.deck.row("ann")["pane_id"], "Enter")
            self.deck.shows("ann", done)

    def compact(self) -> None:
        """The client's own request for a summary, which no human asked."""
        before = len(self.summaries())
        self.command(WORDS[self.name][0])
        wait_for(lambda: len(self.summaries()) > before, 30, "a request for a summary")
        self.deck.until("ann", "idle", 60)

    def fork(self, prompt: str) -> None:
        """Go on with a copy of the agent's conversation by hand, in its tree, while it does not live."""
        row, home = self.deck.row("ann"), self.deck.environ["HOME"]
        session = row["session_id"]
        if self.name == "opencode":
            argv = ["opencode", "run", "--session", session, "--fork", "--auto", *prompt.split()]
        else:
            chat = glob(f"{home}/.gemini/tmp/*/chats/session-*-{session[:8]}.jsonl")[0]
            argv = ["gemini", "--skip-trust", *ARGS["gemini"], "--yolo", "--session-file", chat, "--prompt", prompt]
        environ = {**self.deck.environ, "PWD": row["worktree"]}
        done = subprocess.run(
            ["env", *argv], cwd=row["worktree"], env=environ, capture_output=True, text=True, timeout=120,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        self.did("answered", prompt)

    def kill(self) -> None:
        top = psutil.Process(self.deck.row("ann")["pid"])
        for process in [*top.children(recursive=True), top]:
            os.kill(process.pid, signal.SIGKILL)
        self.deck.until("ann", "exited")

    def own(self) -> list[Handed]:
        """What the client asked for by itself."""
        return [one for one in self.model.handed if not one.prompt]

    def summaries(self) -> list[Handed]:
        return [one for one in self.own() if not one.words.startswith(TITLE)]

    def unrecorded(self) -> list[str]:
        """How the requests begin that the client writes down nowhere."""
        return [one.words for one in self.own() if one not in self._told()]

    def _told(self) -> list[Handed]:
        return [one for one in self.model.handed if one.prompt or self._is_told(one.words)]

    def _is_told(self, words: str) -> bool:
        """opencode tells its compaction like an answer, Codex whatever is no title."""
        return "<conversation>" in words or (self.name == "codex" and not words.startswith(TITLE))

    def handed(self, but: str = "") -> dict[str, int]:
        """What it was handed and writes down somewhere, but for the answers to a prompt with the word `but`."""
        theirs = [one for one in self._told() if not but or but not in one.prompt.split()]
        return {
            "input_tokens": sum(one.input for one in theirs),
            "cache_read_tokens": sum(one.read for one in theirs),
            "output_tokens": sum(one.output for one in theirs),
            "reasoning_tokens": sum(one.reasoning for one in theirs),
            "messages": len(theirs),
        }

    def recorded(self) -> dict[str, int]:
        usage = self.deck.row("ann")["usage"]
        return {key: usage[key] for key in self.handed()}
