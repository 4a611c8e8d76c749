"""What the gate looks at in git before it runs a command. Everything here blocks: call it in a thread.

Nothing is dropped: what is uncommitted becomes a commit on the branch it stands on, and commits
off the task's branch get a private ref.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters import git, git_checks, git_merge
from agentdeck.errors import AgentDeckError
from agentdeck.models.gate import StepState
from agentdeck.services.gate import protection
from agentdeck.services.trees import leftovers

SHOWN = 3  # paths named in a reason before the rest is only counted


@dataclass(frozen=True, slots=True)
class Case:
    """One attempt as the gate sees it. `base_oid` is where it began, `base` what it will be landed on.

    `here`: it works in the human's own checkout, where nothing is committed or moved for it.
    """

    task: int
    n: int
    agent: str
    tree: Path
    root: Path
    branch: str
    base_oid: str
    base: str = ""
    here: bool = False
    verify: str = ""
    protect: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    state: StepState
    reason: str = ""


def some(names: Collection[str]) -> str:
    """A few names and how many more there are."""
    shown = ", ".join(list(names)[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown


def branch(case: Case) -> tuple[Finding, str]:
    """Whether the work is on its branch, and the commit it ends with; what was uncommitted is committed."""
    head = git.head(case.tree)
    if case.here:
        return Finding("skipped", "it works in your own checkout: nothing is committed for it"), head.oid
    doing = git.operation(case.tree)
    if doing:
        return Finding("failed", f"{doing} is in progress in its worktree"), head.oid
    if head.branch != case.branch:
        return _elsewhere(case, head), head.oid
    dirty = _dirty(case)
    tip = _commit(case, head)
    if tip == head.oid and _is_ours(case, tip):  # an earlier look committed it, and was cut off
        dirty = [change.path for change in git_checks.changes(case.tree, f"{tip}^", tip)]
    elif tip == head.oid:
        return Finding("passed", f"all is committed on {case.branch}"), tip
    return Finding("flagged", f"uncommitted when it said it was done, committed by the deck: {some(dirty)}"), tip


def _dirty(case: Case) -> list[str]:
    lines = git.items(case.tree, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    return [line[3:] for line in lines]


def _commit(case: Case, head: git.Head) -> str:
    """The branch's tip once nothing is uncommitted. The index changes last, so a crash in between changes nothing."""
    staged, final = leftovers.contents(case.tree, case.root)
    before = git.find_oid(case.tree, f"{head.oid}^", "tree")
    messages = _messages(case)
    tip = leftovers.commit(case.tree, head.oid, "" if staged == before else staged, final, messages)
    if tip != head.oid:
        git.set_ref(case.tree, f"refs/heads/{case.branch}", tip, head.oid, "deck: left uncommitted")
    if staged != final:
        leftovers.unhide(case.tree, {})
        git.run(case.tree, "read-tree", "-i", "-m", tip)
    return tip


def _is_ours(case: Case, commit: str) -> bool:
    """Whether the deck itself made this commit, of what this very attempt had left."""
    return git.text(case.tree, "log", "-1", "--format=%B", commit, "--").rstrip().endswith(_trailer(case).rstrip())


def _trailer(case: Case) -> str:
    return f"Deck-Task: {case.task}\nDeck-Attempt: {case.n}\nDeck-Agent: {case.agent}\n"


def _messages(case: Case) -> tuple[str, str]:
    trailer = _trailer(case)
    return (
        f"What {case.agent} had staged\n\nThe files themselves differ; the next commit has them.\n\n{trailer}",
        f"What {case.agent} left uncommitted\n\nCommitted by agentdeck before the work was checked.\n\n{trailer}",
    )


def _elsewhere(case: Case, head: git.Head) -> Finding:
    """The work is not where it belongs: it is kept, named, and sent back."""
    saved = leftovers.save(case.tree, case.root, case.agent, 0, "")
    tip = saved.tip or head.oid
    own = git.find_oid(case.tree, f"refs/heads/{case.branch}")
    kept = saved.ref
    if tip and not (own and git_checks.contains(case.tree, own, tip)):
        held = git.refs(case.tree, f"refs/deck/kept/{case.agent}")
        kept = next((ref for ref, oid in held.items() if oid == tip), "")
        if not kept:
            kept = leftovers.private_ref(case.tree, case.agent)
            git.set_ref(case.tree, kept, tip, git.NO_OID, "deck: off its branch")
    where = head.branch or f"no branch (at {head.oid[:10]})"
    gone = "" if own else ", which is gone"
    return Finding("failed", f"its work is on {where}, not on {case.branch}{gone}" + (f"; kept as {kept}" * bool(kept)))


def target(case: Case) -> str:
    """The commit that the work will be landed on, as it is now."""
    return case.base_oid if case.here else git.resolve(case.root, case.base or "HEAD")


def start(case: Case, tip: str, onto: str) -> str:
    """The commit from which the work is counted: what others did, and was merged in, is not its own."""
    try:
        shared = git.merge_base(case.tree, tip, onto)
        if not shared or (case.base_oid and git_checks.contains(case.tree, case.base_oid, shared)):
            return case.base_oid  # it began with work that is not on its base yet
        return shared
    except AgentDeckError:
        return case.base_oid


def changed(case: Case, tip: str, begin: str) -> Finding:
    """Whether anything was done at all."""
    if case.here:
        dirty = _dirty(case)
        done = tip != case.base_oid or dirty
        return Finding("passed" if done else "failed", "" if done else "nothing changed")
    count = git_checks.count(case.tree, begin, tip)
    if not count:
        return Finding("failed", "nothing changed: its branch has no commit of its own")
    files = git_checks.changes(case.tree, begin, tip)
    if not files:
        return Finding("failed", f"nothing changed: its {_many(count, 'commit')} leave every file as it was")
    return Finding("passed", f"{_many(count, 'commit')}, {_many(len(files), 'file')}")


def base(case: Case, tip: str) -> Finding:
    """Whether the branch still has the commit it began from."""
    if case.here or not case.base_oid:
        return Finding("skipped")
    if git_checks.contains(case.tree, tip, case.base_oid):
        return Finding("passed", f"it goes on from {case.base_oid[:10]}")
    return Finding("failed", f"its branch no longer contains {case.base_oid[:10]}, the commit it began from")


def protected(case: Case, tip: str, begin: str) -> Finding:
    """Whether a file that the verify command trusts was changed."""
    if case.here or not begin:
        return Finding("skipped")
    files = git_checks.files(case.tree, begin)
    if case.protect is None:
        held = protection.trusted(case.verify, files, lambda path: git_checks.content(case.tree, begin, path))
    else:
        held = protection.matched(case.protect, files)
    found = protection.touched(git_checks.changes(case.tree, begin, tip), held) if held else []
    if found:
        return Finding("flagged", f"protected: {some(found)}")
    return Finding("passed", f"{_many(len(held), 'protected file')} as before" if held else "nothing is protected")


def merge(case: Case, tip: str, onto: str, place: Path) -> Finding:
    """Whether the work merges with its base as that is now."""
    name = case.base or "HEAD"
    if case.here:
        return Finding("skipped")
    missing = git_merge.missing()
    if missing:
        return Finding("skipped", missing)
    try:
        found = git_merge.Bench(place, case.tree).conflicts(tip, onto)
    except git.GitError as error:
        return Finding("failed", f"it cannot be merged with {name}: {error.title}")
    if found:
        return Finding("failed", f"it conflicts with {name} ({onto[:10]}) in {some(found)}")
    return Finding("passed", f"it merges with {name} ({onto[:10]})")


def stands(case: Case, tip: str) -> bool:
    """Whether the branch still ends where it did when the checks began."""
    head = git.head(case.tree)
    return head.oid == tip and (case.here or head.branch == case.branch)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + ("s" if count != 1 else "")


def joined(reasons: Sequence[str]) -> str:
    return "; ".join(reason for reason in reasons if reason)
