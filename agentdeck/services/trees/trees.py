"""What happens to worktrees behind our back, seen cheaply: one git process for all trees of a repository.

`look` reads (blocking; no lock, nothing changed), `judge` decides, purely. A look that fails asserts nothing.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters import git, git_links
from agentdeck.adapters.git_links import Link
from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.tree import TreeState, Trouble

STALE_LOCK_SECONDS = 60.0  # an index lock older than this belongs to a git that died
LOG_SETTLED_SECONDS = 2.0  # a log written since is of a command that may have ended after the branch was read
LOG_TAIL = 4_096
GIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Look:
    """What was found. `listed` is git's own list of the repository's trees, None when it has no repository there.

    `link` is what the tree's `.git` is, `admin` the directory it names (None: not there); `logged` says
    whether the tree's own log ends with its commit (None: it keeps none, or is being written).
    """

    listed: tuple[git.Tree, ...] | None
    there: bool
    link: Link = "file"
    admin: Path | None = None
    doing: str = ""
    lock: str = ""  # the path of a stale index lock
    logged: bool | None = None


# -- looking


def look(agents: Iterable[Agent]) -> dict[str, Look]:
    """Everything about the trees of `agents` (by id). A repository that git cannot answer for now is left out."""
    by_repo: dict[str, list[Agent]] = {}
    for agent in agents:
        if agent.worktree:
            by_repo.setdefault(agent.repo, []).append(agent)
    found: dict[str, Look] = {}
    for repo, members in by_repo.items():
        try:
            listed = tuple(git.worktrees(repo, timeout=GIT_SECONDS)) if git.is_repository(repo) else None
        except AgentDeckError:
            continue
        now = time.time()
        for agent in members:
            with contextlib.suppress(OSError):
                found[agent.id] = _look(agent, listed, now)
    return found


def _look(agent: Agent, listed: tuple[git.Tree, ...] | None, now: float) -> Look:
    tree = Path(agent.worktree)
    if not tree.is_dir():
        return Look(listed, there=False)
    link, admin = git_links.read(tree)
    if admin is None:
        return Look(listed, True, link)
    row = _row(listed, tree)
    return Look(
        listed,
        True,
        link,
        admin,
        git.half_way(admin),
        _stale_lock(admin, now),
        _logged(admin, row.head if row else "", now),
    )


def _stale_lock(admin: Path, now: float) -> str:
    lock = admin / "index.lock"
    try:
        return str(lock) if now - lock.stat().st_mtime > STALE_LOCK_SECONDS else ""
    except OSError:
        return ""


def _logged(admin: Path, head: str, now: float) -> bool | None:
    """Whether HEAD's own log ends with `head`: every command that moves a branch from inside its tree writes there."""
    try:
        with open(admin / "logs" / "HEAD", "rb") as file:
            size = file.seek(0, os.SEEK_END)
            if not head or not size or now - os.fstat(file.fileno()).st_mtime < LOG_SETTLED_SECONDS:
                return None
            file.seek(max(0, size - LOG_TAIL))
            last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
            return last.split(b" ")[1] == head.encode()
    except (OSError, IndexError):
        return None


def _row(listed: Sequence[git.Tree] | None, tree: Path) -> git.Tree | None:
    wanted, rows = tree.resolve(), listed or ()
    exact = next((row for row in rows if row.path == wanted), None)
    # to resolve each row for each tree would be some ten thousand system calls a look with sixty agents
    return exact or next((row for row in rows if row.path.resolve() == wanted), None)


# -- judging


def judge(agent: Agent, seen: Look, before: TreeState) -> TreeState:
    """The state of an agent's tree, purely; `before` is what was known of it."""
    if seen.listed is None:
        return _told(before, "repo_gone", *_repo_gone(agent, seen))
    if not seen.there:
        return _told(before, "gone", *_gone(agent, seen.listed, before))
    trouble = _unusable(agent, seen)
    if trouble is not None:
        return _told(before, *trouble)
    row = _row(seen.listed, Path(agent.worktree))
    if row is None and agent.here:
        return _told(before, "", "", "")  # a submodule's checkout: git lists its git directory instead
    if row is None:
        return _told(
            before, "unlinked", "git has forgotten its worktree; the files are there",
            f"Link it again: agentdeck adopt --yes {agent.name}",
        )  # fmt: skip
    branch = row.branch.removeprefix("refs/heads/")
    last = before.head if branch == before.branch else ""
    now = TreeState(branch, last if row.head == git.NO_OID else row.head)
    return _told(now, *(_unexpected(agent, seen, row, before) or ("", "", "")))


def _told(state: TreeState, trouble: Trouble, note: str, hint: str) -> TreeState:
    return TreeState(state.branch, state.head, trouble, note, hint)


def _repo_gone(agent: Agent, seen: Look) -> tuple[str, str]:
    tree = shlex.quote(agent.worktree)
    if agent.here:
        return f"its checkout is gone: {agent.worktree}", "Bring it back where it was, or remove the agent."
    if not seen.there:
        return f"its repository is gone, and its worktree: {agent.repo}", "Bring the repository back where it was."
    return (
        f"its repository is gone: {agent.repo}",
        f"If it moved, say so in its new place: git worktree repair {tree}. The files are in {tree} in any case.",
    )


def _gone(agent: Agent, listed: Sequence[git.Tree], before: TreeState) -> tuple[str, str]:
    branch, at = before.branch or agent.branch, f"git -C {shlex.quote(agent.repo)} worktree"
    tree = shlex.quote(agent.worktree)
    if agent.here:
        return f"its checkout is gone: {agent.worktree}", "Bring it back where it was, or remove the agent."
    moved = next((r for r in listed if branch and r.branch == f"refs/heads/{branch}" and not r.missing), None)
    if moved is not None and moved.path.is_dir():
        there = shlex.quote(str(moved.path))
        return f"its worktree has moved to {moved.path}", f"Move it back: {at} move {there} {tree}"
    row = _row(listed, Path(agent.worktree))
    lost = row is not None and row.head == git.NO_OID and branch and before.head
    start = f"-b {shlex.quote(branch)} {tree} {before.head}" if lost else f"{tree} {shlex.quote(branch or before.head)}"
    again = f"{at} add -f {start}"
    return f"its worktree is gone: {agent.worktree}", f"Make it again from its last commit: {again}"


def _unusable(agent: Agent, seen: Look) -> tuple[Trouble, str, str] | None:
    if agent.here:
        return None
    repair = f"git -C {shlex.quote(agent.repo)} worktree repair"
    if seen.link == "directory":
        mark = shlex.quote(f"{agent.worktree}/.git")
        return (
            "broken", "its .git is a repository of its own, not the worktree's link",
            f"Look at it, move it away (mv {mark} {mark}.own), then: {repair}",
        )  # fmt: skip
    if seen.link != "file":
        return "broken", f"its .git file is {seen.link}", f"Write it again: {repair}"
    return None


def _unexpected(agent: Agent, seen: Look, row: git.Tree, before: TreeState) -> tuple[Trouble, str, str] | None:
    """What a human would want to know although the agent can go on."""
    branch, at = row.branch.removeprefix("refs/heads/"), f"git -C {shlex.quote(agent.repo)}"
    assigned = before.branch or agent.branch
    if row.head == git.NO_OID and branch == assigned and before.head:
        return (
            "branch_gone", f"its branch {branch} is gone; it stood at {before.head[:10]}",
            f"Bring it back: {at} branch {shlex.quote(branch)} {before.head[:10]}",
        )  # fmt: skip
    if seen.logged is False and branch and not agent.here:
        return (
            "branch_moved", f"its branch {branch} was moved from outside to {row.head[:10]}",
            "Its files are as they were. `git reflog` in its worktree names the commit they belong to.",
        )  # fmt: skip
    others = [
        r for r in seen.listed or () if r.branch == row.branch and r.path != row.path and branch and not r.missing
    ]
    if others:
        return (
            "shared", f"its branch {branch} is checked out in {others[0].path} too",
            f"Give that one another: git -C {shlex.quote(str(others[0].path))} switch -c NEW",
        )  # fmt: skip
    if seen.lock:
        return "locked", "its index is locked", f"When no git runs there, remove {seen.lock}"
    if seen.doing:
        return "operation", f"{seen.doing} is in progress", "The agent finishes it, or git says how to abort it."
    if not branch:
        return "detached", f"HEAD is detached at {row.head[:10]}", ""
    if branch != agent.branch and not agent.here:
        return "switched", f"it left {agent.branch} for {branch}", ""
    return None


# -- before a verb that needs the tree


def require(agent: Agent) -> None:
    """Raise, with the next step, when nothing can be started in the agent's tree. Blocks; asks git once."""
    seen = look([agent]).get(agent.id)
    if seen is None:
        return  # git cannot answer now: what follows will say why
    state = judge(agent, seen, TreeState())
    if state.blocks:
        raise AgentDeckError(f"'{agent.name}': {state.note}", state.hint)


def moved_repositories(agents: Iterable[Agent], seen: Mapping[str, Look]) -> dict[str, str]:
    """The new home (by agent id) of repositories that moved and whose trees were told so by `git worktree repair`."""
    found = {}
    for agent in agents:
        sight = seen.get(agent.id)
        if sight is not None and sight.listed is None and sight.admin is not None and not agent.here:
            try:
                found[agent.id] = str(git.find(agent.worktree).root)
            except AgentDeckError:
                continue
    return found
