"""Finds the newest conversation of a directory among Codex's rollouts, by their first rows."""

from __future__ import annotations

import glob
import os

from agentdeck.harnesses.jsonl import Row, first_row, mapping, moment, text
from agentdeck.harnesses.readers import Kept


def rollouts(home: str, session: str = "*") -> list[str]:
    """The rollout files below a Codex home, of one session or of all."""
    return glob.glob(f"{glob.escape(home)}/sessions/*/*/*/rollout-*-{session}.jsonl")


def meta(path: str) -> Row:
    """What a rollout says of itself in its first row: id, cwd, source; {} when it cannot be read."""
    return mapping(first_row(path).get("payload"))


def newest(config_home: str, worktree: str, since: int, taken: frozenset[str]) -> Kept | None:
    """The newest conversation of a human in `worktree`, begun at `since` (UTC ms) or later and not in `taken`."""
    for path in sorted(rollouts(config_home), key=os.path.basename, reverse=True):
        if os.path.getmtime(path) * 1000 < since:
            continue
        told = meta(path)
        mine = os.path.realpath(text(told.get("cwd"))) == worktree and told.get("thread_source", "user") == "user"
        if mine and moment(told.get("timestamp")) >= since and text(told.get("id")) not in taken:
            return Kept(text(told.get("id")), path)
    return None
