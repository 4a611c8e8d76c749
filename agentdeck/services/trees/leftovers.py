"""What a task left uncommitted becomes commits on the branch it was left on: nothing carried along, nothing dropped.

Plumbing only: the working tree is read, never written, and the index changes last. A file
that differs from what was staged gets two commits, the staged state first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters import git, git_index
from agentdeck.services.trees import includes

OURS = "deck/"  # branches that the deck made; every other branch is somebody else's and is never moved
LARGEST = 64_000_000  # bytes of an untracked file that is still copied into the repository when its tree only moves


@dataclass(frozen=True, slots=True)
class Saved:
    """`tip` is the last commit, `ref` the full name of what holds it; both '' when nothing had to be saved."""

    tip: str = ""
    ref: str = ""


def save(tree: Path, root: Path, name: str, task: int, target: str) -> Saved:
    """Commit all that is uncommitted in `tree`, before it moves to the commit `target`.

    That is: staged, changed and untracked files, and ignored ones that `target` would
    overwrite. A branch of ours takes the commits; on any other branch, or a detached HEAD,
    they go to a private ref `refs/deck/kept/<name>/<n>` and HEAD is detached there.
    """
    head = git.head(tree)
    staged, final = contents(tree, root, target)
    tip = commit(tree, head.oid, staged, final, _messages(name, task))
    if tip == head.oid:
        return _keep_detached(tree, name, head)
    if head.branch.startswith(OURS):
        ref = f"refs/heads/{head.branch}"
        git.set_ref(tree, ref, tip, head.oid or git.NO_OID, "deck: leftovers")
    else:
        ref = private_ref(tree, name)
        git.set_ref(tree, ref, tip, git.NO_OID, "deck: leftovers")
        git.set_ref(tree, "HEAD", tip, head.oid, "deck: leftovers", detach=True)
    unhide(tree, {})
    git.run(tree, "read-tree", "-i", "-m", tip)
    return Saved(tip, ref)


def contents(tree: Path, root: Path, target: str = "") -> tuple[str, str]:
    """Tree objects of what is staged ('' in a conflict) and of the files; neither index nor files change.

    Ignored files are in neither, save those that the commit `target` would overwrite; nor are
    untracked ones over LARGEST bytes when there is no target: the files stay where they are.
    """
    with git_index.scratch_index(tree) as env:
        conflict = bool(git.items(tree, "ls-files", "--unmerged", "-z"))
        staged = "" if conflict else write_tree(tree, env)
        unhide(tree, env)
        _add_all(tree, root, target, env)
        return staged, write_tree(tree, env)


def private_ref(tree: Path, name: str) -> str:
    """The next free `refs/deck/kept/<name>/<n>`: without `kept`, `deck/<name>/<n>` would mean it and not the branch."""
    taken = (ref.rpartition("/")[2] for ref in git.refs(tree, f"refs/deck/kept/{name}/"))
    return f"refs/deck/kept/{name}/{max((int(n) for n in taken if n.isdigit()), default=0) + 1}"


def unhide(tree: Path, env: Mapping[str, str]) -> None:
    """In the index that `env` names, drop the flags that hide changes (assume-unchanged, skip-worktree)."""
    tagged = [(row[0], row[2:]) for row in git.items(tree, "ls-files", "-v", "-z", env=env)]
    assumed = [path for tag, path in tagged if tag.islower()]
    skipped = [path for tag, path in tagged if tag in "Ss" and os.path.lexists(tree / path)]
    for flag, paths in (("--no-assume-unchanged", assumed), ("--no-skip-worktree", skipped)):
        if paths:
            git.run(tree, "update-index", flag, "-z", "--stdin", stdin=git_index.feed(paths), env=env)


def _add_all(tree: Path, root: Path, target: str, env: Mapping[str, str]) -> None:
    git.run(tree, "add", "--update", "--sparse", env=env)
    patterns = includes.patterns(root)
    found = [path for path in git_index.untracked(tree, patterns) if not path.endswith("/")]
    if target:
        found += _overwritten(tree, git_index.ignored(tree, patterns), target)
    else:
        found = [path for path in found if (tree / path).lstat().st_size <= LARGEST]
    if found:
        git.run(tree, "update-index", "--add", "--remove", "-z", "--stdin", stdin=git_index.feed(found), env=env)


def _overwritten(tree: Path, ignored: list[str], target: str) -> list[str]:
    """Ignored files that stand where `target` has a file or a directory."""
    if not ignored:
        return []
    tracked = set(git.items(tree, "ls-tree", "-r", "-z", "--name-only", "--full-tree", target))
    directories = {str(parent) for path in tracked for parent in Path(path).parents}
    return [
        path
        for path in ignored
        if not path.endswith("/")
        and (path in tracked or path in directories or any(str(parent) in tracked for parent in Path(path).parents))
    ]


def write_tree(tree: Path, env: Mapping[str, str]) -> str:
    return git.text(tree, "write-tree", "--missing-ok", env=env)


def commit(tree: Path, parent: str, staged: str, final: str, messages: tuple[str, str]) -> str:
    """The new tip after at most two commits on `parent`; `parent` itself when nothing differs."""
    before = git.find_oid(tree, parent, "tree") if parent else None
    empty = git.run(tree, "mktree")[1].decode().strip()
    last = before or empty
    if staged and staged not in (last, final):
        parent = git_index.commit_tree(tree, staged, parent, messages[0])
        last = staged
    return parent if final == last else git_index.commit_tree(tree, final, parent, messages[1])


def _messages(name: str, task: int) -> tuple[str, str]:
    trailer = f"Deck-Leftovers: {name}\n" + (f"Deck-Before-Task: {task}\n" if task else "")
    return (
        f"What {name} had staged\n\nThe files themselves differ; the next commit has them.\n\n{trailer}",
        f"What {name} left uncommitted\n\nSaved by agentdeck before the next task got a fresh branch.\n\n{trailer}",
    )


def _keep_detached(tree: Path, name: str, head: git.Head) -> Saved:
    if head.branch or not head.oid:
        return Saved()
    if not git.unreachable(tree, [head.oid], git.refs(tree, "refs/deck").values()):
        return Saved()
    ref = private_ref(tree, name)
    git.set_ref(tree, ref, head.oid, git.NO_OID, "deck: detached commits")
    return Saved(head.oid, ref)
