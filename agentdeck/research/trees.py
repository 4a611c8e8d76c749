"""Candidate trees: written out, looked at and stored without a working tree, an index of anybody's, or a filter.

Files come from git's objects byte for byte and go back so: no attribute, hook or ignore list has a say.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters import git, git_index
from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.research import objects
from agentdeck.research.ledger import Entry
from agentdeck.research.objects import EXECUTABLE, FILE, LINK, MODULE, ODD, Blob, Listing
from agentdeck.research.places import Place

REFS = "refs/agentdeck/exp"


@dataclass(frozen=True, slots=True)
class Subject:
    """The directory a loop works on: `prefix` is '' for the root of the repository, else ends in '/'.

    `home` is the loop's own directory: large files lie there once, and every checkout links to them.
    """

    repo: Path
    prefix: str = ""
    home: Path | None = None

    def tree(self, commit: str) -> str:
        """The tree of this directory in a commit."""
        return _tree(self.repo, commit, self.prefix)

    def listing(self, tree: str) -> dict[str, Blob]:
        """All files of a tree."""
        return objects.listing(self.repo, tree, self.prefix)

    def contents(self, listing: Listing) -> dict[str, bytes]:
        return objects.contents(self.repo, listing)

    def links(self, tree: str) -> dict[str, Path]:
        """The files of a tree that a checkout only links to."""
        return _links(self.repo, tree, self.prefix, self.home / "large") if self.home else {}

    def copies(self, paths: Iterable[str]) -> list[str]:
        """Where these files, or the objects that hold them, are on this machine."""
        tops = [tree.path for tree in git.worktrees(self.repo) if not tree.bare]
        return [str(self.repo), *(str(top / f"{self.prefix}{path}") for path in paths for top in tops)]

    def write(self, tree: str, to: Path, keep: Callable[[str], bool] = bool) -> None:
        """Check out those files of a tree into `to`, which is made."""
        wanted = {path: blob for path, blob in self.listing(tree).items() if keep(path)}
        links = self.links(tree)
        to.mkdir(parents=True)
        for path, blob in wanted.items():
            (to / path).parent.mkdir(parents=True, exist_ok=True)
            if path in links:
                objects.fetch(self.repo, blob, links[path])
                (to / path).symlink_to(links[path])
            elif blob.mode == MODULE:
                (to / path).mkdir(exist_ok=True)
        small = {path: blob for path, blob in wanted.items() if path not in links}
        for path, data in self.contents(small).items():
            _write(to / path, data, small[path].mode)

    def scan(self, directory: Path, tree: str) -> dict[str, Blob]:
        """What is in a checkout of this tree now, ignored files too, as git would store it."""
        found = _scan(directory, len(tree))
        return found | self.look(directory, tree, self.links(tree))

    def look(self, directory: Path, tree: str, paths: Iterable[str]) -> dict[str, Blob]:
        """Those of `paths` that are in a checkout of this tree now, as git would store them."""
        listing, links, found = self.listing(tree), self.links(tree), {}
        for path in paths:
            file = directory / path
            if path in links and file.is_symlink() and os.readlink(file) == str(links[path]):
                found[path] = listing[path]
            elif os.path.lexists(file):
                found[path] = _blob(file, len(tree))
        return found

    def store(self, parent: str, directory: Path, changed: Mapping[str, Blob | None], message: str) -> tuple[str, str]:
        """Commit on `parent` with `changed` files taken from `directory` (None: deleted): (commit, tree)."""
        for path, blob in changed.items():
            if blob is not None:
                data = (directory / path).read_bytes()
                _same(git.run(self.repo, "hash-object", "-w", "--no-filters", "--stdin", stdin=data)[1], blob, path)
                objects.remember(blob.oid, data)
        gone = "0" * len(parent)
        feed = b"".join(
            os.fsencode(f"{blob.mode if blob else '0'} {blob.oid if blob else gone}\t{self.prefix}{path}") + b"\0"
            for path, blob in changed.items()
        )
        with tempfile.TemporaryDirectory(prefix="deck-index-") as scratch:
            env = {"GIT_INDEX_FILE": f"{scratch}/index"}
            self._index(parent, Path(scratch, "index"))
            git.run(self.repo, "update-index", "-z", "--index-info", stdin=feed, env=env)
            whole = git.text(self.repo, "write-tree", env=env)
        words = ("commit-tree", whole, "-p", parent)
        commit = git.run(self.repo, *words, stdin=message.encode(), env=_identity(self.repo))[1].decode().strip()
        tree = _trees[self.repo, commit, self.prefix] = whole if not self.prefix else self.tree(commit)
        after = {path: blob for path, blob in {**self.listing(self.tree(parent)), **changed}.items() if blob}
        objects.remember_listing(self.repo, tree, after)
        return commit, tree

    def _index(self, commit: str, to: Path) -> None:
        """An index that holds a commit; that of the champion is kept, since most proposals are on it."""
        kept = self.home / f"index.{commit}" if self.home else None
        if kept is not None and kept.is_file():
            shutil.copyfile(kept, to)
            return
        git.run(self.repo, "read-tree", commit, env={"GIT_INDEX_FILE": str(to)})
        if kept is not None:
            for old in kept.parent.glob("index.*"):
                old.unlink(missing_ok=True)
            shutil.copyfile(to, kept.with_name(".index"))
            kept.with_name(".index").replace(kept)


_trees: dict[tuple[Path, str, str], str] = {}


def _tree(repo: Path, commit: str, prefix: str) -> str:
    if (repo, commit, prefix) not in _trees:  # an object never changes
        _trees[repo, commit, prefix] = git.text(repo, "rev-parse", "--verify", f"{commit}:{prefix.rstrip('/')}")
    return _trees[repo, commit, prefix]


@functools.lru_cache(maxsize=16)
def _links(repo: Path, tree: str, prefix: str, store: Path) -> dict[str, Path]:
    return objects.links(repo, objects.listing(repo, tree, prefix), store)


@functools.lru_cache(maxsize=16)
def _identity(repo: Path) -> dict[str, str]:
    return git_index.identity(repo)


def _same(oid: bytes, blob: Blob, path: str) -> None:
    if oid.decode().strip() != blob.oid:
        raise AgentDeckError(f"{path} changed while it was stored", "Something of the proposer goes on; stop it.")


def of(place: Place, begun: Entry) -> Subject:
    """What a loop works on, by the first entry of its ledger."""
    return Subject(Path(begun["repo"]), str(begun["prefix"]), place.root)


def find(directory: Path) -> Subject:
    """The subject whose contract is in `directory`."""
    repo = git.find(directory)
    inside = directory.resolve().relative_to(repo.top.resolve())
    return Subject(repo.common, "" if inside == Path() else f"{inside.as_posix()}/")


def unsaved(directory: Path) -> list[str]:
    """What in `directory` differs from HEAD or is not in it: a loop starts from what is committed."""
    rows = git.items(directory, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", ".")
    return [row[3:] for row in rows]


def _write(file: Path, data: bytes, mode: str) -> None:
    if mode == LINK:
        file.symlink_to(os.fsdecode(data))
        return
    file.write_bytes(data)
    if mode == EXECUTABLE:
        file.chmod(0o755)


def _scan(directory: Path, oid_length: int) -> dict[str, Blob]:
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


def _blob(file: Path, oid_length: int) -> Blob:
    info = file.lstat()
    if stat.S_ISLNK(info.st_mode):
        return Blob(LINK, _oid(os.fsencode(os.readlink(file)), oid_length))
    if not stat.S_ISREG(info.st_mode):
        return Blob(ODD, "")
    with contextlib.suppress(PermissionError):
        mode = EXECUTABLE if info.st_mode & 0o100 else FILE
        return Blob(mode, _oid(file.read_bytes(), oid_length), info.st_size)
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
    try:
        git.set_ref(repo, name, commit, git.NO_OID, "agentdeck research: a trial")
    except AgentDeckError:
        if git.find_oid(repo, name) != commit:
            raise


def move(repo: Path, branch: str, old: str, new: str, why: str) -> None:
    """Compare and swap. UsageError when the branch is somewhere else: somebody moved it."""
    if old == new:
        return
    try:
        git.set_ref(repo, f"refs/heads/{branch}", new, old, why)
    except AgentDeckError as error:
        now = git.find_oid(repo, f"refs/heads/{branch}") or ""
        if now == new:
            return
        if now == old:
            raise
        raise UsageError(
            f"{branch} is at {now[:9] or 'no commit'}, not at the champion {old[:9]}",
            f"Somebody moved it. Put it back: git branch -f {branch} {old[:12]}; then resume.",
        ) from error
