"""Each step of a worktree's way into the trash and back. All of it blocks: call it in a thread.

A step finds out what is done already and does the rest, so it can be repeated after a crash
between any two. Nothing is deleted here but private refs and empty directories.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from agentdeck import paths
from agentdeck.adapters import git, git_index, git_moves
from agentdeck.errors import AgentDeckError
from agentdeck.models.trash import TrashEntry
from agentdeck.services.trees import leftovers, losses, worktrees
from agentdeck.services.trees.leftovers import OURS
from agentdeck.services.trees.loss_report import Report

PLACE = re.compile(r"[a-z0-9-]+-[0-9a-f]{8}\Z")


def place(name: str, key: str) -> Path:
    """Where the tree of a removed agent lies: beside the worktrees, on the same file system."""
    return paths.trash_dir() / f"{name}-{key}"


def where(entry: TrashEntry) -> Literal["trash", "origin", "nowhere"]:
    """Where the tree is now, by looking."""
    if entry.place and os.path.lexists(entry.place):
        return "trash"
    return "origin" if entry.origin and os.path.lexists(entry.origin) else "nowhere"


# In: save, detach, release, move_in


def save(entry: TrashEntry, report: Report) -> str:
    """Give everything that git knows of the tree a private ref; returns the snapshot commit, '' when there is none.

    The snapshot has tracked and untracked files, what was staged in a commit of its own before it.
    """
    root, tree = Path(entry.repo), Path(entry.origin)
    if not report.missing:
        worktrees.linked(tree, root)
    for ref, oid in report.branches.items():
        _keep(root, f"{entry.refs}/{ref.removeprefix('refs/')}", oid)
    if entry.head:
        _keep(root, f"{entry.refs}/head", entry.head)
    snapshot = _snapshot(entry, tree, root, report)
    if snapshot:
        _keep(root, f"{entry.refs}/snapshot", snapshot)
    logs = ["HEAD", *report.branches] if not report.missing else list(report.branches)
    tips = [entry.head, *report.branches.values()]
    lost = losses.only_logged(tree if not report.missing else root, tips, logs)
    for number, oid in enumerate(git.tips(root, lost), 1):
        _keep(root, f"{entry.refs}/log/{number}", oid)
    return snapshot


def _keep(root: Path, ref: str, oid: str) -> None:
    if git.find_oid(root, ref) != oid:
        git.set_ref(root, ref, oid, git.NO_OID, "deck: removed")


def _snapshot(entry: TrashEntry, tree: Path, root: Path, report: Report) -> str:
    words = [
        f"What {entry.name} had {how}when it was removed\n\nSaved by agentdeck.\n\nDeck-Trash: {entry.id}\n"
        for how in ("staged ", "")
    ]
    if not report.missing:
        staged, final = leftovers.contents(tree, root)
        made = leftovers.commit(tree, entry.head, staged, final, (words[0], words[1]))
        return made or git_index.commit_tree(tree, final, "", words[1])
    own = git_moves.own_directory(root, tree)
    try:
        final = git_moves.write_index_of_missing(root, own) if own else ""
    except git.GitError:  # in the middle of a conflict
        final = ""
    return leftovers.commit(root, entry.head, "", final, (words[0], words[1])) if final else entry.head


def detach(entry: TrashEntry) -> None:
    """Let HEAD stand on its commit alone, so that the branch can be had by others. Index and files stay."""
    tree = Path(entry.origin)
    if git.head(tree).branch:
        oid = entry.head or entry.snapshot
        git.set_ref(tree, "HEAD", oid, entry.head or git.NO_OID, "deck: removed", detach=True)


def release(entry: TrashEntry) -> None:
    """Free the names of the branches that a private ref holds; one that has moved meanwhile stays."""
    root = Path(entry.repo)
    for kept, oid in git.refs(root, f"{entry.refs}/heads").items():
        ref = "refs/" + kept.removeprefix(f"{entry.refs}/")
        if git.find_oid(root, ref) == oid:
            git.set_ref(root, ref, git.NO_OID, oid, "deck: removed")


def move_in(entry: TrashEntry) -> None:
    """One rename into the trash; git says no to what it cannot move, and then nothing has moved."""
    tree, root = Path(entry.origin), Path(entry.repo)
    worktrees.linked(tree, root)
    paths.make_private(paths.trash_dir())
    git_moves.move(root, tree, Path(entry.place))
    worktrees.forget_empty(tree.parent)


def forget_missing(entry: TrashEntry) -> None:
    """Let git drop its record of a tree whose directory had vanished; what it knew has private refs."""
    root, tree = Path(entry.repo), Path(entry.origin)
    if git_moves.own_directory(root, tree) is not None:
        git_moves.forget(root, tree)


# Back: move_out, restore, attach, forget_refs


def move_out(entry: TrashEntry) -> None:
    """One rename back to where the tree was."""
    origin = Path(entry.origin)
    paths.make_private(paths.worktrees_dir())
    origin.parent.mkdir(exist_ok=True)
    git_moves.move(Path(entry.repo), Path(entry.place), origin)


def target(entry: TrashEntry, name: str = "") -> str:
    """Where the tree goes back to: its own place, or that of a new `name` when it is taken; raises when it cannot."""
    if not entry.place:
        return entry.origin
    if not os.path.lexists(entry.place):
        held = f"Its commits are held by git: git -C {entry.repo} branch NAME {entry.snapshot}"
        raise AgentDeckError(f"{entry.place} is gone: somebody deleted it", held)
    if not Path(entry.repo).is_dir():
        raise AgentDeckError(f"the repository of '{entry.name}' is gone: {entry.repo}", f"Its files: {entry.place}")
    places = [Path(entry.origin)] + ([Path(entry.origin).with_name(name)] if name else [])
    free = next((str(path) for path in places if _is_free(entry, path)), "")
    if not free:
        hint = f"Give it a new name, and it gets a place of its own: agentdeck undo {entry.id} --name NEW"
        raise AgentDeckError(f"{places[-1]} is taken by another worktree by now", hint)
    return free


def _is_free(entry: TrashEntry, path: Path) -> bool:
    """Nothing is there, and git lists no worktree there that is gone."""
    return not os.path.lexists(path) and git_moves.own_directory(Path(entry.repo), path) is None


def mend(entry: TrashEntry) -> None:
    """After a crash: tell git where the tree is, should it have been killed between its two steps."""
    at = {"trash": entry.place, "origin": entry.origin}.get(where(entry))
    if at:
        git_moves.mend(Path(entry.repo), Path(at))


def snapshot_of(entry: TrashEntry) -> str:
    """The snapshot commit, as the repository has it; '' when it has none."""
    return git.find_oid(entry.repo, f"{entry.refs}/snapshot") or ""


def restore(entry: TrashEntry) -> list[str]:
    """Give branches their names back; returns those (short) that somebody else has by now."""
    root, taken = Path(entry.repo), list[str]()
    for kept, oid in git.refs(root, f"{entry.refs}/heads").items():
        branch = kept.removeprefix(f"{entry.refs}/heads/")
        if not git.branch_in_the_way(root, branch):
            git.set_ref(root, f"refs/heads/{branch}", oid, git.NO_OID, "deck: undo")
        elif git.find_oid(root, f"refs/heads/{branch}") != oid or _in_use(root, branch, Path(entry.origin)):
            taken.append(branch)
    return taken


def attach(entry: TrashEntry, name: str) -> str:
    """Put HEAD on its branch again, or on a fresh one of ours when that is taken; the branch, '' for detached."""
    tree, root = Path(entry.origin), Path(entry.repo)
    head = git.head(tree)
    if head.branch or not entry.branch:
        return head.branch
    branch = entry.branch
    oid = git.find_oid(root, f"refs/heads/{branch}")
    if (oid or "") != entry.head or _in_use(root, branch, tree):
        if not branch.startswith(OURS):
            return ""
        branch = _fresh(root, name)
        if entry.head:
            git.set_ref(root, f"refs/heads/{branch}", entry.head, git.NO_OID, "deck: undo")
    git_moves.attach_head(tree, branch)
    return branch


def _in_use(root: Path, branch: str, but: Path) -> bool:
    rows = git.worktrees(root)
    return any(row.branch == f"refs/heads/{branch}" and row.path.resolve() != but.resolve() for row in rows)


def _fresh(root: Path, name: str) -> str:
    n = 1
    while git.branch_in_the_way(root, worktrees.branch_name(name, n)):
        n += 1
    return worktrees.branch_name(name, n)


def stay_out(entry: TrashEntry) -> None:
    """Take back what was done before a move that did not happen."""
    if not entry.origin or not os.path.isdir(entry.repo) or not git.refs(entry.repo, entry.refs):
        return  # nothing was done: the private refs come first
    restore(entry)
    if entry.place and where(entry) == "origin":
        attach(entry, entry.name)
    forget_refs(entry, entry.name)


def forget_refs(entry: TrashEntry, name: str) -> None:
    """Drop the private refs of a tree that is back; what its own log and branches do not hold keeps one."""
    root, tree = Path(entry.repo), Path(entry.origin)
    held = [*git.reflog(tree), git.head(tree).oid] if os.path.lexists(tree) else []
    for ref, oid in git.refs(root, entry.refs).items():
        derived = entry.place and ref in (f"{entry.refs}/snapshot", f"{entry.refs}/head")
        if not derived and git.unreachable(root, [oid], [one for one in held if one]):
            git.set_ref(root, leftovers.private_ref(root, name), oid, git.NO_OID, "deck: undo")
        git.set_ref(root, ref, git.NO_OID, oid, "deck: undo")
