"""Where our own agent keeps its history, and how a file of it is known."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agentdeck import paths

SIGN = re.compile(rb'"ts" ?: ?"')
OWN = re.compile(rb'"type" ?: ?"(?:session|user|assistant|tool_result)"')


def roots(_environ: Mapping[str, str], _home: str) -> list[str]:
    """The folder of its transcripts."""
    return [str(paths.transcripts_dir())]


def owns(path: str, head: bytes) -> bool:
    """Whether a file is one of its transcripts."""
    return path.endswith(".jsonl") and bool(SIGN.search(head) and OWN.search(head)) and b'"parentUuid"' not in head
