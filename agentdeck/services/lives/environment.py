"""The environment an agent starts with: that of whoever asked for it, in a file only they can read."""

from __future__ import annotations

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


def take_environment(file: str) -> dict[str, str]:
    """Read and delete; with no file, the environment of this process (agents that the engine starts by itself)."""
    if not file:
        return scrub(os.environ)
    path = Path(file)
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError as error:
        raise AgentDeckError(
            "whoever asked for this has gone, and their environment with them", "Ask again."
        ) from error
    finally:
        path.unlink(missing_ok=True)
