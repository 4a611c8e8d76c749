"""Trees in the trash that the database knows nothing of: what an entry says stands in refs and in the tree."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters import git, git_links, space
from agentdeck.adapters.database.store import Writer
from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.found import Found
from agentdeck.models.trash import TrashEntry
from agentdeck.services import records, rows
from agentdeck.services.trash import trash_trees
from agentdeck.services.trees import worktrees


def find(conn: sqlite3.Connection | None, known: Mapping[str, Agent]) -> Iterator[Found]:
    """Those of the trees in the trash that have no entry; `known` are all rows by id."""
    entries = set() if conn is None else {row[0] for row in conn.execute("SELECT place FROM trash")}
    trees = paths.trash_dir().iterdir() if paths.trash_dir().is_dir() else ()
    for tree in sorted(trees):
        if str(tree) not in entries and trash_trees.PLACE.match(tree.name):
            yield _found(tree, known)


def _found(tree: Path, known: Mapping[str, Agent]) -> Found:
    name, _, key = tree.name.rpartition("-")
    repo, copy = git_links.repository_of(tree), records.of_tree(tree)
    agent = copy or Agent(key, name, "shell", "", "", "", "", "", "removed", argv=("/bin/sh",), created=now_ms())
    row = known.get(agent.id)
    if row is not None and row.life != "removed" and os.path.isdir(row.worktree):
        agent = replace(agent, id=key)  # that agent came back and is somebody else by now
    agent = replace(agent, life="removed", name=name, pane="", window="", pid=0)
    entry = TrashEntry(key, agent.id, name, agent.repo, agent.worktree, str(tree), removed=_moved(tree))
    why = "it lies in the trash, and no entry has it"
    if repo is None:
        return Found("trash", agent, why, None, "its .git does not say which repository it belongs to", entry=entry)
    try:
        entry = _read(replace(entry, repo=str(repo)), agent)
    except AgentDeckError as error:
        return Found("trash", agent, why, None, error.title, entry=entry)
    agent = replace(agent, repo=str(repo), worktree=entry.origin, branch=entry.branch)
    return Found("trash", agent, why, entry=entry)


def _moved(tree: Path) -> int:
    """About when it was removed: when its directory was moved, as far as the file system says."""
    return int(tree.stat().st_ctime * 1000)


def _read(entry: TrashEntry, agent: Agent) -> TrashEntry:
    """What its private refs say of branch, commit and snapshot; where it was, by its copy or by its name."""
    root = Path(entry.repo)
    refs = {ref.removeprefix(f"{entry.refs}/"): oid for ref, oid in git.refs(root, entry.refs).items()}
    branches = [ref.removeprefix("heads/") for ref in refs if ref.startswith("heads/")]
    branch = agent.branch if agent.branch in branches else next(iter(branches), "")
    origin = entry.origin or str(worktrees.place(git.find(root), entry.name))
    return replace(
        entry, origin=origin, branch=branch, head=refs.get("head", ""), snapshot=refs.get("snapshot", ""),
        holds="found again by adopt",
    )  # fmt: skip


def enter(writer: Writer, agent: Agent, entry: TrashEntry) -> Agent:
    """Give the tree its entry, and the agent its row: removed, as it was. `undo` then brings it back. Blocks."""
    size = max(space.walk(Path(entry.place)), default=0)
    entry = replace(entry, state="trashed", size=size, since=now_ms())

    def change(conn: sqlite3.Connection) -> None:
        conn.execute("DELETE FROM agents WHERE id = ?", (agent.id,))
        rows.insert(conn, "agents", rows.agent_columns(agent))
        rows.insert(conn, "trash", {**asdict(entry)})
        rows.event(conn, now_ms(), "trash", agent.id, action="adopt", id=entry.id, name=agent.name)

    writer.run_sync(change)
    return agent
