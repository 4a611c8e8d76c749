"""What the parent of a forked thread had used: to know its copies in the fork again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from glob import escape, glob

from agentdeck.harnesses import packed
from agentdeck.harnesses.codex.rows import amounts, tokens_of, told_rows
from agentdeck.harnesses.codex.state import Event
from agentdeck.harnesses.jsonl import Row, mapping, moment, text
from agentdeck.models.usage import Tokens

FILES_KNOWN = 8
FOLDERS = ("sessions", "archived_sessions")


def events(path: str, parent: str) -> Sequence[Event]:
    """The `token_count` events of the parent's rollout that told a new total, oldest first; none when it is gone."""
    file = _rollout(path, parent)
    return _read(file, _stamp(file))[0] if file else ()


def responses(path: str, parent: str) -> frozenset[tuple[str, Tokens]]:
    """The responses that the parent's rollout tells by id."""
    file = _rollout(path, parent)
    return _read(file, _stamp(file))[1] if file else frozenset()


def _stamp(file: str) -> tuple[int, int]:
    stat = os.stat(file)
    return stat.st_size, stat.st_mtime_ns


@lru_cache(FILES_KNOWN)
def _read(file: str, _stamp: tuple[int, int]) -> tuple[tuple[Event, ...], frozenset[tuple[str, Tokens]]]:
    rows, _ = told_rows(b"".join(packed.blocks(file, 1 << 20)))
    payloads = [(moment(row.get("timestamp")), mapping(row.get("payload"))) for row in rows]
    told = [(text(one.get("response_id")), tokens_of(mapping(one.get("usage")))) for _, one in payloads]
    return tuple(_events(payloads)), frozenset(pair for pair in told if pair[0])


def _events(payloads: list[tuple[int, Row]]) -> list[Event]:
    found: list[Event] = []
    for at, payload in payloads:
        info = mapping(payload.get("info"))
        total = mapping(info.get("total_token_usage"))
        event = at, amounts(total), amounts(mapping(info.get("last_token_usage")))
        if payload.get("type") == "token_count" and total and (not found or found[-1][1] != event[1]):
            found.append(event)
    return found


def _rollout(path: str, thread: str) -> str:
    """The rollout of another thread below the same root, archived or not; '' when there is none."""
    root = _root(path)
    if not thread or not root:
        return next(iter(glob(os.path.join(escape(os.path.dirname(path)), f"*{escape(thread)}.jsonl*"))), "")
    return _find(root, thread)


def _root(path: str) -> str:
    parts = path.split(os.sep)
    at = max((number for number, part in enumerate(parts) if part in FOLDERS), default=0)
    return os.sep.join(parts[:at])


@lru_cache(256)
def _find(root: str, thread: str) -> str:
    for folder in FOLDERS:
        pattern = os.path.join(escape(root), folder, "**", f"rollout-*{escape(thread)}.jsonl*")
        found = glob(pattern, recursive=True)
        if found:
            return found[0]
    return ""
