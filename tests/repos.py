"""Real git repositories for tests, and questions to ask them."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(where: Path, *args: str, check: bool = True, stdin: bytes | None = None) -> str:
    """Run git as a human would; its output without the last newline."""
    done = subprocess.run(["git", "-C", str(where), *args], input=stdin, capture_output=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"git {args} in {where}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode(errors="surrogateescape").removesuffix("\n")


def make(where: Path, files: dict[str, str] | None = None) -> Path:
    """A repository with one commit that holds `files` (a README when none are given)."""
    where.mkdir(parents=True)
    git(where, "init", "-q", "-b", "main")
    commit(where, "First", files or {"README.md": "hello\n"})
    return where


def write(where: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def commit(where: Path, message: str, files: dict[str, str] | None = None) -> str:
    write(where, dict(files or {}))
    git(where, "add", "-A")
    git(where, "commit", "-q", "--allow-empty", "-m", message)
    return git(where, "rev-parse", "HEAD")


def status(where: Path) -> str:
    """What git calls dirty: '' for a clean tree."""
    return git(where, "status", "--porcelain", "--untracked-files=all")


def show(where: Path, ref: str, path: str) -> bytes:
    """The bytes of a file in a commit."""
    return subprocess.run(
        ["git", "-C", str(where), "cat-file", "blob", f"{ref}:{path}"], capture_output=True, check=True
    ).stdout


def held(where: Path) -> set[bytes]:
    """The content of every file in every commit that any ref holds."""
    lines = git(where, "rev-list", "--objects", "--all").splitlines()
    oids = "\n".join(line.split()[0] for line in lines).encode()
    kinds = git(where, "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=oids).splitlines()
    blobs = [row.split()[0] for row in kinds if row.endswith(" blob")]
    return {
        subprocess.run(["git", "-C", str(where), "cat-file", "blob", oid], capture_output=True, check=True).stdout
        for oid in blobs
    }


def everything(where: Path) -> dict[str, object]:
    """Refs, worktrees and index bytes: what must be the same after a command that failed or only looked."""
    index = Path(git(where, "rev-parse", "--path-format=absolute", "--git-path", "index"))
    return {
        "refs": git(where, "for-each-ref"),
        "trees": git(where, "worktree", "list", "--porcelain"),
        "index": index.read_bytes() if index.exists() else b"",
        "status": status(where),
    }
