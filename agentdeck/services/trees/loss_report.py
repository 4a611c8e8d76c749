"""What removing an agent would take away, in words, before anything is removed."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentdeck.adapters import git, git_moves, processes, space
from agentdeck.errors import AgentDeckError, TryAgain
from agentdeck.models.agent import Agent
from agentdeck.services import rows
from agentdeck.services.trees import disk, losses, worktrees
from agentdeck.services.trees.losses import Loss


@dataclass(frozen=True, slots=True)
class Report:
    """All that would go with one agent. `place` is its worktree, '' when nothing on disk would move.

    `refusal` says why it cannot be removed as things stand, '' when it can; `stays` why its
    tree would be kept where it is. `branches` (full ref name to commit) go along.
    """

    agent: Agent
    place: str = ""
    loss: Loss = Loss()
    branches: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    head: git.Head = git.Head("", "")
    missing: bool = False
    stays: str = ""
    refusal: str = ""
    hint: str = ""

    @property
    def digest(self) -> str:
        """What was shown, as one word: the request carries it, so that nothing goes that was not in the report.

        Sizes and living processes are not part of it: the one only inform, the others refuse by themselves.
        """
        facts = [self.place, self.stays, self.loss.reason, *self.loss.groups, sorted(self.branches.items())]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]

    def summary(self) -> str:
        """What would go, counted: `2 changed, 1 untracked, 3 ignored (12.3 MB), 1 unpushed`; '' for nothing."""
        parts = [self.loss.reason] if self.loss.reason else []
        for word, found in self.loss.groups:
            size = sum(self.loss.sizes.get(path, 0) for path in found)
            if found:
                parts.append(f"{_count(found)} {word}" + (f" ({disk.size(size)})" if size else ""))
        return ", ".join(parts)

    def lines(self) -> list[str]:
        """The report as a person reads it: one path or commit a line."""
        if self.agent.here:
            return self.notes()
        found = [f"{word}: {item}" + (f"  {size}" if size else "") for word, item, size in self.items()]
        return [f"{self.place or self.agent.worktree}:", *self.notes(), *found]

    def notes(self) -> list[str]:
        """What is to be said before the paths."""
        if self.agent.beside:
            return [f"{self.agent.name} is a terminal of yours: nothing of the worktree would be removed"]
        found = [f"it cannot be removed now: {self.refusal}"] if self.refusal else []
        if self.agent.here:
            where = "is a terminal beside an agent" if self.agent.beside else "works in the checkout itself"
            return [*found, f"{self.agent.name} {where}: nothing of it would be removed"]
        found += [text for text in (self.stays, self.loss.reason) if text]
        if self.missing:
            found.append("its directory is gone already")
        elif self.loss.nothing and not self.refusal:
            found.append("nothing would be lost")
        return [printable(text) for text in found]

    def items(self) -> list[tuple[str, str, str]]:
        """Kind, path or commit, and its size in words ('' for what git has)."""
        sizes = self.loss.sizes
        return [
            (word, printable(item), disk.size(sizes[item]) if item in sizes else "")
            for word, found in self.loss.groups
            for item in found
        ]


def _count(found: tuple[str, ...]) -> int:
    """How many there are, those counted in a last line `and 7 more` too."""
    words = found[-1].split()
    more = int(words[1]) if len(words) == 3 and words[0] == "and" and words[2] == "more" and words[1].isdigit() else 0
    return len(found) - 1 + more if more else len(found)


def printable(text: str) -> str:
    """A path on one line of a terminal, whatever bytes are in it."""
    safe = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return safe if safe.isascii() else safe.encode("utf-8", "backslashreplace").decode()


def describe(conn: sqlite3.Connection | None, agent_id: str) -> Report:
    """The report for an agent by name or id. Asks git: 100 ms and more."""
    agent = rows.find(conn, agent_id)
    engine = conn.execute("SELECT pid FROM engine").fetchone() if conn is not None else None
    return look(agent, engine["pid"] if engine else 0)


def look(agent: Agent, engine: int = 0) -> Report:
    """Look at everything again. What cannot be looked at is refused. `engine` is the pid of the deck's own."""
    if agent.here or not agent.worktree:
        refusal, hint = _running(agent)
        return Report(agent, refusal=refusal, hint=hint)
    tree, root = Path(agent.worktree), Path(agent.repo)
    try:
        if not os.path.lexists(tree):
            return _missing(agent, tree, root)
        return _present(agent, tree, root, engine)
    except AgentDeckError as error:
        return Report(agent, str(tree), refusal=error.title, hint=error.hint)
    except OSError as error:
        said = f"{error.filename or tree} cannot be looked at: {error.strerror}"
        return Report(agent, str(tree), refusal=said, hint="Mend that, then try again.")


def _missing(agent: Agent, tree: Path, root: Path) -> Report:
    if not root.is_dir():
        return Report(agent, missing=True)
    row = next((row for row in git.worktrees(root) if row.path.resolve() == tree.resolve()), None)
    oid = row.head if row and row.head != git.NO_OID else ""
    head = git.Head(oid, row.branch.removeprefix("refs/heads/") if row else "")
    branches = losses.branches_of(root, tree, agent.branch)
    loss = losses.survey_missing(tree, root, oid, agent.base_oid, branches)
    return Report(agent, "", loss, branches, head=head, missing=True)


def _present(agent: Agent, tree: Path, root: Path, engine: int) -> Report:
    row = worktrees.linked(tree, root)
    _check_whole(tree, root)
    _check_alone(tree, root, row)
    closed = space.unreadable(tree)
    if closed:
        raise AgentDeckError(f"{closed} cannot be read", "What is in it cannot be shown; mend its mode.")
    branches = losses.branches_of(root, tree, agent.branch)
    loss = losses.survey(tree, root, agent.base_oid, branches)
    stays = ""
    if git_moves.has_submodules(tree):
        stays = "it holds submodules, which git cannot move: the tree is kept where it is, with its branches"
        branches = {}
    refusal, hint = _running(agent)
    if not refusal:
        refusal, hint = _living(tree, engine)
    return Report(agent, str(tree), loss, branches, space.taken(tree), git.head(tree), False, stays, refusal, hint)


def _check_whole(tree: Path, root: Path) -> None:
    """The directory must lead to this repository: a lost `.git` file would make git answer for another one."""
    found = git.find(tree)
    if found.top.resolve() != tree.resolve() or found.common.resolve() != git.find(root).common.resolve():
        raise AgentDeckError(
            f"{tree} does not lead to its repository {root} any more", f"git -C {root} worktree repair {tree}"
        )


def _check_alone(tree: Path, root: Path, row: git.Tree) -> None:
    if row.locked:
        raise AgentDeckError(f"{tree} is locked", f"Somebody wants it kept. To allow it: git worktree unlock {tree}")
    for other in git.worktrees(root):
        if tree.resolve() in other.path.resolve().parents:
            raise AgentDeckError(f"another working tree is inside it: {other.path}", "Move that one away first.")
    lock = git.git_path(tree, "index.lock")
    if lock.exists():
        raise TryAgain(f"another git command holds {lock}", "Wait until it ends; when none runs, remove that file.")


def _running(agent: Agent) -> tuple[str, str]:
    if agent.pid and processes.alive(processes.Process(agent.pid, agent.pid_start)):
        return "it is running", f"Stop it first: agentdeck stop {agent.name}"
    return "", ""


def _living(tree: Path, engine: int) -> tuple[str, str]:
    ours = processes.family(engine) if engine else set()
    found = processes.inside(str(tree), ours)
    if not found:
        return "", ""
    named = ", ".join(f"{one.name} (pid {one.pid})" for one in found[:5]) + (" and more" if len(found) > 5 else "")
    return f"a living process is in it: {named}", "End it, or leave that directory, then try again."
