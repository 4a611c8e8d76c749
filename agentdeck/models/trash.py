"""A removed agent that can still be brought back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrashEntry:
    """One removal. Times are UTC milliseconds, sizes bytes on disk, commits and refs full names.

    `origin` is where the worktree was, `place` where it lies in the trash: '' when there was
    none to move (an agent in the checkout itself, a tree that had vanished) or it could not be
    moved and stays where it is. `branch` is what HEAD was on ('' detached), `head` its commit.

    `state`: `moving` on its way in, `trashed` there, `restoring` on its way back, `restored`,
    `emptying` while its files are deleted, `emptied` (its commits are still held by private
    refs), `dropped` (nothing is left), `abandoned` (the removal came to nothing).
    """

    id: str
    agent: str
    name: str
    repo: str
    origin: str = ""
    place: str = ""
    branch: str = ""
    head: str = ""
    snapshot: str = ""
    holds: str = ""
    size: int = 0
    state: str = "moving"
    removed: int = 0
    since: int = 0

    @property
    def refs(self) -> str:
        """Below this ref the repository keeps what the entry's commits need."""
        return f"refs/deck/trash/{self.id}"
