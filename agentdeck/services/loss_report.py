"""What removing an agent would lose, in words, before anything is removed."""

from __future__ import annotations

import sqlite3

from agentdeck.services import rows, worktrees


def describe(conn: sqlite3.Connection | None, agent_id: str) -> list[str]:
    """One line a path or commit; says so when nothing would be lost. Asks git: 50 ms and more."""
    agent = rows.find(conn, agent_id)
    if agent.here:
        return [f"{agent.name} works in the checkout itself: nothing of it would be removed"]
    loss = worktrees.removal(agent.repo, agent.worktree, agent.base_oid)
    if loss.nothing:
        return [f"{agent.worktree}: nothing would be lost; --yes removes it"]
    return [f"{agent.worktree}:", *loss.lines()]
