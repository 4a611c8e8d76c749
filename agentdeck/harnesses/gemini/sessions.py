"""Finds the newest conversation of a directory among Gemini CLI's chat logs: `/clear` begins one without a word."""

from __future__ import annotations

import glob
import json
import os

from agentdeck.harnesses.jsonl import first_row, mapping, moment, text
from agentdeck.harnesses.readers import Kept


def newest(config_home: str, worktree: str, since: int, taken: frozenset[str]) -> Kept | None:
    """The newest conversation of a human in `worktree`, begun at `since` (UTC ms) or later and not in `taken`."""
    found: list[tuple[int, str]] = []
    folder = _folder(config_home, worktree)
    for path in glob.glob(f"{glob.escape(folder)}/chats/session-*.jsonl") if folder else ():
        if os.path.getmtime(path) * 1000 >= since:
            told = first_row(path)
            begun, session = moment(told.get("startTime")), text(told.get("sessionId"))
            if begun >= since and session and session not in taken:
                found.append((begun, session))
    return Kept(max(found)[1]) if found else None  # without a file: once resumed it has more than one


def _folder(config_home: str, worktree: str) -> str:
    """Where the logs of a directory are, by the name that the client has given it."""
    try:
        with open(f"{config_home}/.gemini/projects.json", "rb") as file:
            projects = mapping(mapping(json.load(file)).get("projects"))
    except (OSError, ValueError):
        return ""
    slug = text(projects.get(worktree))
    return f"{config_home}/.gemini/tmp/{slug}" if slug else ""
