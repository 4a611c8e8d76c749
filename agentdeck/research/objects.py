"""What git holds of a tree: its files by path, their bytes, and those that are too large to be copied for every run.

Objects never change: what was read once is not asked of git again.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentdeck.adapters import git
from agentdeck.errors import AgentDeckError

LINK, MODULE, FILE, EXECUTABLE = "120000", "160000", "100644", "100755"
ODD = "odd"  # mode of what git cannot store: a socket, a device, a repository inside this one
LARGE = 4 << 20  # bytes from which on a file is not copied but linked
ROOM = 64 << 20  # bytes of contents that are kept in memory
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True)
class Blob:
    """`size` is in bytes where it is known; `source` is the repository of a submodule whose file it is, else ''."""

    mode: str
    oid: str
    size: int = field(default=0, compare=False)
    source: str = field(default="", compare=False)


Listing = Mapping[str, Blob]
"""What a directory holds, by path relative to it; a submodule itself too, and its files when they are here."""

_listings: OrderedDict[tuple[Path, str], dict[str, Blob]] = OrderedDict()
_contents: OrderedDict[str, bytes] = OrderedDict()
_held = 0


def listing(repo: Path, tree: str, prefix: str) -> dict[str, Blob]:
    found = _listings.get((repo, tree))
    if found is None:
        found = _tree(repo, tree, prefix)
        remember_listing(repo, tree, found)
    return found


def remember_listing(repo: Path, tree: str, found: dict[str, Blob]) -> None:
    _listings[repo, tree] = found
    while len(_listings) > 16:
        _listings.popitem(last=False)


def _tree(repo: Path, tree: str, prefix: str, source: str = "") -> dict[str, Blob]:
    found: dict[str, Blob] = {}
    for row in git.items(repo, "ls-tree", "-r", "-l", "-z", "--full-tree", tree):
        told, _, path = row.partition("\t")
        mode, _, oid, size = told.split()
        found[path] = Blob(mode, oid, int(size) if size != "-" else 0, source)
        if mode == MODULE and (module := repo / "modules" / f"{prefix}{path}").is_dir():
            found |= _module(module, oid, path)
    return found


def _module(repo: Path, commit: str, path: str) -> dict[str, Blob]:
    """The files of a submodule, when that commit of it is here; git keeps its objects beside those around it."""
    try:
        inside = _tree(repo, commit, "", str(repo))
    except AgentDeckError:
        return {}
    return {f"{path}/{name}": blob for name, blob in inside.items()}


def contents(repo: Path, wanted: Listing) -> dict[str, bytes]:
    """The bytes of each file (of a link: where it points). Those of submodules themselves are left out."""
    missing: dict[str, set[str]] = {}
    for blob in wanted.values():
        if blob.mode != MODULE and blob.oid not in _contents:
            missing.setdefault(blob.source or str(repo), set()).add(blob.oid)
    fresh = {oid: data for source, oids in missing.items() for oid, data in _asked(source, sorted(oids)).items()}
    found = {
        path: fresh[blob.oid] if blob.oid in fresh else _contents[blob.oid]
        for path, blob in wanted.items() if blob.mode != MODULE
    }  # fmt: skip
    for oid, data in fresh.items():
        remember(oid, data)
    return found


def _asked(source: str, oids: list[str]) -> dict[str, bytes]:
    out = git.run(source, "cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in oids).encode())[1]
    found, at = {}, 0
    for oid in oids:
        end = out.index(b"\n", at)
        size = int(out[at:end].split()[2])
        found[oid] = out[end + 1 : end + 1 + size]
        at = end + size + 2
    return found


def remember(oid: str, data: bytes) -> None:
    global _held
    if oid not in _contents and len(data) <= LARGE:
        _contents[oid] = data
        _held += len(data)
    while _held > ROOM:
        _held -= len(_contents.popitem(last=False)[1])


def links(repo: Path, found: Listing, store: Path) -> dict[str, Path]:
    """Where the bytes of large files are, or will be once they are fetched, and of what Git LFS has here."""
    small = {path: blob for path, blob in found.items() if blob.mode in (FILE, EXECUTABLE) and 100 < blob.size < 1024}
    known = {path: store / blob.oid for path, blob in found.items() if blob.size > LARGE}
    for path, data in contents(repo, small).items():
        pointer = _POINTER.match(data)
        if pointer and (_lfs(found[path], repo, pointer[1].decode())).is_file():
            known[path] = store / pointer[1].decode()
    return known


def _lfs(blob: Blob, repo: Path, digest: str) -> Path:
    return Path(blob.source or repo) / "lfs/objects" / digest[:2] / digest[2:4] / digest


def pointers(repo: Path, found: Listing) -> list[str]:
    """Files that Git LFS holds and whose contents are not here: they stay what git has of them."""
    small = {path: blob for path, blob in found.items() if blob.mode in (FILE, EXECUTABLE) and 100 < blob.size < 1024}
    matched = {path: _POINTER.match(data) for path, data in contents(repo, small).items()}
    return [p for p, told in matched.items() if told and not _lfs(found[p], repo, told[1].decode()).is_file()]


def fetch(repo: Path, blob: Blob, target: Path) -> None:
    """Put the bytes of a large file where links point to, once, for nobody to write to; anew when somebody did."""
    made = target.with_name(f".{target.name}.made")
    with contextlib.suppress(OSError):
        if target.lstat().st_ctime_ns <= made.lstat().st_ctime_ns:
            return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = target.with_name(f".{target.name}.{os.getpid()}")
    if blob.size > LARGE:
        git.save_blob(blob.source or repo, blob.oid, new)
    else:
        shutil.copyfile(_lfs(blob, repo, target.name), new)
    new.chmod(0o444)
    new.replace(target)
    made.unlink(missing_ok=True)
    made.touch()
