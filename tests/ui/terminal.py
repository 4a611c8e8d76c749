"""A real terminal for a program under test: a tmux of its own that is asked what stands on its screen."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from agentdeck.models.cells import cells
from agentdeck.models.screen import Line, Style, clip, parse, plain
from tests.waiting import wait_for

Cell = tuple[str, int, Style]


def cells_of(line: Line, left: int, columns: int) -> list[Cell]:
    """A row of a screen cell by cell: text, columns, style."""
    return [(text, size, style) for run, style in clip(line, left, columns) for text, size in cells(run)]


class Terminal:
    """`columns` x `rows` cells of 24-bit colour in which `argv` runs. Use it as a context."""

    def __init__(self, socket: Path, argv: Sequence[str], columns: int, rows: int, env: Mapping[str, str]) -> None:
        self.socket = socket
        self._argv = ["env", *(f"{name}={value}" for name, value in env.items()), *argv]
        self._size = (columns, rows)

    def __enter__(self) -> Terminal:
        conf = self.socket.with_suffix(".conf")
        conf.write_text(
            "set -g default-terminal tmux-256color\nset -as terminal-features ',*:RGB'\nset -s escape-time 10\n"
            "set -g status off\nset -g remain-on-exit on\nset -g history-limit 0\nset -s exit-empty on\n"
        )
        columns, rows = self._size
        self._tmux(
            "-f",
            str(conf),
            "new-session",
            "-d",
            "-s",
            "t",
            "-x",
            str(columns),
            "-y",
            str(rows),
            "exec " + shlex.join(self._argv),
        )
        return self

    def __exit__(self, *error: object) -> None:
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], check=False, capture_output=True)

    def _tmux(self, *argv: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self.socket), *argv],
            check=True,
            capture_output=True,
            text=True,
            env=_environment(),
        )
        return done.stdout

    @property
    def pid(self) -> int:
        """The program's process: `env` has given way to it, and so has the shell before."""
        return int(self._tmux("display-message", "-p", "-t", "t", "#{pane_pid}"))

    def lines(self) -> tuple[Line, ...]:
        """The screen as it is now."""
        return parse(self._tmux("capture-pane", "-p", "-e", "-N", "-t", "t").split("\n")[:-1])

    def text(self) -> str:
        return "\n".join(plain(line) for line in self.lines())

    def keys(self, *keys: str) -> None:
        """Press keys by tmux's names, one by one."""
        for key in keys:
            self._tmux("send-keys", "-t", "t", key)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-t", "t", "-l", text)

    def paste(self, text: str) -> None:
        """As a terminal pastes: bracketed when the program asked for it."""
        self._tmux("set-buffer", "-b", "probe", "--", text)
        self._tmux("paste-buffer", "-p", "-d", "-b", "probe", "-t", "t")

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-t", "t", "-x", str(columns), "-y", str(rows))

    def wait(self, text: str, timeout: float = 15.0) -> str:
        """The screen once `text` stands on it."""
        return wait_for(lambda: shown if text in (shown := self.text()) else "", timeout, f"{text!r} on the screen")


def _environment() -> dict[str, str]:
    return {**{name: value for name, value in os.environ.items() if name != "TMUX"}, "LC_ALL": "C.UTF-8"}
