"""Finds the newest conversation of a directory in opencode's database, which is only read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from urllib.parse import quote

from agentdeck.harnesses.readers import Kept

QUERY = (
    "SELECT id FROM session WHERE directory = ? AND parent_id IS NULL AND time_created >= ? ORDER BY time_created DESC"
)


def newest(config_home: str, worktree: str, since: int, taken: frozenset[str]) -> Kept | None:
    """The newest conversation of a human in `worktree`, begun at `since` (UTC ms) or later and not in `taken`."""
    file = f"file:{quote(config_home)}/opencode/opencode.db?mode=ro"
    try:
        with closing(sqlite3.connect(file, uri=True, timeout=1.0)) as conn:
            found = [row[0] for row in conn.execute(QUERY, (worktree, since)) if row[0] not in taken]
    except sqlite3.Error:
        return None  # none yet, or a version that keeps them otherwise
    return Kept(found[0]) if found else None
