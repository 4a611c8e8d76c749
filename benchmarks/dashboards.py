"""Dashboards that look on: none, one, or two of which the first is zoomed into an agent, in terminals of their own."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from agentdeck import paths
from agentdeck.models.status import State
from agentdeck.ui.badges import GLYPHS
from tests.ui.terminal import Terminal
from tests.waiting import wait_for

COLUMNS, ROWS = 200, 60
KEYS = {b"\r": "Enter", b"\x15": "C-u"}


class Dashboard(Terminal):
    """A real dashboard on the deck of this process's DECK_HOME, in a view of its own."""

    def __init__(self, folder: Path, repo: Path, view: str, more: Mapping[str, str] | None = None) -> None:
        argv = ["sh", "-c", 'cd "$0"; exec "$@"', str(repo), sys.executable, "-P", "-m", "agentdeck", "--view", view]
        super().__init__(folder / f"watch-{view}", argv, COLUMNS, ROWS, {"COLORTERM": "truecolor", **(more or {})})
        self.view = view

    def zoom(self, number: int) -> None:
        """Into the agent of this number, counted from 1 in the order of its tiles."""
        self.keys(str(number), "Enter")
        self.wait("returns")

    def leave(self) -> None:
        """Back from the zoom."""
        self.keys("C-q")
        wait_for(lambda: "returns" not in self.text(), 15, "the grid again")

    def press(self, keys: bytes) -> None:
        """What a human types into a zoomed agent: letters, Enter, Ctrl+U."""
        if keys in KEYS:
            self.keys(KEYS[keys])
        else:
            self.type(keys.decode())

    def statuses(self, names: Sequence[str]) -> dict[str, set[str]]:
        """The signs before each agent's name, in its list and on its tile."""
        text, signs = self.text(), "".join(GLYPHS.values())
        return {name: set(re.findall(rf"([{re.escape(signs)}]) {re.escape(name)}\b", text)) for name in names}


@contextlib.contextmanager
def dashboards(
    repo: Path, count: int, names: Sequence[str], more: Mapping[str, str] | None = None
) -> Iterator[list[Dashboard]]:
    """So many of them, once each shows all of these agents; `more` is what they need of their environment."""
    with contextlib.ExitStack() as stack:
        opened = [Dashboard(repo.parent, repo, f"view-{number}", more) for number in range(count)]
        for one in opened:
            stack.enter_context(one)
        for one in opened:
            wait_for(lambda one=one: all(name in one.text() for name in names), 40, "all agents on its screen")
        yield opened


def compare(opened: Sequence[Dashboard], names: Sequence[str], patience: float = 10.0) -> list[str]:
    """What dashboards say of an agent, where it is not the stored status within `patience` seconds."""

    def differing() -> list[str]:
        stored = _stored()
        return [
            f"{one.view}: {name} shows {signs}, and is {stored[name]}"
            for one in opened
            for name, signs in one.statuses(names).items()
            if signs != {GLYPHS[stored[name]]}
        ]

    end = time.monotonic() + patience
    while (found := differing()) and time.monotonic() < end:
        time.sleep(0.3)
    return found


def _stored() -> dict[str, State]:
    with contextlib.closing(sqlite3.connect(f"file:{paths.database_file()}?mode=ro", uri=True, timeout=10)) as conn:
        return dict(conn.execute("SELECT a.name, s.state FROM agents a JOIN status s ON s.agent = a.id").fetchall())
