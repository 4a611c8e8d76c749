"""What would be lost if a worktree went away, path by path."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentdeck.adapters import git, git_index, git_moves, space
from agentdeck.services.trees import includes
from agentdeck.services.trees.leftovers import OURS, unhide

SHOWN = 50  # commits listed by name; more are counted


@dataclass(frozen=True, slots=True)
class Loss:
    """All empty when removing the worktree loses nothing. Commits are one line each, newest first.

    `ignored` names a wholly ignored directory once, with a final '/'; files copied in by
    `.worktreeinclude` and unchanged since are not listed. `sizes` are bytes on disk of
    what git does not have: untracked and ignored. `unpushed` are commits that no branch but
    the deck's own, no remote and no tag holds, `forgotten` those that only a log of the tree
    remembers (amended, reset away). `reason` is what is half-way, such as a merge.
    """

    staged: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    unpushed: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()
    reason: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def groups(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What is lost by kind, in the order a person should read it."""
        return (
            ("staged", self.staged), ("changed", self.changed), ("untracked", self.untracked),
            ("ignored", self.ignored), ("unpushed", self.unpushed), ("in its log only", self.forgotten),
        )  # fmt: skip

    @property
    def nothing(self) -> bool:
        return not self.reason and not any(found for _, found in self.groups)


def survey(tree: Path, root: Path, base_oid: str, branches: Mapping[str, str] | None = None) -> Loss:
    """Look at everything in `tree` that exists nowhere else. Takes no lock and changes nothing.

    `branches` (full ref name to commit) would go with it. A commit is safe when `base_oid`, a
    branch that is not the deck's, a remote branch, a tag or the main working tree's HEAD holds it.
    """
    staged, changed = _tracked(tree)
    untracked, ignored = git_index.untracked(tree), git_index.ignored(tree)
    copies = includes.unchanged(root, tree, [*untracked, *ignored])
    untracked = [path for path in untracked if path not in copies]
    collapsed = _collapse(git_index.ignored(tree, collapsed=True), [path for path in ignored if path not in copies])
    tips = [git.head(tree).oid, *(branches or {}).values()]
    return Loss(
        staged, changed, tuple(untracked), collapsed, unpushed(root, tips, base_oid),
        forgotten(tree, root, tips, branches or {}), _doing(tree),
        {path: space.taken(tree / path) for path in (*untracked, *collapsed)},
    )  # fmt: skip


def survey_missing(tree: Path, root: Path, head: str, base_oid: str, branches: Mapping[str, str]) -> Loss:
    """The same for a tree whose directory is gone: what its repository still keeps of it."""
    own = git_moves.own_directory(root, tree)
    staged = git_moves.staged_of_missing(root, own, head) if own else []
    tips = [head, *branches.values()]
    log = _lines(root, only_logged(root, tips, [*branches, *([f"worktrees/{own.name}/HEAD"] if own else [])]))
    return Loss(staged=tuple(staged), unpushed=unpushed(root, tips, base_oid), forgotten=log)


def unpushed(root: Path, tips: Iterable[str], base_oid: str) -> tuple[str, ...]:
    """Commits of `tips` that would be reachable from nowhere but a branch of the deck."""
    safe = [oid for oid in (base_oid, git.head(root).oid) if oid]
    wanted = [tip for tip in tips if tip]
    return _lines(root, git.unreachable(root, wanted, safe, own=f"{OURS}*") if wanted else [])


def forgotten(tree: Path, root: Path, tips: Iterable[str], branches: Iterable[str]) -> tuple[str, ...]:
    """Commits that nothing but the log of this tree or of its branches remembers."""
    return _lines(root, only_logged(tree, tips, ["HEAD", *branches]))


def only_logged(where: Path, tips: Iterable[str], logs: Iterable[str]) -> list[str]:
    """The same as full names; `logs` are refs as they are called in `where`."""
    known = [oid for log in logs for oid in git.reflog(where, log)]
    held = [*git.refs(where, "refs/deck").values(), *(tip for tip in tips if tip)]
    return git.unreachable(where, dict.fromkeys(known), held) if known else []


def branches_of(root: Path, tree: Path, branch: str) -> dict[str, str]:
    """The deck's branches (full ref name to commit) that belong to `tree` and are checked out nowhere else.

    Those are the one it is on, and all named after the agent it was made for; `branch` is the agent's newest one.
    """
    rows = git.worktrees(root)
    here = next((row.branch for row in rows if row.path.resolve() == tree.resolve()), "")
    elsewhere = {row.branch for row in rows if row.path.resolve() != tree.resolve()}
    names = {tree.name} | ({name} if (name := _owner(branch)) and not (tree.parent / name).exists() else set())
    found = {ref: oid for name in sorted(names) for ref, oid in git.refs(root, f"refs/heads/{OURS}{name}/").items()}
    if here.startswith(f"refs/heads/{OURS}"):
        found |= git.refs(root, here)
    return {ref: oid for ref, oid in found.items() if ref not in elsewhere}


def _owner(branch: str) -> str:
    """The agent's name in `deck/<name>/<n>`, '' for any other branch."""
    parts = branch.split("/")
    return parts[1] if branch.startswith(OURS) and len(parts) == 3 else ""


def _lines(root: Path, commits: list[str]) -> tuple[str, ...]:
    more = [f"and {len(commits) - SHOWN} more"] if len(commits) > SHOWN else []
    return tuple(git.subjects(root, commits[:SHOWN]) + more)


def _doing(tree: Path) -> str:
    doing = git.operation(tree)
    return f"{doing} is in progress" if doing else ""


def _tracked(tree: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    with git_index.scratch_index(tree) as env:
        unhide(tree, env)
        words = ("--porcelain=v1", "--no-renames", "--untracked-files=no", "--ignore-submodules=none", "-z")
        rows = git.items(tree, "status", *words, env=env)
    staged = tuple(row[3:] for row in rows if row[0] != " ")
    return staged, tuple(row[3:] for row in rows if row[1] != " ")


def _collapse(collapsed: Iterable[str], left: Iterable[str]) -> tuple[str, ...]:
    """Of the collapsed names, those under which one of `left` lies."""
    ordered = sorted(left)

    def holds(entry: str) -> bool:
        at = bisect_left(ordered, entry)
        found = ordered[at] if at < len(ordered) else ""
        return found == entry or (entry.endswith("/") and found.startswith(entry))

    return tuple(entry for entry in collapsed if holds(entry))
