"""The environment an agent starts with: that of whoever asked for it, in a file only they can read.

An agent that the queue starts gets that of the human who last used a command or opened a dashboard, as if they had
started it there: each of these lends its environment, and the engine keeps it in memory alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from agentdeck import paths
from agentdeck.errors import AgentDeckError


def scrub(environ: Mapping[str, str]) -> dict[str, str]:
    """Without the caller's tmux and without our own variables."""
    return {
        key: value for key, value in environ.items() if not key.startswith(("TMUX", "DECK_")) and key.isidentifier()
    }


def save_environment(environ: Mapping[str, str] | None = None) -> Path:
    """Write the caller's environment to a fresh 0600 file, which the engine reads once and deletes."""
    directory = paths.make_private(paths.state_dir() / "environments")
    file = directory / f"{secrets.token_hex(8)}.json"
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        json.dump(scrub(os.environ if environ is None else environ), handle)
    return file


def lend(environ: Mapping[str, str] | None = None) -> None:
    """Leave this process's environment for agents that the engine starts by itself; an agent's own is not lent."""
    given = os.environ if environ is None else environ
    if "DECK_AGENT_ID" not in given:
        save_environment(given).replace(_lent())


def _lent() -> Path:
    return paths.state_dir() / "lent.json"


class Lent:
    """What was lent last; before that, what this process has itself."""

    def __init__(self) -> None:
        self._environ: dict[str, str] | None = None

    def look(self) -> None:
        """Take what has been lent since, file and all. Blocks."""
        with contextlib.suppress(FileNotFoundError):
            self._environ = json.loads(_lent().read_text())
            _lent().unlink()

    def take(self, file: str) -> dict[str, str]:
        """The environment in `file`, which is read and deleted; the lent one when there is none. Blocks."""
        if file:
            return take_environment(file)
        self.look()
        return scrub(os.environ) if self._environ is None else dict(self._environ)


def take_environment(file: str) -> dict[str, str]:
    """Read and delete."""
    path = Path(file)
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError as error:
        raise AgentDeckError(
            "whoever asked for this has gone, and their environment with them", "Ask again."
        ) from error
    finally:
        path.unlink(missing_ok=True)
