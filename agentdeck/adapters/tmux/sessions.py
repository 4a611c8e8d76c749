"""Build and remove the sessions of agents and of the engine, by libtmux. Blocks: call it in a thread."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agentdeck.adapters.tmux.process import directory_argument, escape, program, run
from agentdeck.adapters.tmux.protocol import LINE_LIMIT, TmuxError
from agentdeck.adapters.tmux.rows import HUB
from agentdeck.errors import AgentDeckError
from agentdeck.models.pane import Survivor

if TYPE_CHECKING:
    from libtmux import Server

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def session_name(deck_id: str) -> str:
    """The tmux session of an agent. Ids are put into tmux commands, hence the strict charset."""
    if not _NAME.fullmatch(deck_id):
        raise TmuxError(f"{deck_id!r} cannot be part of a tmux name")
    return f"deck-{deck_id}"


def spawn_agent(
    socket: Path, *, deck_id: str, directory: Path, argv: Sequence[str], cols: int = 120, rows: int = 40
) -> tuple[str, str, int]:
    """Start `argv` in a pane of `cols` x `rows` cells: (pane id, window id, pid).

    The session is `deck-<deck_id>`; its window is linked into the hub and carries `@deck_id`. A dead pane that an
    earlier run of the same agent left keeps its window (for its last screen) under another session name; the caller
    kills that window when it has what it needs. Raises AgentDeckError when `directory` is missing, a live pane of
    this agent exists, or tmux refuses; then nothing new is left.
    """
    _check(directory, argv)
    server = _server(socket)
    session = session_name(deck_id)
    parked = _park(server, session)
    try:
        made = _tmux(
            server,
            *("new-session", "-d", "-P", "-F", "#{pane_id} #{window_id} #{pane_pid}", "-s", session),
            *("-x", str(cols), "-y", str(rows), "-c", directory_argument(directory), "--", *escape(argv)),
        )
    except TmuxError:
        if parked:
            _tmux(server, "rename-session", "-t", f"={parked}", session)
        raise
    pane, window, pid = made[0].split()
    try:
        _tmux(server, *_dress(session, pane, window, deck_id, cols, rows))
    except BaseException:
        kill_window(socket, window)
        if parked:
            _tmux(server, "rename-session", "-t", f"={parked}", session)
        raise
    return pane, window, int(pid)


def mark_again(socket: Path, pane: Survivor, cols: int = 120, rows: int = 40) -> None:
    """Make a pane the agent's that it is by its session's name: whoever started it was killed before it was marked."""
    _tmux(_server(socket), *_dress(session_name(pane.deck_id), pane.id, pane.window, pane.deck_id, cols, rows))


def spawn_hidden(socket: Path, name: str, argv: Sequence[str]) -> None:
    """Run `argv` in a window of session `deck-<name>` that goes away with its program. It is no agent: not in the hub.

    A second call adds a window: which of two programs may live is for their own lock to say.
    """
    session = session_name(name)
    server = _server(socket)
    command = ("--", *escape([*argv] if len(argv) > 1 else ["env", *argv]))
    # In one command line with its creation: a program that ends at once must not leave a dead pane behind.
    leave = (";", "set-option", "-w", "-t", f"={session}:", "remain-on-exit", "off")
    create = ("new-session", "-d", "-s", session, *command, *leave)
    try:
        _tmux(server, *create)
    except TmuxError as error:
        if "duplicate session" not in error.title:
            raise
        try:
            _tmux(server, "new-window", "-t", f"={session}:", *command, *leave)
        except TmuxError:  # the session's last program ended between the two
            _tmux(server, *create)


def kill_window(socket: Path, window: str) -> None:
    """End a window in every session it is linked into, with its program. Does nothing when it is gone."""
    if not re.fullmatch("@[0-9]+", window):
        raise TmuxError(f"{window!r} is not a window id")
    try:
        _tmux(_server(socket), "kill-window", "-t", window)
    except TmuxError as error:
        if not re.search("can't find|no server|error connecting|server exited", error.title):
            raise


def _check(directory: Path, argv: Sequence[str]) -> None:
    if not directory.is_dir():
        # tmux would silently start the program somewhere else.
        raise AgentDeckError(f"The working tree {directory} is not there", "Bring it back, or remove the agent.")
    if len(argv) < 2:
        raise TmuxError("An agent's command needs two or more arguments: tmux hands a single one to a shell")
    size = sum(len(part.encode("utf-8", "surrogateescape")) + 1 for part in argv)
    if size > LINE_LIMIT:
        raise TmuxError(f"The agent's command line is {size} bytes long; tmux takes {LINE_LIMIT}", "Use a file.")


def _park(server: Server, session: str) -> str:
    """Give way to a new run: rename a session that holds dead panes only. Its new name, or '' when there was none."""
    try:
        states = _tmux(server, "list-panes", "-s", "-t", f"={session}", "-F", "#{pane_dead} #{window_id}")
    except TmuxError as error:
        if "can't find" in error.title:
            return ""
        raise
    if any(not state.startswith("1 ") for state in states):
        raise AgentDeckError(f"The tmux session {session} still has a live program", "Stop the agent first.")
    parked = f"deck-ended-{states[0].split('@')[-1]}"
    _tmux(server, "rename-session", "-t", f"={session}", parked)
    return parked


def _dress(session: str, pane: str, window: str, deck_id: str, cols: int, rows: int) -> list[str]:
    """One command line that makes a fresh window the agent's: its mark, its size, its place in the hub.

    `resize-window` fixes the size of this window only. While a human is attached the window follows his terminal;
    the last one to leave restores the size and ends copy mode, with nothing of ours running.
    """
    fixed = f"resize-window -t {window} -x {cols} -y {rows}"
    restore = f"{fixed} ; copy-mode -q -t {pane}"
    return [
        *("set-option", "-p", "-t", pane, "@deck_id", deck_id, ";"),
        *("resize-window", "-t", window, "-x", str(cols), "-y", str(rows), ";"),
        *("link-window", "-d", "-s", window, "-t", f"={HUB}:", ";"),
        *("set-hook", "-t", f"={session}:", "client-attached", f"set-option -w -t {window} window-size latest", ";"),
        *("set-hook", "-t", f"={session}:", "client-detached"),
        f"if-shell -F '#{{==:#{{session_attached}},0}}' '{restore}'",
    ]


def _server(socket: Path) -> Server:
    # libtmux waits for a stopped server for ever: ask it something with a deadline first.
    run(socket, "show-options", "-s", "exit-empty")
    return _library(socket)


def _library(socket: Path) -> Server:
    # libtmux asks sys.stdout for its encoding when it is imported, and Textual's stand-in has none.
    with contextlib.redirect_stdout(sys.__stdout__) if "libtmux" not in sys.modules else contextlib.nullcontext():
        from libtmux import Server

    return Server(socket_path=socket, tmux_bin=program())


def _tmux(server: Server, *argv: str) -> list[str]:
    done = server.cmd(argv[0], *argv[1:])
    if done.returncode != 0:
        raise TmuxError(f"tmux refused {argv[0]}: {' '.join(done.stderr) or 'no reason given'}")
    return list(done.stdout)
