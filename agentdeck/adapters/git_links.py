"""How a linked working tree and its repository know each other, read and mended without git's own porcelain.

A linked tree's `.git` is a file that names a directory of the repository, here called its admin
directory: index, HEAD and log of the tree are in there. All of it blocks: call it in a thread.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Literal

from agentdeck.adapters import git
from agentdeck.errors import AgentDeckError

Link = Literal["file", "directory", "missing", "damaged"]


def read(tree: Path) -> tuple[Link, Path | None]:
    """What the `.git` of a working tree is, and its admin directory (None: it names none that is there)."""
    mark = tree / ".git"
    if mark.is_dir():
        return "directory", mark
    try:
        text = mark.read_text(errors="surrogateescape")
    except FileNotFoundError:
        return "missing", None
    except OSError:
        return "damaged", None
    if not text.startswith("gitdir: "):
        return "damaged", None
    admin = Path(tree, text.removeprefix("gitdir: ").rstrip("\n"))
    return "file", admin if (admin / "HEAD").is_file() else None


def repository_of(tree: Path) -> Path | None:
    """The root of the repository that the link of `tree` names, even when that has forgotten the tree."""
    mark = tree / ".git"
    with contextlib.suppress(OSError, AgentDeckError):
        text = mark.read_text(errors="surrogateescape")
        admin = Path(tree, text.removeprefix("gitdir: ").rstrip("\n"))
        if text.startswith("gitdir: ") and admin.parent.name == "worktrees" and admin.parents[1].is_dir():
            return git.worktrees(admin.parents[1])[0].path
    return None


def relink(root: Path, tree: Path, branch: str, head: str) -> None:
    """Make a directory that git has forgotten a linked working tree again; none of its files is touched.

    It comes to stand on `branch` where that exists and is free, else on the commit `head`, else on the
    repository's own. What was staged is not known any more: it counts as changed. Can be repeated after a crash.
    """
    git.run(root, "worktree", "repair", ok=(0, 1))  # where only the tree's end of the link is damaged
    if read(tree)[1] is None:
        _new_link(root, tree, head)
    git.run(root, "worktree", "repair", "--", str(tree))
    _clear(tree)
    free = branch and git.find_oid(root, f"refs/heads/{branch}") and not _in_use(root, branch)
    if free and git.head(tree).branch != branch:
        git.run(tree, "symbolic-ref", "-m", "deck: linked again", "HEAD", f"refs/heads/{branch}")
    if not git.git_path(tree, "index").exists():
        git.run(tree, "read-tree", "HEAD")


def _new_link(root: Path, tree: Path, head: str) -> None:
    """A fresh link by way of an empty tree beside, so that git itself makes everything it needs."""
    start = head if head and git.find_oid(root, head) else "HEAD"
    empty = _beside(tree)
    _clear(tree)
    git.run(root, "worktree", "add", "--quiet", "--no-checkout", "--detach", "--", str(empty), start)
    with contextlib.suppress(OSError):
        (tree / ".git").replace(tree / ".git.lost")
    os.replace(empty / ".git", tree / ".git")
    (tree / ".git.lost").unlink(missing_ok=True)


def _beside(tree: Path) -> Path:
    return tree.parent / ".relink" / tree.name  # git names the admin directory after the last part


def _clear(tree: Path) -> None:
    """Remove the empty tree, also one that a crash left: it never held more than its link."""
    empty = _beside(tree)
    (empty / ".git").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        empty.rmdir()
        empty.parent.rmdir()


def _in_use(root: Path, branch: str) -> bool:
    return any(row.branch == f"refs/heads/{branch}" and not row.missing for row in git.worktrees(root))
