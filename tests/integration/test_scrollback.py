"""Scrolling back in a real terminal: the rows above, those that come meanwhile, and the way back to the live end."""

from __future__ import annotations

from pathlib import Path

from agentdeck.adapters import tmux
from tests.integration.test_live_grid import app, socket, spawn  # noqa: F401
from tests.integration.test_live_zoom import zoom
from tests.ui.terminal import Terminal
from tests.waiting import wait_for

# Prints 300 rows, then a hundred more for each line typed, and says what was typed.
PRINTER = r"""
import sys
n = 0
while True:
    for n in range(n, n + 300 if not n else n + 100): print('row %04d of it' % n)
    n += 1
    sys.stdout.write('row 20 or listening> '); sys.stdout.flush()
    said = sys.stdin.readline().strip()
    print('heard ' + said)
"""
UP, DOWN = "\x1b[<64;10;10M", "\x1b[<65;10;10M"


def test_the_wheel_scrolls_back_and_typing_returns(tmp_path: Path, socket: Path) -> None:  # noqa: F811
    pane = spawn(socket, "printer", PRINTER)
    with app(tmp_path, socket, 130, 42) as terminal:
        zoom(terminal, tmp_path)
        terminal.wait("row 0299")
        wheel(terminal, UP, "54 rows back", "row 0210 of it", 6)
        assert "row 0299" not in terminal.text() and tmux.panes_now(socket)[pane].in_mode is False
        # a delivery goes through meanwhile, and what it leads to moves nothing that is read
        tmux.process.run(socket, "send-keys", "-t", pane, "go on", "Enter")
        assert "rows back, 102 new" in terminal.wait(" new; typing returns")
        assert "row 0210 of it" in terminal.text() and "row 0399" not in terminal.text()
        wheel(terminal, DOWN, "rows back", "heard go on", 3)
        terminal.type("x")
        terminal.wait("listening> x")
        assert "rows back" not in terminal.text()
        wheel(terminal, UP, "rows back", "row 0000 of it")
        wheel(terminal, DOWN, "", "listening> x")


def wheel(terminal: Terminal, way: str, bar: str, text: str, notches: int = 30) -> None:
    """Turn the wheel by so many notches at a time until both stand on the screen."""

    def turned() -> bool:
        shown = terminal.text()
        if bar in shown and text in shown:
            return True
        terminal.type(way * notches)
        return False

    wait_for(turned, 20, f"{bar!r} and {text!r}", interval=0.1)
