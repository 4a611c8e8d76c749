"""Where Gemini CLI keeps its history, and how a file of it is known."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

SIGN = re.compile(rb'"projectHash" ?:|"type" ?: ?"gemini"')


def roots(environ: Mapping[str, str], home: str) -> list[str]:
    """The folder it writes below."""
    return [os.path.join(environ.get("GEMINI_CLI_HOME") or home, ".gemini", "tmp")]


def owns(path: str, head: bytes) -> bool:
    """Whether a file is a chat log: JSON lines, or the one document a session of versions before 0.40."""
    if not path.endswith((".jsonl", ".json")):
        return False
    return bool(SIGN.search(head)) or "/chats/" in path


def place(path: str) -> str:
    """The directory a chat was about, which the client keeps beside its chats; '' when it does not."""
    folder = Path(path).parent
    for above in (folder.parent, folder.parent.parent):
        try:
            return (above / ".project_root").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            continue
    return ""
