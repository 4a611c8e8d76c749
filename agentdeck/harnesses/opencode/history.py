"""Where opencode keeps its history, and how its database is known."""

from __future__ import annotations

import os
from collections.abc import Mapping

from agentdeck.harnesses.opencode import storage


def roots(environ: Mapping[str, str], home: str) -> list[str]:
    """The folder of its databases: one for each channel it is released on."""
    return [os.path.join(environ.get("XDG_DATA_HOME") or f"{home}/.local/share", "opencode")]


def owns(path: str, head: bytes) -> bool:
    """Whether a file is its database, or a message of a version before it had one."""
    if storage.owns(path, head):
        return True
    name = os.path.basename(path)
    return name.startswith("opencode") and name.endswith(".db") and head.startswith(b"SQLite format 3")
