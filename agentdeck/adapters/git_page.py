"""git for human eyes: on this terminal, through the human's own pager and colours."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from agentdeck.adapters.git import STRAY
from agentdeck.errors import AgentDeckError


def show(directory: Path, *args: str, env: Mapping[str, str]) -> int:
    """Run `git ARGS` with our own standard streams until the human leaves it; git's exit code.

    `env` is added to ours. The index is never locked.
    """
    if shutil.which("git") is None:
        raise AgentDeckError("git is not installed, or not on PATH", "Install it with your system's package manager.")
    own = {name: value for name, value in os.environ.items() if name not in STRAY or name == "GIT_EXTERNAL_DIFF"}
    argv = ["git", "-C", str(directory), *args]
    return subprocess.run(argv, check=False, env={**own, "GIT_OPTIONAL_LOCKS": "0", **env}).returncode
