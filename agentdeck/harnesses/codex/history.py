"""Where Codex keeps its history, and how a file of it is known."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

SIGN = re.compile(rb'"type" ?: ?"(?:session_meta|turn_context|token_usage_record|event_msg|response_item)"')


def roots(environ: Mapping[str, str], home: str) -> list[str]:
    """The folders of its rollouts, the archived ones included."""
    place = environ.get("CODEX_HOME") or os.path.join(home, ".codex")
    return [os.path.join(place, folder) for folder in ("sessions", "archived_sessions")]


def owns(path: str, head: bytes) -> bool:
    """Whether a file is a rollout, by its first bytes or its name."""
    if not path.endswith(".jsonl"):
        return False
    return bool(SIGN.search(head)) or os.path.basename(path).startswith("rollout-")
