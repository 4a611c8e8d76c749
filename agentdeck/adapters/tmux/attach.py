"""Command lines that put a human into an agent's pane, or a tool beside it. Nothing is run here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agentdeck.adapters.tmux.process import directory_argument, escape, program, run
from agentdeck.adapters.tmux.protocol import TmuxError

# A program in the user's own tmux must not take ours for the one it runs in.
_BARE = ("env", "-u", "TMUX", "-u", "TMUX_PANE")


def attach_argv(socket: Path, session: str) -> list[str]:
    """A full-screen attach to a session name, or to a window id (`@3`), which is looked up in the live server.

    Raises TmuxError when a window id is not there. Run it with TMUX unset.
    """
    if session.startswith("@"):
        owners = run(socket, "list-windows", "-a", "-F", "#{window_id} #{session_name}").splitlines()
        names = [name for window, _, name in (line.partition(" ") for line in owners) if window == session]
        session = next((name for name in names if name != "deck-hub"), "")
        if not session:
            raise TmuxError("The agent's window is gone", "Resume the agent.")
    return [program(), "-u", "-S", str(socket), "attach-session", "-t", f"={session}:"]


def popup_argv(inner: Sequence[str], directory: Path | None = None, *, bare: bool = True) -> list[str]:
    """Run `inner` in a popup of the user's own tmux; the popup closes with it. `bare` hides that tmux from it."""
    place = ["-d", directory_argument(directory)] if directory else []
    size = ("-w", "90%", "-h", "90%")
    return [program(), "display-popup", "-E", *size, *place, *(_BARE if bare else ()), *escape(inner)]


def window_argv(inner: Sequence[str], directory: Path | None = None, *, name: str = "", bare: bool = True) -> list[str]:
    """Run `inner` in a new window of the user's own tmux, called `name` there. `bare` hides that tmux from it."""
    place = ["-c", directory_argument(directory)] if directory else []
    called = ["-n", *escape([name.replace("#", "##")])] if name else []
    return [program(), "new-window", *called, *place, "--", *(_BARE if bare else ()), *escape(inner)]
