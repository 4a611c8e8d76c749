"""Moving a linked working tree as a whole, and the few other things a trash asks of git. All of it blocks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from agentdeck.adapters import git
from agentdeck.errors import AgentDeckError

GITLINK = "160000 "


def move(root: Path, path: Path, to: Path) -> None:
    """Move a linked working tree to `to`, which must not exist: one rename on one file system.

    git refuses for a locked tree and for one with submodules; nothing has moved then.
    """
    if os.path.lexists(to):
        raise AgentDeckError(f"{to} exists already", "Move it away, then try again.")
    git.run(root, "worktree", "move", "--", str(path), str(to))


def mend(root: Path, path: Path) -> None:
    """Tell the repository where a working tree is that was moved behind its back. Changes nothing when it knows."""
    git.run(root, "worktree", "repair", "--", str(path))


def forget(root: Path, path: Path) -> None:
    """Let git drop what it keeps about a working tree that is gone; raises while anything is at `path`."""
    if os.path.lexists(path):
        raise AgentDeckError(f"{path} still exists", "Nothing was forgotten.")
    git.run(root, "worktree", "remove", "--force", "--", str(path))


def attach_head(worktree: Path, branch: str) -> None:
    """Put HEAD on a branch; index and files stay as they are."""
    git.run(worktree, "symbolic-ref", "-m", "deck: on its branch again", "HEAD", f"refs/heads/{branch}")


def has_submodules(worktree: Path) -> bool:
    """Whether git would refuse to move the tree: it holds a submodule, or an added repository."""
    modules = git.git_path(worktree, "modules")
    if modules.is_dir() and any(modules.iterdir()):
        return True
    return any(row.startswith(GITLINK) for row in git.items(worktree, "ls-files", "--stage", "-z"))


def own_directory(root: Path, path: Path) -> Path | None:
    """Where the repository keeps index, HEAD and log of the linked working tree at `path`, even when that is gone."""
    for file in (git.find(root).common / "worktrees").glob("*/gitdir"):
        if os.path.realpath(file.read_text().strip()) == os.path.realpath(path / ".git"):
            return file.parent
    return None


def staged_of_missing(root: Path, own: Path, head: str) -> list[str]:
    """Paths that the index of a vanished working tree holds otherwise than its commit `head`."""
    if not head or not (own / "index").exists():
        return []
    return git.items(root, "diff-index", "--cached", "--no-renames", "--name-only", "-z", head, "--", env=_index(own))


def write_index_of_missing(root: Path, own: Path) -> str:
    """The tree object of what was staged in a vanished working tree."""
    return git.text(root, "write-tree", "--missing-ok", env=_index(own))


def _index(own: Path) -> Mapping[str, str]:
    return {"GIT_INDEX_FILE": str(own / "index")}
