"""Reads the messages that opencode before 1.2 kept, one JSON file each: `storage/message/SESSION/msg_*.json`.

Beside them stood `storage/session/PROJECT/SESSION.json`, which names the session that a subagent's was begun by.
Earlier still the message's facts stood under `metadata`, and all of it below `project/NAME/storage/session`. Told by
reports and sources of those versions, not observed.
"""

from __future__ import annotations

import glob
import os
import re
from functools import lru_cache

from agentdeck.harnesses.jsonl import Row, first_document, mapping, moment, text

ANSWER = re.compile(rb'"role"\s*:\s*"assistant"')
DEEPEST = 32  # subagents of subagents; more is a ring


def owns(path: str, head: bytes) -> bool:
    """Whether a file is a message of the model."""
    return bool(re.search(r"/message/[^/]+/msg_[^/]+\.json$", path)) and bool(ANSWER.search(head))


def told(row: Row, path: str) -> tuple[Row, Row]:
    """A message as its database has it since, and whose it is: the session, and its own one where a subagent's."""
    old = mapping(row.get("metadata"))
    answer = mapping(old.get("assistant"))
    message = {**row, **answer, "time": old.get("time")} if answer else row
    own = text(row.get("sessionID")) or text(old.get("sessionID")) or os.path.basename(os.path.dirname(path))
    storage = os.path.dirname(os.path.dirname(os.path.dirname(path)))
    return message, {"session": _top(storage, own), "own": own, "born": _session(storage, own)[1]}


def _top(storage: str, session: str) -> str:
    """The session of a human that a subagent's belongs to; the session itself when nothing tells."""
    for _ in range(DEEPEST):
        parent, _born = _session(storage, session)
        if not parent:
            break
        session = parent
    return session


@lru_cache(4096)
def _session(storage: str, session: str) -> tuple[str, int]:
    """The session that began this one ('' for a human's), and when it was begun (UTC ms, 0 when nothing tells)."""
    found = glob.glob(os.path.join(glob.escape(storage), "session", "*", f"{glob.escape(session)}.json"))
    told = first_document(found[0]) if found else {}
    return text(told.get("parentID")), moment(mapping(told.get("time")).get("created"))
