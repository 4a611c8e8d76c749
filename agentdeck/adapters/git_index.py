"""What a working tree holds beside its commits, and commits made of that; the user's own index is not touched."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from agentdeck.adapters import git


def untracked(worktree: Path, exclude_from: Path | None = None) -> list[str]:
    """Files git neither tracks nor ignores; one that ends in '/' is a repository inside this one.

    Paths that match a pattern in the file `exclude_from` count as ignored.
    """
    return git.items(worktree, "ls-files", "--others", "--exclude-standard", *_patterns(exclude_from), "-z")


def ignored(worktree: Path, exclude_from: Path | None = None, *, collapsed: bool = False) -> list[str]:
    """Files git ignores; `collapsed` names a wholly ignored directory once, with a final '/'."""
    words = ["--directory", "--no-empty-directory"] if collapsed else []
    return git.items(
        worktree, "ls-files", "--others", "--ignored", "--exclude-standard", *words, *_patterns(exclude_from), "-z"
    )


def matching(worktree: Path, patterns: Path) -> list[str]:
    """Files git does not track that match a pattern (gitignore syntax) in the file `patterns`."""
    return git.items(worktree, "ls-files", "--others", "--ignored", *_patterns(patterns), "-z")


def _patterns(file: Path | None) -> list[str]:
    return [f"--exclude-from={file}"] if file else []


@contextmanager
def scratch_index(worktree: Path) -> Iterator[dict[str, str]]:
    """A private copy of the index: the environment that makes git use it. The real one is not touched or locked."""
    index = git.git_path(worktree, "index")
    with tempfile.TemporaryDirectory(prefix="deck-index-") as place:
        copy = Path(place) / "index"
        if index.exists():
            # With its time: git re-reads a file that changed in the index's own tick, and only then.
            shutil.copy2(index, copy)
        yield {"GIT_INDEX_FILE": str(copy)}


def feed(paths: Iterable[str]) -> bytes:
    """Paths as git's `-z --stdin` options read them."""
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def identity(worktree: Path) -> dict[str, str]:
    """The environment a commit of ours needs: empty when the user has a name and an address set for git."""
    env: dict[str, str] = {}
    for role in ("AUTHOR", "COMMITTER"):
        status, _ = git.run(worktree, "-c", "user.useConfigOnly=true", "var", f"GIT_{role}_IDENT", ok=(0, 128))
        if status:
            env |= {f"GIT_{role}_NAME": "agentdeck", f"GIT_{role}_EMAIL": "agentdeck@localhost"}
    return env


def commit_tree(worktree: Path, tree: str, parent: str, message: str) -> str:
    """Write a commit object; no ref, index or file changes."""
    words = ["-p", parent] if parent else []
    out = git.run(worktree, "commit-tree", tree, *words, stdin=message.encode(), env=identity(worktree))[1]
    return out.decode().strip()


def numstat(worktree: Path, base: str, env: Mapping[str, str]) -> list[tuple[int, int, str]]:
    """(added, removed, path) of each file that differs from the commit `base`; a binary file counts 0 lines."""
    words = ["--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=dirty"]
    rows = git.items(worktree, "diff", "--numstat", "-z", *words, base, "--", env=env)
    split = (row.split("\t", 2) for row in rows)
    return [(int(a) if a != "-" else 0, int(r) if r != "-" else 0, path) for a, r, path in split]
