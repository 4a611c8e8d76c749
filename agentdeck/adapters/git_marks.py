"""Whether a ref has moved, seen from the files alone: no process, no lock, a few microseconds.

A mark is compared with an earlier one and means nothing else. A ref that is written anew with
the same value changes its mark; one that moves always does.
"""

from __future__ import annotations

import os
from pathlib import Path

Mark = tuple[object, ...]


def git_dir(tree: Path) -> Path:
    """The git directory of a working tree (or of a bare repository), found as git does; may not exist."""
    inside = tree / ".git"
    if inside.is_dir():
        return inside
    text = _read(inside)
    if text.startswith("gitdir: "):
        return tree / text.removeprefix("gitdir: ").strip()
    return tree


def common_dir(own: Path) -> Path:
    """Where the refs of a working tree's git directory are: its own, or that of the main working tree."""
    named = _read(own / "commondir").strip()
    return own / named if named else own


def head_name(tree: Path) -> str:
    """The branch that HEAD of this working tree is on, as people call it; 'HEAD' when it is detached."""
    head = _read(git_dir(tree) / "HEAD").strip()
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else "HEAD"


def head_mark(tree: Path) -> Mark:
    """Changes whenever HEAD of this working tree comes to name another commit or branch."""
    own = git_dir(tree)
    head = _read(own / "HEAD")
    ref = head.removeprefix("ref: ").strip() if head.startswith("ref: ") else ""
    return (head, *_refs(common_dir(own), [ref] if ref else []), _stamp(own / "reftable" / "tables.list"))


def ref_mark(tree: Path, name: str) -> Mark:
    """Changes whenever what the short name `name` stands for in this repository may have moved."""
    places = [f"{folder}/{name}" for folder in ("refs", "refs/heads", "refs/remotes", "refs/tags")]
    return _refs(common_dir(git_dir(tree)), places)


def file_mark(tree: Path, paths: tuple[str, ...]) -> Mark:
    """Changes whenever one of these files changes, appears or goes."""
    return tuple(_stamp(tree / path) for path in paths)


def halfway(tree: Path) -> bool:
    """Whether a merge, rebase or the like is in progress: what stands in the tree then is nobody's result."""
    own = git_dir(tree)
    signs = ("MERGE_HEAD", "rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD", "sequencer")
    return any((own / sign).exists() for sign in signs)


def _refs(common: Path, names: list[str]) -> Mark:
    files = [*names, "packed-refs", "reftable/tables.list"]
    return tuple(_stamp(common / name) for name in files)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
