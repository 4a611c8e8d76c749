"""What the gate asks git about a branch. Read only; everything here blocks: call it in a thread."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters import git

LARGEST = 256_000  # bytes of a script that is still looked into


@dataclass(frozen=True, slots=True)
class Change:
    """One file between two commits. `kind`: A added, M changed, D deleted, T another type, R renamed (`score` percent).

    `path` is the old name of a renamed file.
    """

    kind: str
    path: str
    score: int = 100


def contains(tree: Path, tip: str, ancestor: str) -> bool:
    """Whether the history of `tip` has the commit `ancestor`."""
    return git.run(tree, "merge-base", "--is-ancestor", ancestor, tip, ok=(0, 1))[0] == 0


def count(tree: Path, base: str, tip: str) -> int:
    """How many commits `tip` has beyond `base`."""
    return int(git.text(tree, "rev-list", "--count", f"{base}..{tip}", "--"))


def changes(tree: Path, base: str, tip: str) -> list[Change]:
    """Every file that differs between two commits, renames seen as such."""
    words = ("-r", "-z", "--name-status", "--find-renames", "--no-ext-diff", "--no-textconv", "--no-color")
    fields = iter(git.items(tree, "diff-tree", *words, base, tip, "--"))
    found = []
    for kind in fields:
        path = next(fields)
        if kind[0] in "RC":
            next(fields)
        if kind[0] != "C":
            found.append(Change(kind[0], path, int(kind[1:] or 100)))
    return found


def files(tree: Path, commit: str) -> list[str]:
    """The paths of all files of a commit."""
    return git.items(tree, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)


def content(tree: Path, commit: str, path: str) -> str:
    """The text of a file as the commit has it; '' for one that is too large or not text."""
    size = git.run(tree, "cat-file", "-s", f"{commit}:{path}", ok=(0, 128))[1]
    if not size or int(size) > LARGEST:
        return ""
    return os.fsdecode(git.run(tree, "cat-file", "blob", f"{commit}:{path}")[1])
