"""tmux, git, disk and system limits."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from agentdeck import __version__, paths
from agentdeck.adapters import git, git_index, tmux
from agentdeck.errors import AgentDeckError
from agentdeck.services.doctor.finding import Finding

LITTLE_BYTES = 2 * 1024**3
FEW_WATCHES = 8192
FEW_FILES = 1024


def tmux_itself() -> Iterator[Finding]:
    number = tmux.version()
    yield Finding("tmux", "ok", f"tmux {number[0]}.{number[1]} at {shutil.which('tmux')}")


def git_itself(directory: Path) -> Iterator[Finding]:
    number = git.version()
    yield Finding("git", "ok", f"git {'.'.join(map(str, number))}")
    if number < (2, 38):
        yield Finding("git", "note", "branches that stop merging cannot be seen: that needs git 2.38", "Update git.")
    try:
        found = git.find(directory)
    except AgentDeckError:
        yield Finding("git", "note", f"{directory} is in no git repository", "cd into one before you run agentdeck.")
        return
    if not git.head(found.top).oid:
        step = 'git commit --allow-empty -m "First commit"'
        yield Finding("git", "bad", f"{found.root} has no commit yet: no agent can start from it", step)
    if git_index.identity(found.top):
        step = 'git config --global user.name "You"; git config --global user.email you@example.com'
        yield Finding("git", "warn", "git has no name and address for your commits", step)


def disk() -> Iterator[Finding]:
    place = next(part for part in (paths.data_dir(), *paths.data_dir().parents) if part.exists())
    usage, nodes = shutil.disk_usage(place), os.statvfs(place)
    text = f"{usage.free / 1e9:.1f} GB free for worktrees at {place}"
    little = usage.free < LITTLE_BYTES
    yield Finding("disk", "warn" if little else "ok", text, "agentdeck trash empty" if little else "")
    if nodes.f_files and nodes.f_favail < nodes.f_files / 100:
        yield Finding("disk", "warn", f"under one percent of the file entries at {place} are free", "Remove old files.")
    if not os.access(place, os.W_OK):
        yield Finding("disk", "bad", f"{place} cannot be written to", "Mend its permissions, or set DECK_HOME.")


def limits() -> Iterator[Finding]:
    yield Finding("python", "ok", f"agentdeck {__version__} on Python {sys.version.split()[0]} ({sys.platform})")
    watches = _number(Path("/proc/sys/fs/inotify/max_user_watches"))
    if watches is not None and watches < FEW_WATCHES:
        step = "sudo sysctl fs.inotify.max_user_watches=65536"
        yield Finding("limits", "warn", f"only {watches} files may be watched: changes are seen later", step)
    import resource  # not on every system

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FEW_FILES:
        yield Finding("limits", "warn", f"only {soft} files may be open at once", "ulimit -n 4096")


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None  # a system without it
