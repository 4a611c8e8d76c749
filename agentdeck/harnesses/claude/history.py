"""Where Claude Code keeps its history, and how a file of it is known."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

SIGN = re.compile(rb'"(?:parentUuid|isSidechain|leafUuid|sessionId|apiBlockIndex|costUSD)" ?:')
OTHERS = re.compile(rb'"projectHash" ?:|"type" ?: ?"session_meta"')


def roots(environ: Mapping[str, str], home: str) -> list[str]:
    """The folders it writes below; the variable may name several."""
    named = [place.strip() for place in environ.get("CLAUDE_CONFIG_DIR", "").split(",")]
    usual = [os.path.join(home, ".claude"), os.path.join(environ.get("XDG_CONFIG_HOME") or f"{home}/.config", "claude")]
    return [os.path.join(place, "projects") for place in (list(filter(None, named)) or usual)]


def owns(path: str, head: bytes) -> bool:
    """Whether a file is a transcript, by its first bytes; by its place when they say nothing."""
    if not path.endswith(".jsonl") or OTHERS.search(head):
        return False
    return bool(SIGN.search(head)) or "/projects/" in path
