"""What is true of an agent's working tree now, whoever changed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Trouble = Literal[
    "",
    "repo_gone",  # its repository is not where it was
    "gone",  # the directory is not there, or stands somewhere else
    "unlinked",  # git has forgotten it (pruned); its files are there
    "broken",  # its `.git` is missing, damaged or something else
    "branch_gone",
    "branch_moved",  # by somebody outside: the files still stand on another commit
    "shared",  # its branch is checked out elsewhere too
    "locked",  # a git command that died has left its index locked
    "operation",  # a merge, a rebase or the like is half-way
    "detached",
    "switched",  # the agent went to another branch by itself
]
# Nothing can be started or branched in such a tree before a human has mended it.
BLOCKING: frozenset[str] = frozenset(("repo_gone", "gone", "unlinked", "broken"))


@dataclass(frozen=True, slots=True)
class TreeState:
    """`branch` is the one checked out ('' when HEAD is detached), `head` its commit: the last ones seen.

    `note` says in one line what is wrong or unexpected ('' when nothing is), `hint` the next step.
    """

    branch: str = ""
    head: str = ""
    trouble: Trouble = ""
    note: str = ""
    hint: str = ""

    @property
    def blocks(self) -> bool:
        return self.trouble in BLOCKING


@dataclass(frozen=True, slots=True)
class DiskUse:
    """What a tree takes on its disk, in bytes; `at` is when that was measured, in UTC milliseconds."""

    bytes: int
    at: int
