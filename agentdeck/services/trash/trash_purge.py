"""What becomes of a tree in the trash that nobody wants back. The only place where the deck deletes files of an agent.

All of it blocks: call it in a thread.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters import git, git_moves, processes
from agentdeck.errors import AgentDeckError, TryAgain
from agentdeck.models.trash import TrashEntry
from agentdeck.services.trash.trash_trees import PLACE
from agentdeck.services.trees import losses


def check(entry: TrashEntry) -> None:
    """Raises unless the tree lies in the trash, itself and not by a link, and no process lives in it."""
    if not entry.place:
        return
    tree, trash = Path(entry.place), paths.trash_dir().resolve()
    if tree.parent.resolve() != trash or not PLACE.match(tree.name) or tree.is_symlink():
        raise AgentDeckError(f"{tree} is not in the trash", "It is left alone.")
    living = processes.inside(entry.place)
    if living:
        raise TryAgain(f"a living process is in {entry.place}: {living[0].name} (pid {living[0].pid})", "End it first.")


def destroy(entry: TrashEntry, stop: threading.Event) -> None:
    """Delete a tree in the trash, and only there; git forgets it. Its private refs stay.

    May take minutes; ends early once `stop` is set, and goes on where it was the next time.
    """
    check(entry)
    tree = Path(entry.place)
    if tree.is_dir():
        _make_writable(tree)
        if not _delete(tree, stop):
            return
    root = Path(entry.repo)
    if root.is_dir() and git_moves.own_directory(root, tree) is not None:
        git_moves.forget(root, tree)


def _make_writable(tree: Path) -> None:
    """Package caches come with directories that nobody may write to."""
    tree.chmod(tree.lstat().st_mode | stat.S_IRWXU)
    for folder, names, _ in os.walk(tree):  # the names are made readable before the walk goes down to them
        for path in (Path(folder, name) for name in names):
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
                path.chmod(mode | stat.S_IRWXU)


def _delete(tree: Path, stop: threading.Event) -> bool:
    """Bottom up, each name by its open directory: a link put in the way meanwhile leads nowhere. False when stopped."""
    for _, names, files, directory in os.fwalk(tree, topdown=False):
        if stop.is_set():
            return False
        for name in (*files, *names):
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                    os.rmdir(name, dir_fd=directory)
                else:
                    os.unlink(name, dir_fd=directory)
    tree.rmdir()
    return True


def drop_refs(entry: TrashEntry) -> list[str]:
    """Let go of the commits that only the trash held; what they were, one line each."""
    root = Path(entry.repo)
    if not root.is_dir():
        return []
    found = git.refs(root, entry.refs)
    lost = losses.unpushed(root, found.values(), "") if found else ()
    for ref, oid in found.items():
        git.set_ref(root, ref, git.NO_OID, oid, "deck: dropped")
    return list(lost)
