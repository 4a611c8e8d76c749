"""tmux as a child process: where it is, its version, and what it may see of our environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from agentdeck.adapters.tmux.protocol import TmuxError, TmuxSilent
from agentdeck.errors import AgentDeckError

MINIMUM = (3, 2)
"""Client flags, `-N` and per-pane options came with tmux 3.2."""

# XDG_* decide where our files are when DECK_HOME does not: the engine in the server must find the same places.
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "DECK_HOME", "DECK_FAILPOINTS", "PYTHONPATH")
_KEPT_XDG = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
_INSTALL = (
    ("brew", "brew install tmux"),
    ("apt-get", "sudo apt-get install tmux"),
    ("dnf", "sudo dnf install tmux"),
    ("pacman", "sudo pacman -S tmux"),
    ("zypper", "sudo zypper install tmux"),
    ("apk", "sudo apk add tmux"),
)


def environment() -> dict[str, str]:
    """The little that tmux and, through it, the engine inherit: no secrets, no TMUX, a UTF-8 locale."""
    env = {name: os.environ[name] for name in (*_KEPT, *_KEPT_XDG) if os.environ.get(name)}
    locale = {name: text for name, text in os.environ.items() if text and (name == "LANG" or name.startswith("LC_"))}
    charset = locale.get("LC_ALL") or locale.get("LC_CTYPE") or locale.get("LANG") or ""
    if "UTF-8" not in charset.upper().replace("UTF8", "UTF-8"):
        locale.pop("LC_ALL", None)
        locale.pop("LC_CTYPE", None)
        locale["LANG"] = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
    return env | locale


def program() -> str:
    """The path of tmux. Raises AgentDeckError, with the command that installs it, when there is none."""
    found = shutil.which("tmux")
    if not found:
        raise AgentDeckError("tmux is not installed", install_hint())
    return found


def install_hint() -> str:
    """What to type on this machine to get tmux."""
    command = next((line for tool, line in _INSTALL if shutil.which(tool)), "")
    wanted = f"tmux {MINIMUM[0]}.{MINIMUM[1]} or newer"
    return f"Install {wanted}: {command}" if command else f"Install {wanted} with your system's package manager."


def version() -> tuple[int, int]:
    """tmux's version, such as (3, 3). Development builds answer as the release they lead to.

    Raises AgentDeckError when tmux is missing, says nothing we understand, or is older than MINIMUM.
    """
    path = program()
    try:
        done = subprocess.run([path, "-V"], check=False, capture_output=True, text=True, timeout=10, env=environment())
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AgentDeckError(f"{path} does not run: {error}", install_hint()) from None
    said = done.stdout.strip()
    if said.endswith("master"):
        return (99, 0)
    match = re.search(r"(\d+)\.(\d+)", said)
    if not match:
        raise AgentDeckError(f"{path} -V says {said!r}, which is no version of tmux", install_hint())
    # OpenBSD numbers tmux like the system it ships with (7.x): always newer than our minimum.
    found = (int(match[1]), int(match[2]))
    if found < MINIMUM:
        raise AgentDeckError(f"{said} is too old: agentdeck needs {MINIMUM[0]}.{MINIMUM[1]}", install_hint())
    return found


def run(socket: Path, *argv: str, stdin: str | None = None, conf: Path | None = None, timeout: float = 10.0) -> str:
    """One tmux command by a process of its own; its output. Blocks: call it in a thread.

    A server is started only when `conf` is given. Raises TmuxError with tmux's own words, TmuxSilent after `timeout` s.
    """
    start = ("-f", str(conf)) if conf else ("-N",)
    try:
        done = subprocess.run(
            [program(), "-u", *start, "-S", str(socket), *argv],
            check=False,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace" if stdin is None else "surrogateescape",
            timeout=timeout,
            env=environment(),
        )
    except subprocess.TimeoutExpired:
        raise TmuxSilent(argv[0], timeout) from None
    except OSError as error:
        raise TmuxError(f"tmux {argv[0]} could not be run: {error}") from None
    if done.returncode != 0:
        raise TmuxError(f"tmux refused {argv[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def directory_argument(directory: Path) -> str:
    """`directory` for `-c` or `-d`, which are formats: `#(...)` in its name would be run as a command."""
    return escape([str(directory).replace("#", "##")])[0]


def escape(argv: Sequence[str]) -> list[str]:
    """`argv` as tmux arguments: a trailing `;` would end the tmux command and run what follows it."""
    return [part[:-1] + "\\;" if part.endswith(";") else part for part in argv]
