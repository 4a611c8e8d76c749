"""Something of an agent's that no row accounts for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agentdeck.models.agent import Agent
from agentdeck.models.pane import Survivor
from agentdeck.models.trash import TrashEntry

What = Literal["pane", "worktree", "link", "trash"]


@dataclass(frozen=True, slots=True)
class Found:
    """`agent` is the row that it would get; `why` says what is missing, `problem` why adopting it is impossible.

    A `pane` lives; a `worktree` has no process; a `link` is the worktree of a known agent that git has
    forgotten; `trash` is a tree that a human removed, and what it gets is its entry in the trash.
    """

    what: What
    agent: Agent
    why: str
    pane: Survivor | None = None
    problem: str = ""
    head: str = ""  # the commit that the tree stood on last
    entry: TrashEntry | None = None

    @property
    def place(self) -> str:
        """Where the tree is."""
        return self.entry.place if self.entry else self.agent.worktree

    def as_json(self) -> dict[str, str]:
        """One row of `adopt --json`."""
        agent = self.agent
        return {
            "id": agent.id, "name": agent.name, "what": self.what, "harness": agent.harness, "repo": agent.repo,
            "worktree": self.place, "branch": agent.branch, "session_id": agent.session,
            "pane_id": self.pane.id if self.pane else "", "why": self.why, "problem": self.problem,
        }  # fmt: skip
