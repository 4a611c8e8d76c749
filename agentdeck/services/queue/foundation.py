"""Where a task begins that depends on others: its base, with their work in it before anybody has landed it. Blocks."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from agentdeck.adapters import git, git_checks, git_merge
from agentdeck.errors import AgentDeckError


def heads(conn: sqlite3.Connection, task: int) -> list[str]:
    """The commits that the tasks this one depends on have ended with."""
    query = """SELECT a.head_oid FROM task_depends d JOIN tasks n ON n.id = d.needs JOIN attempts a ON a.task = n.id
        WHERE d.task = ? AND n.state IN ('review', 'accepted') AND a.head_oid != ''
        AND a.n = (SELECT MAX(b.n) FROM attempts b WHERE b.task = n.id) ORDER BY n.id"""
    return [row[0] for row in conn.execute(query, (task,))]


def lay(root: Path, base: str, needed: Sequence[str]) -> str:
    """A commit with all of `needed` on top of `base`; raises, naming the files, when they conflict."""
    tip = git.resolve(root, base or "HEAD")
    for work in needed:
        if git_checks.contains(root, tip, work):
            continue
        tip = work if git_checks.contains(root, work, tip) else _merged(root, tip, work)
    return tip


def _merged(root: Path, one: str, other: str) -> str:
    tree, conflicts = git_merge.merged_tree(root, one, other)
    if conflicts:
        raise AgentDeckError(
            f"what it depends on cannot be put together: conflicts in {', '.join(conflicts[:3])}",
            "Land the tasks it depends on, then retry it.",
        )
    return git_merge.merge_commit(root, tree, (one, other), "What the next task depends on\n\nDeck-Merge: needs\n")
