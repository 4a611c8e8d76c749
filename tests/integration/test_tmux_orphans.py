"""The control client of a program that was killed in the middle of an answer."""

from __future__ import annotations

import subprocess
from pathlib import Path

from agentdeck.adapters import tmux
from agentdeck.adapters.tmux.process import run
from tests.deck import running
from tests.waiting import wait_for


def test_a_server_ends_although_a_killed_program_left_its_client(tmp_path: Path) -> None:
    socket = tmp_path / "run" / "tmux"
    tmux.ensure_server(socket, tmp_path / "tmux.conf")
    server = int(run(socket, "display-message", "-p", "#{pid}"))
    argv = ["tmux", "-N", "-S", str(socket), "-C", "attach-session", "-t", "=deck-hub", "-f", "ignore-size,no-output"]
    client = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(b"list-keys\n" * 200)  # more than a pipe holds: the server keeps the rest
    client.stdin.flush()
    wait_for(lambda: run(socket, "list-clients"))
    client.stdout.close()
    client.stdin.close()
    tmux.kill_server(socket)
    wait_for(lambda: not running(server), what="the server's end")
    client.wait(10)
