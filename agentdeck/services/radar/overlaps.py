"""What the trees of agents have in common, and whether they still merge: looked up in git, and remembered.

Everything here blocks: call it in a thread, one call at a time. Answers are kept until a mark of
what they depend on changes, so that asking again costs a few looks at files and no process.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters import git, git_marks, git_merge
from agentdeck.adapters.git_marks import Mark
from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.services.radar.collisions import Pair, sharing
from agentdeck.services.trees import includes, worktrees

TRIES = 6  # merges in one round
SNAPSHOT_BYTES = 8_000_000  # uncommitted work is tried only up to this size
SNAPSHOTS = 300  # after so many their objects are thrown away


@dataclass(frozen=True, slots=True)
class Sight:
    """One agent as seen last: its own paths, the commit it will land on, and marks of where all that stood."""

    paths: tuple[str, ...]
    target: str
    mark: Mark
    base_mark: Mark
    exact: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """A comparison of two things with these marks, and the paths it found."""

    marks: tuple[Mark, Mark]
    paths: tuple[str, ...]
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """By pair: the files both changed, and those a merge leaves in conflict; the name of each agent's base.

    `owed`: merges are still to be tried in a next round.
    """

    shared: Mapping[Pair, tuple[str, ...]]
    conflicts: Mapping[Pair, tuple[str, ...]]
    bases: Mapping[str, str]
    owed: bool


class Overlaps:
    """`place` is a directory of ours, made anew, in which merges are tried."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._agents: Mapping[str, Agent] = {}
        self._sights: dict[str, Sight] = {}
        self._bases: dict[tuple[str, str], tuple[Mark, str]] = {}
        self._files: dict[Pair, Tried] = {}
        self._merges: dict[Pair, Tried] = {}
        self._tips: dict[str, tuple[Mark, git_merge.Tip]] = {}
        self._benches: dict[str, git_merge.Bench] = {}
        self._made = 0
        self._able: bool | None = None

    def moved(self, agents: Iterable[Agent]) -> set[str]:
        """The ids of those whose base moved since they were last seen. No process is started."""
        seen = [agent for agent in agents if agent.id in self._sights]
        now = {(agent.repo, agent.base): _base_mark(agent) for agent in {(a.repo, a.base): a for a in seen}.values()}
        return {agent.id for agent in seen if self._sights[agent.id].base_mark != now[agent.repo, agent.base]}

    def round(self, agents: Mapping[str, Agent], heard: Mapping[str, tuple[str, ...] | None], stale: set[str]) -> Found:
        """Judge all pairs anew as far as something about them changed.

        `heard` are the paths that differ from where each agent began (None: not known), `stale`
        the agents that may have changed since the last round.
        """
        self._agents = agents
        self._forget(agents, stale)
        known = {key: found for key, found in heard.items() if found}
        rough = {key for pair in self._sharing(known) for key in pair}
        for key, found in known.items():
            self._see(agents[key], found, exact=key in rough)
        exact = {key: self._sights[key].paths for key in rough}
        shared = {pair: self._really(pair, found) for pair, found in self._sharing(exact).items()}
        shared = {pair: found for pair, found in shared.items() if found}
        conflicts, owed = self._conflicts([*shared, *((key, "") for key in known)])
        return Found(shared, conflicts, {key: _base_name(agent) for key, agent in agents.items()}, owed)

    def _forget(self, agents: Mapping[str, Agent], stale: set[str]) -> None:
        for key in [*stale, *(key for key in self._sights if key not in agents)]:
            self._sights.pop(key, None)
        for cache in (self._files, self._merges):
            for pair in [pair for pair in cache if any(key and key not in agents for key in pair)]:
                del cache[pair]

    def _sharing(self, touched: Mapping[str, tuple[str, ...]]) -> dict[Pair, tuple[str, ...]]:
        """Within each repository: paths are relative to it."""
        repos: dict[str, dict[str, tuple[str, ...]]] = {}
        for key, found in touched.items():
            repos.setdefault(self._agents[key].repo, {})[key] = found
        return {pair: found for several in repos.values() for pair, found in sharing(several).items()}

    # -- what one agent has changed

    def _see(self, agent: Agent, found: tuple[str, ...], *, exact: bool) -> None:
        old = self._sights.get(agent.id)
        if old is not None and (old.exact or not exact):
            return
        tree = Path(agent.worktree)
        base_mark, target = self._base(agent)
        own = self._own(agent, found, target) if exact else found
        mark = (git_marks.head_mark(tree), git_marks.file_mark(tree, found))
        self._sights[agent.id] = Sight(own, target, mark, base_mark, exact)

    def _base(self, agent: Agent) -> tuple[Mark, str]:
        """Where the base stands now, as a mark and as a commit ('' when it names none)."""
        key, mark = (agent.repo, agent.base), _base_mark(agent)
        known = self._bases.get(key)
        if known is None or known[0] != mark:
            known = self._bases[key] = (mark, git.find_oid(agent.repo, agent.base or "HEAD") or "")
        return known

    def _own(self, agent: Agent, found: tuple[str, ...], target: str) -> tuple[str, ...]:
        """Of the paths that differ from the start, those that are this agent's doing and not landed already."""
        tree = Path(agent.worktree)
        if agent.here:
            dirty = worktrees.differing(tree, "HEAD", agent.repo)
            return tuple(path for path in dirty if _changed_after(tree / path, agent.created))
        if target in ("", agent.base_oid):
            return found
        start = git.merge_base(tree, "HEAD", target)
        if start not in ("", agent.base_oid) and not agent.base:
            found = worktrees.differing(tree, start, agent.repo)
        waiting = set(worktrees.differing(tree, target, agent.repo))
        return tuple(path for path in found if path in waiting)

    # -- two agents

    def _really(self, pair: Pair, found: tuple[str, ...]) -> tuple[str, ...]:
        """Of the files both changed, those that are not the same in both."""
        one, other = (self._agents[key] for key in pair)
        if one.worktree == other.worktree:
            return found
        marks = self._sights[pair[0]].mark, self._sights[pair[1]].mark
        known = self._files.get(pair)
        if known is None or known.marks != marks:
            here, there = Path(one.worktree), Path(other.worktree)
            differ = tuple(path for path in found if not _alike(here / path, there / path))
            known = self._files[pair] = Tried(marks, differ)
        return known.paths

    def _conflicts(self, pairs: Sequence[Pair]) -> tuple[dict[Pair, tuple[str, ...]], bool]:
        if self._able is None:
            self._able = not git_merge.missing()
        if not self._able:
            return {}, False
        todo = [pair for pair in pairs if self._outdated(pair)]
        todo.sort(key=lambda pair: self._merges[pair].at if pair in self._merges else 0.0)
        for pair in todo[:TRIES]:
            self._try(pair)
        self._merges = {pair: self._merges[pair] for pair in pairs if pair in self._merges}
        conflicts = {pair: tried.paths for pair, tried in self._merges.items() if tried.paths}
        return conflicts, len(todo) > TRIES

    def _marks(self, pair: Pair) -> tuple[Mark, Mark]:
        one = self._sights[pair[0]]
        return one.mark, self._sights[pair[1]].mark if pair[1] else one.base_mark

    def _outdated(self, pair: Pair) -> bool:
        if pair[1] and self._agents[pair[0]].worktree == self._agents[pair[1]].worktree:
            return False
        tried = self._merges.get(pair)
        return tried is None or tried.marks != self._marks(pair)

    def _try(self, pair: Pair) -> None:
        """One merge; when it cannot be tried now, what was known of the pair stands until something changes."""
        before = self._merges.get(pair)
        try:
            found = self._merge(pair)
        except (AgentDeckError, OSError):
            found = before.paths if before else ()
            self._benches.pop(self._agents[pair[0]].repo, None)
        self._merges[pair] = Tried(self._marks(pair), found, time.monotonic())

    def _merge(self, pair: Pair) -> tuple[str, ...]:
        one = self._agents[pair[0]]
        if pair[1]:
            bench = self._bench(one)
            return bench.conflicts(self._tip(bench, one).commit, self._tip(bench, self._agents[pair[1]]).commit)
        target = self._sights[one.id].target
        if target in ("", one.base_oid) or git.merge_base(Path(one.worktree), "HEAD", target) == target:
            return ()  # it stands on its base as that is now
        bench = self._bench(one)
        return bench.conflicts(target, self._tip(bench, one).commit)

    def _bench(self, agent: Agent) -> git_merge.Bench:
        if self._made > SNAPSHOTS:
            self._benches.clear()
            self._made = 0
        if agent.repo not in self._benches:
            name = hashlib.sha256(os.fsencode(agent.repo)).hexdigest()[:12]
            self._benches[agent.repo] = git_merge.Bench(self.place / name, Path(agent.repo))
            self._tips = {key: tip for key, tip in self._tips.items() if self._repo(key) != agent.repo}
        return self._benches[agent.repo]

    def _repo(self, key: str) -> str:
        return self._agents[key].repo if key in self._agents else ""

    def _tip(self, bench: git_merge.Bench, agent: Agent) -> git_merge.Tip:
        """The agent's work as one commit, what is uncommitted included."""
        sight, tree = self._sights[agent.id], Path(agent.worktree)
        known = self._tips.get(agent.id)
        if known is not None and known[0] == sight.mark:
            return known[1]
        if git_marks.halfway(tree):
            raise AgentDeckError(f"a merge or rebase is half-way in {tree}")
        small = sum(_size(tree / path) for path in sight.paths) <= SNAPSHOT_BYTES
        tip = bench.snapshot(tree, sight.paths if small else ())
        self._made += 1
        self._tips[agent.id] = (sight.mark, tip)
        return tip


def _base_name(agent: Agent) -> str:
    """The branch on which an agent's work will land, as people call it."""
    return agent.base or git_marks.head_name(Path(agent.repo))


def _base_mark(agent: Agent) -> Mark:
    repo = Path(agent.repo)
    return git_marks.ref_mark(repo, agent.base) if agent.base else git_marks.head_mark(repo)


def _alike(one: Path, other: Path) -> bool:
    """The same file, or none, in both places."""
    if not os.path.lexists(one) or not os.path.lexists(other):
        return not os.path.lexists(one) and not os.path.lexists(other)
    return includes.same(one, other)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _changed_after(path: Path, ms: int) -> bool:
    """Whether a file was written, or one that is gone was removed, after this moment (UTC ms), as far as times tell."""
    try:
        return path.lstat().st_mtime * 1000 >= ms
    except OSError:
        try:
            return path.parent.stat().st_mtime * 1000 >= ms
        except OSError:
            return True
