"""Captures by way of a buffer read like captures that print, and leave nothing behind."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agentdeck.adapters import tmux
from agentdeck.adapters.tmux import captures
from agentdeck.adapters.tmux.process import run
from agentdeck.adapters.tmux.protocol import TmuxError

NASTY = r"""
import sys
for n in range(256): sys.stdout.write(f'\x1b[48;5;{n}m{n:4}' + ('\x1b[0m\n' if n % 16 == 15 else ''))
sys.stdout.write('back\\slash \\033[0m \\\\n \\$HOME $HOME ${x} "quoted" \x1b(0lqk\x1b(B %end 1 2 1 \\\n')
sys.stdout.write('漢字 e\u0301 👩\u200d👧 \x1b[4:3;58;5:196mcurly\x1b[0m \x1b]8;;http://e\x1b\\link\x1b]8;;\x1b\\\n')
sys.stdout.write('%begin 3\n')
sys.stdout.write('\x1b[7mreverse to the end of a bar          \x1b[0m\x1b[20;1H\x1b[1mend')
sys.stdout.flush()
import time; time.sleep(600)
"""


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[tmux.ControlClient]:
    socket = tmp_path / "run" / "tmux"
    tmux.ensure_server(socket, tmp_path / "conf")
    opened = await tmux.ControlClient.open(socket)
    yield opened
    await opened.close()
    tmux.kill_server(socket)


async def test_a_screen_is_the_same_by_either_way(client: tmux.ControlClient, tmp_path: Path) -> None:
    argv = ["env", "PYTHONUTF8=1", sys.executable, "-c", NASTY]
    socket = tmp_path / "run" / "tmux"
    pane = tmux.spawn_agent(socket, deck_id="a", directory=tmp_path, argv=argv)[0]
    rows: list[str] = []
    while "end" not in "".join(rows):
        rows = (await tmux.capture(client, [pane]))[pane]
    assert rows == tmux.capture_now(socket, pane, ansi=True)
    assert len(rows) == 40
    plain = await client.command("capture-pane", "-p", "-t", pane)
    assert plain == tmux.capture_now(socket, pane, ansi=False)


async def test_a_missing_pane_is_an_error_and_not_the_screen_before(client: tmux.ControlClient, tmp_path: Path) -> None:
    pane = tmux.spawn_agent(tmp_path / "run" / "tmux", deck_id="a", directory=tmp_path, argv=["echo", "here"])[0]
    first, gone, last = await client.batch([("capture-pane", "-p", "-t", each) for each in (pane, "%99", pane)])
    assert isinstance(first, list) and first == last and isinstance(gone, TmuxError)


async def test_its_buffer_goes_with_the_client_and_a_killed_ones_with_the_next(tmp_path: Path) -> None:
    socket = tmp_path / "run" / "tmux"
    tmux.ensure_server(socket, tmp_path / "conf")
    try:
        pane = tmux.spawn_agent(socket, deck_id="a", directory=tmp_path, argv=["echo", "here"])[0]
        pid = 2**22 + 1  # no process can have it
        for name in (captures.buffer_name(pid, 0), "mine"):
            run(socket, "set-buffer", "-b", name, "text")
        opened = await tmux.ControlClient.open(socket)
        await tmux.capture(opened, [pane])
        names = run(socket, "list-buffers", "-F", "#{buffer_name}").split()
        assert "mine" in names and captures.buffer_name(pid, 0) not in names and len(names) == 2
        await opened.close()
        assert run(socket, "list-buffers", "-F", "#{buffer_name}").split() == ["mine"]
    finally:
        tmux.kill_server(socket)


def test_what_vis_writes_is_read_back() -> None:
    assert captures.decode(["\\033[1mx\\016q\\017\\tend", "a\\\\033b\\$x", ""]) == [
        "\x1b[1mx\x0eq\x0f\tend",
        "a\\033b$x",
    ]
    assert captures.left_over([captures.buffer_name(os.getpid(), 3), "deck-capture-x", "buffer0"]) == []
