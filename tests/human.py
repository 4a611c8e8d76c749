"""A scripted human at a real terminal: keys one by one, and eyes that wait for what the screen shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agentdeck.adapters import tmux
from agentdeck.models.screen import Line, crop, parse, plain
from tests.ui.terminal import Cell, Terminal, cells_of
from tests.waiting import wait_for

PROMPT = "story>"
ROSTER = 30
"""Columns of the list beside the tiles, where the terminal is wide enough for one."""
_TITLE = r"[▌ ][ *][◌●?↻‖○✗◍■~] {name} "
_CONF = """\
set -g status off
set -g default-terminal tmux-256color
set -as terminal-features ',*:RGB'
set -s escape-time 10
"""

Place = tuple[int, int, int, int]


class Human(Terminal):
    """A shell in `directory`, with `agentdeck` on its PATH. With `in_tmux` it runs in the human's own tmux."""

    def __init__(
        self, base: Path, directory: Path, size: tuple[int, int], env: Mapping[str, str], *, in_tmux: bool
    ) -> None:
        own = base / "own"
        own.with_suffix(".conf").write_text(_CONF)
        inner = ["tmux", "-u", "-S", str(own), "-f", str(own.with_suffix(".conf")), "new-session", "/bin/sh"]
        argv = ["-u", "TMUX", "-u", "TMUX_PANE", "-C", str(directory), *(inner if in_tmux else ["/bin/sh"])]
        path = f"{Path(sys.executable).parent}:{_path()}"
        more = {"PATH": path, "SHELL": "/bin/sh", "PS1": f"{PROMPT} ", "COLORTERM": "truecolor", **env}
        super().__init__(base / "outer", ["env", *argv], *size, more)
        self.size = size
        self.own = own if in_tmux else None

    def __exit__(self, *error: object) -> None:
        if self.own is not None:
            subprocess.run(["tmux", "-S", str(self.own), "kill-server"], check=False, capture_output=True)
        super().__exit__(*error)

    # -- hands

    def type(self, text: str) -> None:
        """Every character a key press of its own."""
        for character in text:
            super().type("\\;" if character == ";" else character)

    def press(self, key: str, sees: str, timeout: float = 15) -> str:
        """One key, and the screen once it shows `sees` (a regular expression)."""
        self.keys(key)
        return self.sees(sees, timeout)

    def command(self, words: str, sees: str) -> str:
        """A command at the shell's prompt; the screen once it shows `sees`."""
        self.type(words)
        return self.press("Enter", sees)

    # -- eyes

    def sees(self, pattern: str, timeout: float = 15) -> str:
        return self._until(lambda text: re.search(pattern, text, re.MULTILINE) is not None, f"see {pattern}", timeout)

    def misses(self, pattern: str, timeout: float = 15) -> str:
        """The screen once it shows `pattern` no more."""
        return self._until(lambda text: re.search(pattern, text, re.MULTILINE) is None, f"miss {pattern}", timeout)

    def _until(self, true: Callable[[str], bool], what: str, timeout: float) -> str:
        try:
            return wait_for(lambda: shown if true(shown := self.text()) else "", timeout, what)
        except AssertionError as error:
            raise AssertionError(f"the human did not {what}:\n{self.text()}") from error

    def top(self) -> str:
        return self.text().split("\n", 1)[0]

    def tiles(self, names: Sequence[str]) -> dict[str, Place]:
        """Where the screens of these agents stand now, found by the titles above them: x, y, columns, rows."""
        lines, titles = self.lines(), {}
        for name in names:
            for y, line in enumerate(lines):
                found = title_at(line, name, ROSTER if self.size[0] >= 100 else 0)
                if found is not None:
                    titles[name] = (found, y)
        places = {}
        for name, (x, y) in titles.items():
            right = min([other[0] for other in titles.values() if other[1] == y and other[0] > x] + [self.size[0]])
            below = min([other[1] for other in titles.values() if other[1] > y] + [self.size[1] - 1])
            places[name] = (x + 1, y + 1, right - x - 1, below - y - 2)
        return places

    def cells(self, place: Place) -> list[list[Cell]]:
        x, y, columns, rows = place
        return [cells_of(line, x, columns) for line in self.lines()[y : y + rows]]


def title_at(line: Line, name: str, start: int) -> int | None:
    """The column of a tile's left edge when this row of the screen is its title, which has a ground of its own."""
    found = re.compile(_TITLE.format(name=re.escape(name))).search(plain(line), start)
    if found is None or not all(style.bg for _, _, style in cells_of(line, found.start(), len(found[0]))):
        return None
    return found.start()


def _path() -> str:
    """Where git and tmux are, and the programs every machine has; no client of anybody's."""
    places = [str(Path(found).parent) for name in ("git", "tmux") if (found := shutil.which(name))]
    return ":".join(dict.fromkeys([*places, "/usr/bin", "/bin"]))


def pane_cells(socket: Path, pane: str, columns: int, rows: int) -> list[list[Cell]]:
    """What a tile of this size is to show of a pane, from tmux's own capture."""
    known = tmux.panes_now(socket)[pane]
    cursor = known.cursor_y if known.cursor_visible else -1
    lines = crop(parse(tmux.capture_now(socket, pane, True)), cursor, columns, rows)
    return [cells_of(line, 0, columns) for line in [*lines, *[()] * (rows - len(lines))]]
