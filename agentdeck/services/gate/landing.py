"""Puts accepted work on the branch it was meant for, by fast-forward or one merge commit. Blocks.

The merge is made beside every working tree; where the branch is checked out, git itself then
moves that checkout forward, or refuses and says which local changes are in the way.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters import git, git_checks, git_merge
from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.models.task import Attempt, Task
from agentdeck.services.queue import queue


@dataclass(frozen=True, slots=True)
class Landed:
    """`commit` is what `branch` ends with now; `merged` when that took a merge commit; `already` when it had it."""

    branch: str
    commit: str
    merged: bool = False
    already: bool = False


def judged(task: Task) -> Attempt:
    """The attempt whose work is judged: the last one. Raises UsageError when no work is there."""
    last = task.attempts[-1] if task.attempts else None
    if last is None or not last.head_oid:
        raise UsageError(f"task {task.id} has no finished work", f"See how it stands: agentdeck task show {task.id}")
    return last


def base_of(conn: sqlite3.Connection, task: Task) -> str:
    """What the task's work goes on: its spec's base, else its agent's; '' for what the main checkout is on."""
    if task.base or not task.attempts:
        return task.base
    row = conn.execute("SELECT base FROM agents WHERE id = ?", (task.attempts[-1].agent,)).fetchone()
    return str(row["base"]) if row else ""


def require(task: Task) -> Attempt:
    """The attempt to land; raises unless a human has accepted it."""
    if task.state == "landed":
        raise UsageError(f"task {task.id} has landed already", f"See it: agentdeck task diff {task.id}")
    if task.state != "accepted":
        raise UsageError(
            f"task {task.id} is {task.state}, not accepted", f"Judge it first: agentdeck task accept {task.id}"
        )
    return judged(task)


def land(task: Task, base: str) -> Landed:
    """Bring the work onto its base branch. Raises, with nothing moved, when that cannot be done cleanly."""
    work, root = require(task).head_oid, Path(task.repo)
    branch = base or git.head(root).branch
    ref = f"refs/heads/{branch}"
    onto = git.find_oid(root, ref) if branch else None
    if onto is None:
        raise UsageError(
            f"'{branch or 'HEAD'}' is no branch of {root}",
            f"Merge it yourself: git merge {work[:12]}, where you want it.",
        )
    if git_checks.contains(root, onto, work):
        return Landed(branch, onto, already=True)
    ahead = git_checks.contains(root, work, onto)
    tip = work if ahead else _merged(root, branch, onto, work, task)
    _move(root, ref, onto, tip)
    return Landed(branch, tip, merged=not ahead)


def _merged(root: Path, branch: str, onto: str, work: str, task: Task) -> str:
    missing = git_merge.missing()
    if missing:
        raise AgentDeckError(missing, f"Merge it yourself: git merge {work[:12]}")
    tree, conflicts = git_merge.merged_tree(root, onto, work)
    if conflicts:
        raise AgentDeckError(
            f"task {task.id} conflicts with {branch} in {', '.join(conflicts[:3])}",
            f"Have it mended: agentdeck task reject {task.id}, then retry. Or merge it yourself: git merge {work[:12]}",
        )
    return git_merge.merge_commit(root, tree, (onto, work), f"Land “{task.title}”\n\nDeck-Task: {task.id}\n")


def _move(root: Path, ref: str, old: str, new: str) -> None:
    """Move the branch, and the checkout that is on it, if any."""
    held = next((row for row in git.worktrees(root) if row.branch == ref and not row.missing and not row.bare), None)
    if held is None:
        git.set_ref(root, ref, new, old, "deck: landed")
        return
    doing = git.operation(held.path)
    if doing:
        raise AgentDeckError(f"{doing} is in progress in {held.path}", "Finish or abort it, then land again.")
    try:
        git.run(held.path, "merge", "--quiet", "--ff-only", "--no-autostash", new)
    except git.GitError as error:
        names = re.findall(r"^\t(.+)$", error.stderr, re.MULTILINE)  # so git lists the files it would overwrite
        if not names:
            raise
        raise AgentDeckError(
            f"your own changes in {held.path} are in the way: {', '.join(names[:3])}",
            "Commit or stash them, then land it again; nothing has moved.",
        ) from error


def record(conn: sqlite3.Connection, task_id: int, landed: Landed) -> None:
    """Say so in the queue."""
    queue.landed(conn, task_id, f"on {landed.branch} as {landed.commit[:10]}")
