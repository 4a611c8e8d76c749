"""Our own tmux server, by single processes: start it, ask it, end it. All of it blocks: call it in a thread."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters.tmux import conf as configuration
from agentdeck.adapters.tmux import rows
from agentdeck.adapters.tmux.process import run, version
from agentdeck.adapters.tmux.protocol import TmuxError, TmuxSilent
from agentdeck.errors import AgentDeckError
from agentdeck.models.pane import Pane

SOCKET_LIMIT = 100
"""Bytes of a socket path that every system takes (Linux 107, macOS 103)."""
_TRIES = 5


def ensure_server(socket: Path, conf: Path) -> None:
    """Have a server at `socket` with its hub session. Does nothing when it is there.

    Any number of processes may call this at once: tmux lets one of them start the server, and the hub's name can be
    taken only once. Raises AgentDeckError when tmux is missing or too old, or the socket's directory is not ours.
    """
    if server_alive(socket):
        return
    version()
    if len(str(socket).encode()) > SOCKET_LIMIT:
        raise AgentDeckError(
            f"The socket path {socket} is longer than {SOCKET_LIMIT} bytes", "Set a shorter DECK_HOME."
        )
    paths.make_private(socket.parent)
    configuration.write(conf)
    for attempt in range(_TRIES):
        try:
            # The placeholder never ends, so neither does the hub; it has no @deck_id and is nobody's pane.
            # In no directory of anybody's: it would count as a living process of the work tree it was started in.
            run(socket, "new-session", "-d", "-s", rows.HUB, "-c", "/", "--", "tail", "-f", "/dev/null", conf=conf)
            return
        except TmuxError:
            if server_alive(socket):  # another process was faster
                return
            if attempt == _TRIES - 1:
                raise
            time.sleep(0.05 * (attempt + 1))  # the old server is just going away


def server_alive(socket: Path) -> bool:
    """Whether a server with our hub answers at `socket`. A stopped one raises TmuxSilent after 10 s."""
    if not socket.exists():
        return False
    try:
        run(socket, "has-session", "-t", f"={rows.HUB}")
    except TmuxSilent:
        raise
    except TmuxError:
        return False
    return True


def kill_server(socket: Path) -> None:
    """End the server and every program in it. Does nothing when there is none."""
    if socket.exists():
        try:
            clients = run(socket, "list-clients", "-F", "#{client_pid}").split()
            run(socket, "kill-server")
        except TmuxSilent:
            raise
        except TmuxError:  # it ended by itself
            return
        _let_go(clients)


def _let_go(clients: list[str]) -> None:
    """End what is left of the server's clients. The control client of a program that was killed while an answer was on
    its way never leaves tmux 3.3 by itself, and a server does not end before its last client."""
    for pid in clients:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(int(pid), signal.SIGTERM)


def panes_now(socket: Path) -> dict[str, Pane]:
    """What `list_panes` gives, without a control client; empty when no server lives."""
    try:
        panes = _panes(socket)
        if rows.unexplained(panes):
            run(socket, *rows.REAP)
            panes = _panes(socket)
        return panes
    except TmuxSilent:
        raise
    except TmuxError:
        return {}


def _panes(socket: Path) -> dict[str, Pane]:
    return rows.parse(run(socket, "list-panes", "-s", "-t", f"={rows.HUB}", "-F", rows.FORMAT).splitlines())


def capture_now(socket: Path, pane: str, ansi: bool) -> list[str]:
    """The visible screen of `pane`, one string per row; with SGR sequences when `ansi`. Raises TmuxError."""
    colours = ("-e", "-N") if ansi else ()
    return run(socket, "capture-pane", "-p", *colours, "-t", pane).split("\n")[:-1]
