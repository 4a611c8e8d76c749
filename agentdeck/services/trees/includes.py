"""Files a repository does not track but every worktree needs: named in `.worktreeinclude`, copied in.

The file holds patterns in gitignore syntax and is read from the main working tree. In an
agent's worktree whatever matches counts as ignored, so that a copied `.env` is never committed.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from agentdeck.adapters import git_index

NAME = ".worktreeinclude"


def patterns(root: Path) -> Path | None:
    """The pattern file of the repository whose main working tree is `root`, if it has one."""
    file = root / NAME
    return file if file.is_file() and not file.is_symlink() else None


def copy(root: Path, tree: Path) -> tuple[str, ...]:
    """Copy what the patterns name from `root` into `tree`; nothing that is there already. Returns the copied paths."""
    file = patterns(root)
    if file is None:
        return ()
    copied = []
    for path in git_index.matching(root, file):
        target = tree / path
        if path.endswith("/") or os.path.lexists(target) or _leads_away(tree, path):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, target, follow_symlinks=False)
        copied.append(path)
    return tuple(copied)


def _leads_away(tree: Path, path: str) -> bool:
    """Whether a directory on the way is a link (perhaps out of the tree) or no directory at all."""
    parents = [tree / parent for parent in Path(path).parents][:-1]
    return any(parent.is_symlink() or (parent.exists() and not parent.is_dir()) for parent in parents)


def unchanged(root: Path, tree: Path, paths: Iterable[str]) -> set[str]:
    """Those of `paths` that are copies we made and still equal the file in `root`: losing one loses nothing."""
    file = patterns(root)
    if file is None:
        return set()
    named = set(git_index.matching(root, file))
    return {path for path in paths if path in named and same(root / path, tree / path)}


def same(one: Path, other: Path) -> bool:
    """Whether two paths hold the same file bytes or the same link."""
    try:
        if one.is_symlink() or other.is_symlink():
            return one.is_symlink() and other.is_symlink() and os.readlink(one) == os.readlink(other)
        return filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False
