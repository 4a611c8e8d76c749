"""Candidate trees: written out, looked at and stored without a working tree, an index of anybody's, or a filter.

Files come from git's objects byte for byte and go back so: no attribute, hook or ignore list has a say.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters import git
from agentdeck.errors import AgentDeckError, UsageError

REFS = "refs/agentdeck/exp"
LINK, MODULE, FILE, EXECUTABLE = "120000", "160000", "100644", "100755"
ODD = "odd"  # mode of what git cannot store: a socket, a device, a repository inside this one


@dataclass(frozen=True, slots=True)
class Blob:
    mode: str
    oid: str


Listing = Mapping[str, Blob]
"""What a directory holds, by path relative to it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The directory a loop works on: `prefix` is '' for the root of the repository, else ends in '/'."""

    repo: Path
    prefix: str = ""

    def tree(self, commit: str) -> str:
        """The tree of this directory in a commit."""
        return _tree(self.repo, commit, self.prefix)

    def listing(self, tree: str) -> dict[str, Blob]:
        """All files of a tree."""
        return dict(_listing(self.repo, tree))

    def contents(self, listing: Listing) -> dict[str, bytes]:
        """The bytes of each file (of a link: where it points); submodules are left out."""
        paths = [path for path, blob in listing.items() if blob.mode != MODULE]
        feed = "".join(f"{listing[path].oid}\n" for path in paths).encode()
        if not paths:
            return {}
        out = git.run(self.repo, "cat-file", "--batch", stdin=feed)[1]
        found, at = {}, 0
        for path in paths:
            end = out.index(b"\n", at)
            size = int(out[at:end].split()[2])
            found[path] = out[end + 1 : end + 1 + size]
            at = end + size + 2
        return found

    def copies(self, paths: Iterable[str]) -> list[str]:
        """Where these files, or the objects that hold them, are on this machine."""
        tops = [tree.path for tree in git.worktrees(self.repo) if not tree.bare]
        return [str(self.repo), *(str(top / f"{self.prefix}{path}") for path in paths for top in tops)]

    def store(self, parent: str, directory: Path, changed: Mapping[str, Blob | None], message: str) -> tuple[str, str]:
        """Commit on `parent` with `changed` files taken from `directory` (None: deleted): (commit, tree)."""
        for path, blob in changed.items():
            if blob is not None:
                data = (directory / path).read_bytes()
                _same(git.run(self.repo, "hash-object", "-w", "--no-filters", "--stdin", stdin=data)[1], blob, path)
        gone = "0" * len(parent)
        feed = b"".join(
            os.fsencode(f"{blob.mode if blob else '0'} {blob.oid if blob else gone}\t{self.prefix}{path}") + b"\0"
            for path, blob in changed.items()
        )
        with tempfile.TemporaryDirectory(prefix="deck-index-") as scratch:
            env = {"GIT_INDEX_FILE": f"{scratch}/index"}
            git.run(self.repo, "read-tree", parent, env=env)
            git.run(self.repo, "update-index", "-z", "--index-info", stdin=feed, env=env)
            whole = git.text(self.repo, "write-tree", env=env)
        words = ("commit-tree", whole, "-p", parent)
        commit = git.run(self.repo, *words, stdin=message.encode(), env=_identity(self.repo))[1].decode().strip()
        return commit, self.tree(commit)


@functools.lru_cache(maxsize=16)  # an object never changes
def _tree(repo: Path, commit: str, prefix: str) -> str:
    return git.text(repo, "rev-parse", "--verify", f"{commit}:{prefix.rstrip('/')}")


@functools.lru_cache(maxsize=16)
def _listing(repo: Path, tree: str) -> dict[str, Blob]:
    found = {}
    for row in git.items(repo, "ls-tree", "-r", "-z", "--full-tree", tree):
        told, _, path = row.partition("\t")
        mode, _, oid = told.split(" ")
        found[path] = Blob(mode, oid)
    return found


@functools.lru_cache(maxsize=16)
def _identity(repo: Path) -> dict[str, str]:
    return git.identity(repo)


def _same(oid: bytes, blob: Blob, path: str) -> None:
    if oid.decode().strip() != blob.oid:
        raise AgentDeckError(f"{path} changed while it was stored", "Something of the proposer goes on; stop it.")


def find(directory: Path) -> Subject:
    """The subject whose contract is in `directory`."""
    repo = git.find(directory)
    inside = directory.resolve().relative_to(repo.top.resolve())
    return Subject(repo.common, "" if inside == Path() else f"{inside.as_posix()}/")


def unsaved(directory: Path) -> list[str]:
    """What in `directory` differs from HEAD or is not in it: a loop starts from what is committed."""
    rows = git.items(directory, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", ".")
    return [row[3:] for row in rows]


def write(contents: Mapping[str, bytes], listing: Listing, to: Path, keep: Callable[[str], bool] = bool) -> None:
    """Write files into `to`, which is made."""
    to.mkdir(parents=True)
    for path, data in contents.items():
        if not keep(path):
            continue
        file = to / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if listing[path].mode == LINK:
            file.symlink_to(os.fsdecode(data))
            continue
        file.write_bytes(data)
        if listing[path].mode == EXECUTABLE:
            file.chmod(0o755)


def scan(directory: Path, oid_length: int) -> dict[str, Blob]:
    """What is in a directory now, ignored files too, as git would store it."""
    found = {}
    for folder, names, files in os.walk(directory):
        inside = Path(folder).relative_to(directory)
        for name in [*names]:
            path = (inside / name).as_posix()
            if os.path.islink(os.path.join(folder, name)):
                files.append(name)
                names.remove(name)
            elif name == ".git":
                found[path] = Blob(ODD, "")
                names.remove(name)
        for name in files:
            found[(inside / name).as_posix()] = _blob(Path(folder, name), oid_length)
    return found


def look(directory: Path, paths: Iterable[str], oid_length: int) -> dict[str, Blob]:
    """Those of `paths` that are in a directory now, as git would store them."""
    return {path: _blob(directory / path, oid_length) for path in paths if os.path.lexists(directory / path)}


def _blob(file: Path, oid_length: int) -> Blob:
    info = file.lstat()
    if stat.S_ISLNK(info.st_mode):
        return Blob(LINK, _oid(os.fsencode(os.readlink(file)), oid_length))
    if not stat.S_ISREG(info.st_mode):
        return Blob(ODD, "")
    try:
        return Blob(EXECUTABLE if info.st_mode & 0o100 else FILE, _oid(file.read_bytes(), oid_length))
    except PermissionError:
        return Blob(ODD, "")


def _oid(data: bytes, length: int) -> str:
    digest = hashlib.sha1(usedforsecurity=False) if length == 40 else hashlib.sha256()
    digest.update(b"blob %d\0" % len(data) + data)
    return digest.hexdigest()


def ref(loop: str, experiment: str) -> str:
    """Where a trial is kept: in no branch, and never collected."""
    return f"{REFS}/{loop}/{experiment}"


def keep(repo: Path, name: str, commit: str) -> None:
    """Create-only, but for the same commit again."""
    if git.find_oid(repo, name) != commit:
        git.set_ref(repo, name, commit, git.NO_OID, "agentdeck research: a trial")


def move(repo: Path, branch: str, old: str, new: str, why: str) -> None:
    """Compare and swap. UsageError when the branch is somewhere else: somebody moved it."""
    now = git.find_oid(repo, f"refs/heads/{branch}") or ""
    if now == new:
        return
    if now != old:
        raise UsageError(
            f"{branch} is at {now[:9] or 'no commit'}, not at the champion {old[:9]}",
            f"Somebody moved it. Put it back: git branch -f {branch} {old[:12]}; then resume.",
        )
    git.set_ref(repo, f"refs/heads/{branch}", new, old, why)
