"""Make the sample repository: real files, a real first commit, nothing taken from the human's git settings."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from agentdeck.demo.sample_files import FILES
from agentdeck.errors import AgentDeckError

NAME, EMAIL = "agentdeck demo", "demo@agentdeck.invalid"
MADE = "2025-01-06T09:00:00Z"


def make_sample(directory: Path) -> Path:
    """Write the sample repository into `directory`, which must be new or empty, and return it.

    Author and date of the first commit are fixed, so its object id is the same everywhere. The
    repository's own configuration names an author too, so that agents can commit in it without any.
    """
    if directory.exists() and any(directory.iterdir()):
        raise AgentDeckError(f"{directory} is not empty", "Name a new directory for the sample repository.")
    return keep(directory, FILES, "Add wordkit")


def keep(directory: Path, files: Mapping[str, str], message: str) -> Path:
    """Write files into a new repository and commit them."""
    for name, text in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    _git(directory, "init", "-q", "--template=", "--initial-branch=main")
    for key, value in _settings(directory).items():
        _git(directory, "config", key, value)
    _git(directory, "add", "--all")
    _git(directory, "commit", "-q", "-m", message)
    return directory


def _settings(directory: Path) -> dict[str, str]:
    """What agents need to commit, and what keeps a human's global hooks and signing out of it."""
    return {
        "user.name": NAME,
        "user.email": EMAIL,
        "commit.gpgsign": "false",
        "tag.gpgsign": "false",
        "core.autocrlf": "false",
        "core.hooksPath": str(directory.absolute() / ".git" / "hooks"),
    }


def _git(directory: Path, *arguments: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    environment |= {"GIT_AUTHOR_DATE": MADE, "GIT_COMMITTER_DATE": MADE}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=directory, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise AgentDeckError("git is not installed", "Install git, then try again.") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise AgentDeckError(
            f"git {arguments[0]} failed in {directory}: {said}", "agentdeck doctor tells what is missing."
        )
