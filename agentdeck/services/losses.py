"""What would be lost if a worktree went away, path by path."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters import git
from agentdeck.services import includes
from agentdeck.services.leftovers import OURS, private_ref, unhide

SHOWN = 50  # commits listed by name; more are counted


@dataclass(frozen=True, slots=True)
class Loss:
    """All empty when removing the worktree loses nothing. `unlanded` are commits in one line each, newest first.

    `ignored` names a wholly ignored directory once, with a final '/'; files copied in by
    `.worktreeinclude` and unchanged since are not listed.
    """

    staged: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    unlanded: tuple[str, ...] = ()
    reason: str = ""

    @property
    def nothing(self) -> bool:
        return not (self.staged or self.changed or self.untracked or self.ignored or self.unlanded or self.reason)

    def lines(self) -> list[str]:
        """The report as a person reads it, one path or commit a line."""
        parts = (
            ("staged", self.staged), ("changed", self.changed), ("untracked", self.untracked),
            ("ignored", self.ignored), ("unlanded commit", self.unlanded),
        )  # fmt: skip
        return ([self.reason] if self.reason else []) + [f"{word}: {item}" for word, found in parts for item in found]


def survey(tree: Path, root: Path, base_oid: str) -> Loss:
    """Look at everything in `tree` that exists nowhere else. Takes no lock and changes nothing.

    A commit is safe when `base_oid`, a branch that is not the deck's, a remote branch, a
    tag or the main working tree's HEAD holds it.
    """
    staged, changed = _tracked(tree)
    untracked = git.untracked(tree)
    ignored = git.ignored(tree)
    copies = includes.unchanged(root, tree, [*untracked, *ignored])
    doing = git.operation(tree)
    return Loss(
        staged=staged,
        changed=changed,
        untracked=tuple(path for path in untracked if path not in copies),
        ignored=_collapse(git.ignored(tree, collapsed=True), [path for path in ignored if path not in copies]),
        unlanded=unlanded(root, git.head(tree).oid, base_oid),
        reason=f"{doing} is in progress" if doing else "",
    )


def unlanded(root: Path, tip: str, base_oid: str) -> tuple[str, ...]:
    """Commits of `tip` that would be reachable from nowhere but a branch of the deck."""
    if not tip:
        return ()
    safe = [oid for oid in (base_oid, git.head(root).oid) if oid]
    lost = git.unreachable(root, [tip], safe, own=f"{OURS}*")
    more = [f"and {len(lost) - SHOWN} more"] if len(lost) > SHOWN else []
    return tuple([git.subject(root, oid) for oid in lost[:SHOWN]] + more)


def rescue(tree: Path, name: str) -> list[str]:
    """Give commits that only this worktree's own log remembers (amended, reset away) a private ref each."""
    held = git.refs(tree, "refs/deck").values()
    kept = []
    for oid in git.tips(tree, git.unreachable(tree, git.reflog(tree), held)):
        ref = private_ref(tree, name)
        git.set_ref(tree, ref, oid, git.NO_OID, "deck: only the worktree's log held this")
        kept.append(ref)
    return kept


def _tracked(tree: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    with git.scratch_index(tree) as env:
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
