"""Zoom in a real terminal: what is typed reaches the agent byte by byte, and its size is its own again afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agentdeck.adapters import tmux
from agentdeck.services import sizes
from tests.integration.test_live_grid import ALTERNATE, WIDE, app, differences, focus, places, settled, spawn
from tests.ui.terminal import Terminal
from tests.waiting import wait_for

# Raw mode, application cursor keys, bracketed paste; every read is told in hex on its own line of a file.
LISTENER = r"""
import os, sys, tty
tty.setraw(0)
sys.stdout.write('\x1b[?1h\x1b[?2004hlistening\r\n'); sys.stdout.flush()
log = open(LOG, 'ab', buffering=0)
while True:
    data = os.read(0, 65536)
    log.write(data)
    sys.stdout.write(repr(data)[2:-1] + ' '); sys.stdout.flush()
"""


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    socket = tmp_path / "run" / "tmux"
    tmux.ensure_server(socket, tmp_path / "tmux.conf")
    yield socket
    tmux.kill_server(socket)


def listener(tmp_path: Path, socket: Path, name: str = "listener") -> str:
    return spawn(socket, name, LISTENER.replace("LOG", repr(str(tmp_path / "heard"))))


def heard(tmp_path: Path) -> bytes:
    file = tmp_path / "heard"
    return file.read_bytes() if file.exists() else b""


def zoom(terminal: Terminal, tmp_path: Path) -> None:
    wait_for(lambda: places(tmp_path), 20)
    wait_for(lambda: "listening" in terminal.text() or "end" in terminal.text() or "row 20" in terminal.text(), 20)
    terminal.keys("Enter")
    terminal.wait("Ctrl+Q or Ctrl+] returns")
    wait_for(lambda: "zoom" in places(tmp_path))


KEYS = [
    ("a", b"a"), ("Escape", b"\x1b"), ("Tab", b"\t"), ("BTab", b"\x1b[Z"), ("C-c", b"\x03"), ("Up", b"\x1bOA"),
    ("Left", b"\x1bOD"), ("F5", b"\x1b[15~"), ("F2", b"\x1bOQ"), ("C-p", b"\x10"), ("M-x", b"\x1bx"), ("Enter", b"\r"),
    ("BSpace", b"\x7f"), ("C-Left", b"\x1b[1;5D"), ("PPage", b"\x1b[5~"), ("q", b"q"), ("?", b"?"), ("C-a", b"\x01"),
    ("é", "é".encode()), ("漢", "漢".encode()), (":", b":"), ("Space", b" "), ("C-d", b"\x04"), ("C-z", b"\x1a"),
    ("DC", b"\x1b[3~"), ("Home", b"\x1b[1~"), ("C-\\", b"\x1c"), ("C-_", b"\x1f"), ("C-h", b"\x08"), ("C-l", b"\x0c"),
]  # fmt: skip


def test_every_key_reaches_the_agent_and_two_return(tmp_path: Path, socket: Path) -> None:
    listener(tmp_path, socket)
    with app(tmp_path, socket, 100, 30) as terminal:
        zoom(terminal, tmp_path)
        for key, code in KEYS:
            before = heard(tmp_path)
            terminal.keys(key)
            wait_for(lambda: len(heard(tmp_path)) >= len(before) + len(code), what=f"{key} as {code!r}")  # noqa: B023
            assert heard(tmp_path)[len(before) :] == code, key
        said = heard(tmp_path)
        for back in ("C-q", "C-]"):
            terminal.keys(back)
            wait_for(lambda: "listener" in places(tmp_path))
            terminal.keys("Enter")
            wait_for(lambda: "zoom" in places(tmp_path))
        assert heard(tmp_path) == said


def test_typed_fast_everything_comes_in_order(tmp_path: Path, socket: Path) -> None:
    listener(tmp_path, socket)
    text = "".join(f"{n} the quick brown fox; $HOME #{{x}} \\ ' \" " for n in range(20))
    with app(tmp_path, socket, 100, 30) as terminal:
        zoom(terminal, tmp_path)
        for at in range(0, len(text), 50):
            terminal.type(text[at : at + 50])
            terminal.keys("Up")
        arrows = len(range(0, len(text), 50))
        wait_for(lambda: len(heard(tmp_path)) >= len(text) + 3 * arrows)
        assert heard(tmp_path).replace(b"\x1bOA", b"").decode() == text


def test_a_paste_arrives_bracketed(tmp_path: Path, socket: Path) -> None:
    listener(tmp_path, socket)
    with app(tmp_path, socket, 100, 30) as terminal:
        zoom(terminal, tmp_path)
        terminal.keys("x")
        terminal.paste("two\nlines 漢 ; $x")
        terminal.keys("y")
        wait_for(lambda: heard(tmp_path).endswith(b"y"))
        assert heard(tmp_path) == b"x\x1b[200~two\rlines \xe6\xbc\xa2 ; $x\x1b[201~y"


def test_an_inline_program_keeps_its_size_in_a_frame(tmp_path: Path, socket: Path) -> None:
    pane = spawn(socket, "inline", WIDE)
    with app(tmp_path, socket, 160, 50) as terminal:
        zoom(terminal, tmp_path)
        assert places(tmp_path)["zoom"] == (20, 5, 120, 40)
        time.sleep(1.0)
        known = tmux.panes_now(socket)[pane]
        assert (known.cols, known.rows) == (120, 40)
        # all but the cursor's own cell, which the frame shows reversed
        found = differences(tmp_path, socket, terminal, {"zoom": pane})
        assert len(found) == 1 and "reverse=True" in found[0]


def size_of(socket: Path, pane: str) -> tuple[int, int]:
    known = tmux.panes_now(socket)[pane]
    return known.cols, known.rows


def test_an_alternate_screen_gets_the_room_and_gives_it_back(tmp_path: Path, socket: Path) -> None:
    pane = spawn(socket, "alt", ALTERNATE)
    with app(tmp_path, socket, 160, 50) as terminal:
        zoom(terminal, tmp_path)
        wait_for(lambda: size_of(socket, pane) == (160, 49))
        wait_for(lambda: places(tmp_path).get("zoom") == (0, 1, 160, 49))
        terminal.resize(180, 55)
        wait_for(lambda: size_of(socket, pane) == (180, 54), what="the room of a larger terminal")
        terminal.resize(100, 30)
        wait_for(lambda: size_of(socket, pane) == (120, 40), what="never less than its own size")
        terminal.resize(160, 50)
        wait_for(lambda: size_of(socket, pane) == (160, 49))
        terminal.keys("C-q")
        wait_for(lambda: size_of(socket, pane) == (120, 40))
        settled(tmp_path, socket, terminal, {"alt": pane})
        wait_for(lambda: sizes.read() == [], what="no lease left")


def test_a_small_terminal_follows_the_cursor(tmp_path: Path, socket: Path) -> None:
    pane = spawn(socket, "alt", ALTERNATE + "\nsys.stdout.write('\\x1b[30;110H')")
    with app(tmp_path, socket, 80, 24) as terminal:
        zoom(terminal, tmp_path)
        terminal.wait("right 30")
        assert size_of(socket, pane) == (120, 40)


def test_keys_to_an_agent_that_ended_go_nowhere_and_it_is_said(tmp_path: Path, socket: Path) -> None:
    pane = listener(tmp_path, socket)
    with app(tmp_path, socket, 100, 30) as terminal:
        zoom(terminal, tmp_path)
        os.kill(tmux.panes_now(socket)[pane].pid, signal.SIGKILL)
        terminal.wait("it has ended")
        terminal.keys("x")
        terminal.wait("has ended")
        assert "listening" in terminal.text()  # its last screen stays
        terminal.keys("C-q")
        wait_for(lambda: "listener" in places(tmp_path))


def test_the_server_goes_and_comes_back(tmp_path: Path, socket: Path) -> None:
    spawn(socket, "one", "print('first life')")
    with app(tmp_path, socket, 100, 30) as terminal:
        terminal.wait("first life")
        wait_for(lambda: places(tmp_path))
        assert focus(tmp_path) == "one"
        tmux.kill_server(socket)
        terminal.wait("no connection to tmux")
        assert "first life" in terminal.text()
        wait_for(lambda: _again(tmp_path, socket), 10, "a new server")
        # the same pane id now belongs to another agent: its screen must not be shown as this one's
        spawn(socket, "two", "print('a stranger')")
        terminal.wait("its pane is gone")
        assert "a stranger" not in terminal.text()
        spawn(socket, "one", "print('second life')")
        assert "a stranger" not in terminal.text()


def _again(tmp_path: Path, socket: Path) -> bool:
    with suppress(tmux.TmuxError):  # the old one's socket is just going away
        tmux.ensure_server(socket, tmp_path / "tmux.conf")
    return tmux.server_alive(socket)


def test_the_mouse_goes_to_a_program_that_asked_for_it(tmp_path: Path, socket: Path) -> None:
    asks = LISTENER.replace("?2004h", "?2004h\\x1b[?1002h\\x1b[?1006h")
    spawn(socket, "mouse", asks.replace("LOG", repr(str(tmp_path / "heard"))))
    with app(tmp_path, socket, 100, 30) as terminal:
        zoom(terminal, tmp_path)
        wait_for(lambda: terminal.type("\x1b[<66;1;2M") or heard(tmp_path), what="the dashboard to know of the wish")
        terminal.keys("x")
        wait_for(lambda: heard(tmp_path).endswith(b"x"))
        before = heard(tmp_path)
        # the bar is the first row; a move without a button is not what it asked for; with Shift it is not for it
        for sent in ("<0;10;5M", "<32;12;6M", "<32;12;6M", "<0;12;6m", "<35;20;6M", "<4;10;5M", "<64;3;9M", "<65;3;9M"):
            terminal.type(f"\x1b[{sent}")
        said = b"\x1b[<0;10;4M\x1b[<32;12;5M\x1b[<0;12;5m\x1b[<64;3;8M\x1b[<65;3;8M"
        wait_for(lambda: len(heard(tmp_path)) >= len(before + said))
        assert heard(tmp_path) == before + said
        terminal.type("\x1b[<0;99;1M")  # on the bar: back to the deck
        terminal.type("\x1b[<0;99;1m")
        wait_for(lambda: "mouse" in places(tmp_path))
    assert heard(tmp_path) == before + said


def test_a_program_that_never_asked_hears_nothing_of_the_mouse(tmp_path: Path, socket: Path) -> None:
    listener(tmp_path, socket)
    with app(tmp_path, socket, 100, 30) as terminal:
        zoom(terminal, tmp_path)
        for sent in ("<0;10;5M", "<0;10;5m", "<64;3;9M"):
            terminal.type(f"\x1b[{sent}")
        terminal.keys("x")
        wait_for(lambda: heard(tmp_path).endswith(b"x"))
        assert heard(tmp_path) == b"x"
