"""Starting a program for the human outside this terminal: its script, its process, its last words."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from agentdeck import paths
from agentdeck.errors import AgentDeckError
from agentdeck.services.lives import launch

QUICK_SECONDS = 2
_LOG_LIMIT = 1_000_000
_running: list[subprocess.Popen[bytes]] = []  # who is asked no more is still collected when he ends
# A program that fails at once would take its window, and the reason, away with it.
_HOLD = f"""always=$1; shift; t=$(date +%s); "$@"; code=$?
if [ "$always" = yes ] || {{ [ "$code" -ne 0 ] && [ $(($(date +%s) - t)) -le {QUICK_SECONDS} ]; }}; then
  printf '\\n%s ended with %s. Enter closes this. ' "$0" "$code"; read -r _
fi
exit "$code"
"""


def environment(environ: Mapping[str, str], *, in_tmux: bool) -> dict[str, str]:
    """What the program gets of the dashboard's own; `in_tmux` when it will stand in the same tmux as the dashboard."""
    return {
        name: text
        for name, text in environ.items()
        if name.isidentifier() and name != "TMUX_PANE" and (in_tmux or name != "TMUX")
    }


def held(name: str, argv: Sequence[str], always: bool = False) -> list[str]:
    """`argv`, kept on the screen until Enter: `always`, or when it fails within QUICK_SECONDS."""
    return ["/bin/sh", "-c", _HOLD, name, "yes" if always else "no", *argv]


def write_script(environ: Mapping[str, str], directory: Path, argv: Sequence[str]) -> list[str]:
    """The command line of a private file that deletes itself, then runs `argv` there with this environment.

    tmux and most terminal emulators would give it the environment of another day.
    """
    file = paths.state_dir() / "tools" / f"{secrets.token_hex(8)}.command"
    try:
        paths.make_private(file.parent)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700), "w", errors="surrogateescape") as handle:
            handle.write("#!/bin/sh\n" + launch.script(environ, str(directory), argv))
    except OSError as error:
        raise AgentDeckError(f"{file} cannot be written: {error.strerror}", "Is the disk full?") from error
    return ["/bin/sh", str(file)]


def discard(command: Sequence[str]) -> None:
    """Delete the script of a command line that nothing has run."""
    Path(command[-1]).unlink(missing_ok=True)


def start(argv: Sequence[str], directory: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start `argv` on its own: it outlives the dashboard, reads nothing, and what it prints goes to the tools' log."""
    log = paths.log_file("tools")
    try:
        paths.make_private(log.parent)
        fresh = log.exists() and log.stat().st_size > _LOG_LIMIT
        with open(log, "wb" if fresh else "ab") as out:
            process = subprocess.Popen(
                list(argv), cwd=directory, env=dict(environ), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise AgentDeckError(f"{argv[0]} could not be started: {error.strerror}", "Look at its command.") from error
    _running[:] = [process, *(each for each in _running if each.poll() is None)]
    return process


def log_size() -> int:
    """Where the tools' log ends now."""
    file = paths.log_file("tools")
    return file.stat().st_size if file.exists() else 0


def last_words(since: int) -> str:
    """The last line that came to the tools' log after `since` bytes of it, '' for none."""
    file = paths.log_file("tools")
    if not file.exists():
        return ""
    with open(file, "rb") as log:
        log.seek(since if since <= file.stat().st_size else 0)
        lines = [line.strip() for line in log.read(_LOG_LIMIT).decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
