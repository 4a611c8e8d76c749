"""Work beside a repository that leaves no trace in it: what git writes goes to a place of ours. Blocks.

Merges are tried in a bare repository of our own that borrows the objects of the real one.
Nothing of that is written: no object, ref, index or lock. Nor is anything of it run: its
configuration and attributes are not read, so a merge driver of the user's stays asleep.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters import git, git_index, git_marks

TRIES_MERGES = (2, 38)  # `merge-tree --write-tree`
TIMEOUT = 10.0  # seconds for one merge
_STILL = {
    "GIT_AUTHOR_NAME": "agentdeck", "GIT_AUTHOR_EMAIL": "agentdeck@localhost", "GIT_AUTHOR_DATE": "@0 +0000",
    "GIT_COMMITTER_NAME": "agentdeck", "GIT_COMMITTER_EMAIL": "agentdeck@localhost", "GIT_COMMITTER_DATE": "@0 +0000",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tip:
    """A commit and its tree, by object id."""

    commit: str
    tree: str


def missing() -> str:
    """What git lacks for trying merges, in words; '' when it lacks nothing."""
    number = git.version()
    if number >= TRIES_MERGES:
        return ""
    have, need = (".".join(map(str, one)) for one in (number[:2], TRIES_MERGES))
    return f"git {have} cannot try merges (that takes {need}): only files changed by two agents are noticed"


def borrow(place: Path, tree: Path) -> dict[str, str]:
    """The environment that makes git write objects below `place` and read those of `tree`'s repository too."""
    folder = place / "objects" / "info"
    folder.mkdir(mode=0o700, parents=True)
    theirs = os.fsencode(git_marks.common_dir(git_marks.git_dir(tree)).resolve() / "objects")
    (folder / "alternates").write_bytes(b'"' + theirs.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"\n')
    return {"GIT_OBJECT_DIRECTORY": str(folder.parent)}


class Bench:
    """Where merges of one repository are tried. `place` is made anew, and may be deleted at any time afterwards."""

    def __init__(self, place: Path, tree: Path) -> None:
        self.place = place
        self._common = git_marks.common_dir(git_marks.git_dir(tree)).resolve()
        shutil.rmtree(place, ignore_errors=True)
        self._borrowed = borrow(place, tree)
        (place / "refs").mkdir()
        (place / "HEAD").write_text("ref: refs/heads/none\n")
        (place / "config").write_text(_config(tree))

    def snapshot(self, tree: Path, paths: Sequence[str]) -> Tip:
        """What the working tree would commit if it committed `paths` now: its HEAD when they are as there.

        Raises GitError when that cannot be told (an index with conflicts, no commit yet).
        """
        commit, root = git.text(tree, "rev-parse", "HEAD^{commit}", "HEAD^{tree}").split()
        env = {"GIT_INDEX_FILE": str(self.place / "index"), **self._borrowed}
        index = git_marks.git_dir(tree) / "index"
        if not paths or not index.exists():
            return Tip(commit, root)
        shutil.copy2(index, self.place / "index")  # with its time: see `git_index.scratch_index`
        words = ("--add", "--remove", "--ignore-skip-worktree-entries", "-z", "--stdin")
        git.run(tree, "update-index", *words, stdin=git_index.feed(paths), env=env)
        written = git.text(tree, "write-tree", "--missing-ok", env=env)
        if written == root:
            return Tip(commit, root)
        made = git.text(tree, "commit-tree", written, "-p", commit, "-m", "", env={**env, **_STILL})
        return Tip(made, written)

    def conflicts(self, one: str, other: str) -> tuple[str, ...]:
        """The files that a merge of two commits leaves in conflict; none when it is clean.

        Raises GitError when they cannot be merged at all (no common history, missing objects).
        """
        words = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", one, other)
        out = git.run(self.place, *words, env=self._env(), ok=(0, 1), timeout=TIMEOUT)[1]
        return tuple(sorted({os.fsdecode(name) for name in out.split(b"\0")[1:] if name}))

    def _env(self) -> dict[str, str]:
        shallow = self._common / "shallow"
        if shallow.exists():
            shutil.copyfile(shallow, self.place / "shallow")
        return {"GIT_DIR": str(self.place), "GIT_ATTR_NOSYSTEM": "1"}


def _config(tree: Path) -> str:
    """Object names are as long here as there, or nothing fits."""
    form = git.text(tree, "rev-parse", "--show-object-format")
    if form == "sha1":
        return "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tattributesFile = /dev/null\n"
    return (
        "[core]\n\trepositoryformatversion = 1\n\tbare = true\n\tattributesFile = /dev/null\n"
        f"[extensions]\n\tobjectformat = {form}\n"
    )


def merged_tree(directory: Path, one: str, other: str) -> tuple[str, tuple[str, ...]]:
    """The tree of a merge of two commits, written into the repository, and the files in conflict."""
    words = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", one, other)
    status, out = git.run(directory, *words, ok=(0, 1))
    tree, *names = (os.fsdecode(item) for item in out.split(b"\0") if item)
    return tree, tuple(sorted(set(names))) if status else ()


def merge_commit(directory: Path, tree: str, parents: Sequence[str], message: str) -> str:
    """Write a merge commit; no ref, index or file changes."""
    words = [word for parent in parents for word in ("-p", parent)]
    out = git.run(directory, "commit-tree", tree, *words, stdin=message.encode(), env=git_index.identity(directory))[1]
    return out.decode().strip()


def counted_from(directory: Path, base: str, tip: str) -> str:
    """The commit that what `tip` changed is counted from: what was merged into it since is not its own."""
    return git.merge_base(directory, base, tip) or base
