"""Where a program of the human's can appear: a popup or window of their tmux, an OS window, a tile, this terminal."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentdeck.config import Place, Terminal
from agentdeck.services.tools.tools import fill, uses

WORDS: Mapping[Place, str] = {
    "popup": "a popup of your tmux",
    "window": "a window of your tmux",
    "os": "an OS window of its own",
    "tile": "a tile beside the agent",
    "fullscreen": "this whole terminal",
    "background": "the background",
}


@dataclass(frozen=True, slots=True)
class Emulator:
    """`open` shows the human's shell in `{worktree}`; `run` comes between that and a command to show instead.

    `marks` are variables that it sets in its own windows. `script` ones are given a file to run and nothing else.
    """

    name: str
    open: tuple[str, ...]
    run: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    wayland: bool = False
    script: bool = False


EMULATORS = (
    Emulator("kitty", ("kitty", "--directory", "{worktree}"), (), ("KITTY_WINDOW_ID",)),
    Emulator("wezterm", ("wezterm", "start", "--cwd", "{worktree}"), ("--",), ("WEZTERM_PANE",)),
    Emulator("ghostty", ("ghostty", "--working-directory={worktree}"), ("-e",), ("GHOSTTY_RESOURCES_DIR",)),
    Emulator("alacritty", ("alacritty", "--working-directory", "{worktree}"), ("-e",), ("ALACRITTY_WINDOW_ID",)),
    Emulator("foot", ("foot", "--working-directory={worktree}"), (), (), wayland=True),
    Emulator(
        "gnome-terminal", ("gnome-terminal", "--working-directory={worktree}"), ("--",), ("GNOME_TERMINAL_SCREEN",)
    ),
    Emulator("konsole", ("konsole", "--workdir", "{worktree}"), ("-e",), ("KONSOLE_VERSION",)),
    Emulator("xterm", ("xterm",), ("-e",), ("XTERM_VERSION",)),
)
MAC = (
    Emulator("iTerm", ("open", "-a", "iTerm", "{worktree}"), script=True),
    Emulator("Terminal", ("open", "-a", "Terminal", "{worktree}"), script=True),
)


@dataclass(frozen=True, slots=True)
class Around:
    """What the dashboard finds around itself. `emulator` opens OS windows; without one, `no_window` says why."""

    tmux: bool = False
    emulator: Emulator | None = None
    no_window: str = "no terminal emulator is known"
    chosen: bool = False  # the human named the emulator
    far: bool = False  # over ssh, where a window of our own would be slow or elsewhere


def look(environ: Mapping[str, str], terminal: Terminal, mac: bool) -> Around:
    """Look at the environment, the PATH and the tmux socket. Reads the disk: call it in a thread."""
    socket = environ.get("TMUX", "").split(",")[0]
    emulator, why = _emulator(environ, terminal, mac)
    far = bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))
    return Around(bool(socket) and Path(socket).is_socket(), emulator, why, bool(terminal.command), far)


def _emulator(environ: Mapping[str, str], terminal: Terminal, mac: bool) -> tuple[Emulator | None, str]:
    path = environ.get("PATH")
    if terminal.command:
        program = terminal.command[0]
        found = shutil.which(os.path.expanduser(program), path=path)
        name = Path(program).name
        known = next((each for each in EMULATORS if each.name == name), Emulator(name, ()))
        if not found:
            return None, f"{program} is not on your PATH"
        return Emulator(name, terminal.command, known.run, script=known.script), ""
    wayland, shown = bool(environ.get("WAYLAND_DISPLAY")), bool(environ.get("DISPLAY"))
    if not (mac or wayland or shown):
        return None, "there is no display here"
    here = [
        each for each in EMULATORS if (wayland or not each.wayland) and shutil.which(each.open[0], path=path)
    ]  # fmt: skip
    if mac:
        here += [each for each in MAC if each.name == "Terminal" or Path(f"/Applications/{each.name}.app").exists()]
    ours = [each for each in here if any(environ.get(mark) for mark in each.marks)]
    if not here:
        return None, "no terminal emulator was found: name yours as `command` under [terminal] in config.toml"
    return (ours or here)[0], ""


def why_not(place: Place, around: Around) -> str:
    """Why this place cannot be had now, '' when it can."""
    if place in ("popup", "window") and not around.tmux:
        return "you are not inside tmux"
    return around.no_window if place == "os" and around.emulator is None else ""


def choose(wish: Place, around: Around) -> Place:
    """The place a program gets: the one wished for when it can be had, else the best that leaves the deck alive."""
    if wish != "auto" and not why_not(wish, around):
        return wish
    if around.chosen and around.emulator:
        return "os"
    if around.tmux:
        return "popup"
    return "os" if around.emulator and not around.far else "fullscreen"


def window_argv(emulator: Emulator, worktree: str, argv: Sequence[str]) -> list[str]:
    """The command line that opens an OS window in `worktree`: with `argv` in it, or with the human's shell for none."""
    if emulator.script and argv:
        return [*emulator.open[:-1], argv[-1]]
    given = {"worktree": worktree, "command": shlex.join(argv)}
    if not uses(emulator.open, "command"):
        return [*fill(emulator.open, given), *(emulator.run if argv else ()), *argv]
    opened: list[str] = []
    for word in emulator.open:
        opened += argv if word == "{command}" else fill([word], given)
    return opened
