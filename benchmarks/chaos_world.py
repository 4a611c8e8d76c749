"""What was ever made and written in a deck under chaos, and whether all of it is still there."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from agentdeck import paths
from agentdeck.adapters import tmux
from tests import repos
from tests.deck import Deck

KINDS = ("commit", "dirty", "untracked", "ignored")


@dataclass
class Kept:
    """Of one agent: the newest content of each file in its tree, and every commit (with one file of it)."""

    id: str
    name: str
    reported: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: dict[str, tuple[str, bytes]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sight:
    """The deck as its own commands tell it, all by agent id."""

    listed: dict[str, dict[str, Any]]
    trashed: dict[str, dict[str, Any]]
    adoptable: dict[str, dict[str, Any]]
    names: list[str]

    def tree(self, agent: str) -> str:
        """Where its tree is now."""
        if agent in self.listed:
            return str(self.listed[agent]["worktree"])
        if agent in self.trashed:
            return str(self.trashed[agent]["path"])
        return str(self.adoptable.get(agent, {}).get("worktree", ""))


def see(deck: Deck) -> Sight:
    listed = deck.ok("ls", "--json").json
    trashed = [row for row in deck.ok("trash", "--json").json if row["state"] == "trashed"]
    adoptable = deck.ok("adopt", "--json").json
    return Sight(
        {row["id"]: row for row in listed}, {row["agent"]: row for row in trashed},
        {row["id"]: row for row in adoptable}, [row["name"] for row in listed],
    )  # fmt: skip


class World:
    """Writes into the trees of agents, remembers every byte, and finds what is missing or untrue."""

    def __init__(self, deck: Deck, random: Random) -> None:
        self.deck = deck
        self.random = random
        self.kept: dict[str, Kept] = {}
        self._written = 0

    # -- writing

    def meet(self, sight: Sight, reported: str = "") -> None:
        """Remember who is there; from now on each of them may never be missing."""
        for key, row in sight.listed.items():
            one = self.kept.setdefault(key, Kept(key, row["name"], False))
            one.reported |= key == reported

    def work(self, key: str, tree: Path) -> None:
        """One more thing that may never be lost, in the agent's tree."""
        self._written += 1
        kind, content = self.random.choice(KINDS), self.random.randbytes(24).hex().encode() + b"\n"
        name = {"dirty": "tracked.txt", "ignored": f"{self._written}.log"}.get(kind, f"{self._written}.txt")
        (tree / name).write_bytes(content)
        if kind == "commit":
            repos.git(tree, "add", name)
            repos.git(tree, "commit", "-q", "-m", f"Work {self._written}", "--", name)
            self.kept[key].commits[repos.git(tree, "rev-parse", "HEAD")] = (name, content)
        self.kept[key].files[name] = content

    @property
    def size(self) -> int:
        """How many files and commits are remembered."""
        return sum(len(one.files) + len(one.commits) for one in self.kept.values())

    # -- looking

    def faults(self, sight: Sight) -> list[str]:
        """Everything that is missing or untrue now; an empty list is what one wants."""
        panes = [pane for pane in tmux.survivors(paths.tmux_socket()) if not pane.dead]
        living = Counter(pane.deck_id for pane in panes)
        return [
            *(f"two agents are called {name}" for name, n in Counter(sight.names).items() if n > 1),
            *(f"two programs run for {key}" for key, n in living.items() if n > 1),
            *self._untrue(sight, living),
            *self._lost(sight),
            *self._unaccounted(sight, living),
            *self._stuck(),
        ]

    def _untrue(self, sight: Sight, living: Counter[str]) -> Iterator[str]:
        for key, row in sight.listed.items():
            said, runs = row["status"]["state"], key in living
            if said == "unknown" or (said == "exited") == runs:
                yield f"{row['name']} is said to be {said}, and {'runs' if runs else 'does not run'}"

    def _lost(self, sight: Sight) -> Iterator[str]:
        held = set(repos.git(self.deck.repo, "rev-list", "--all").split())
        for one in self.kept.values():
            places = [one.id in where for where in (sight.listed, sight.trashed, sight.adoptable)]
            if not any(places):
                yield f"{one.name} ({one.id}) is neither listed nor in the trash nor to be adopted"
                continue
            if places[0] and places[1]:
                yield f"{one.name} ({one.id}) is both listed and in the trash"
            tree = Path(sight.tree(one.id))
            for name, content in one.files.items():
                if not (tree / name).is_file() or (tree / name).read_bytes() != content:
                    yield f"{one.name}: {name} is lost from {tree}"
            for oid, (name, content) in one.commits.items():
                if oid not in held or repos.show(self.deck.repo, oid, name) != content:
                    yield f"{one.name}: no ref holds commit {oid[:10]} ({name})"

    def _unaccounted(self, sight: Sight, living: Counter[str]) -> Iterator[str]:
        known = {*sight.listed, *sight.adoptable}
        yield from (f"a program runs for {key}, which nobody lists" for key in living if key not in known)
        yield from (f"process {pid} of {key} has no pane" for pid, key in _agents_processes() if key not in living)
        trees = {os.path.realpath(sight.tree(key)) for key in {*known, *sight.trashed}}
        trees.add(os.path.realpath(self.deck.repo))
        rows = repos.git(self.deck.repo, "worktree", "list", "--porcelain").splitlines()
        found = {line.removeprefix("worktree ") for line in rows if line.startswith("worktree ")}
        found |= {str(path) for path in paths.worktrees_dir().glob("*/*")}
        yield from (f"nobody accounts for {path}" for path in sorted(found) if os.path.realpath(path) not in trees)

    def _stuck(self) -> Iterator[str]:
        for table, states in (("requests", "'queued', 'running'"), ("trash", "'moving', 'restoring', 'emptying'")):
            for row in self.deck.sql(f"SELECT * FROM {table} WHERE state IN ({states})"):
                yield f"half-way: {table} {tuple(row)[:4]}"
        for row in self.deck.sql("SELECT name FROM agents WHERE life = 'creating'"):
            yield f"half-way: {row['name']} is being made"
        for lock in self.deck.repo.glob(".git/**/*.lock"):
            yield f"a lock is left: {lock}"


def _agents_processes() -> Iterator[tuple[int, str]]:
    """Living processes of this deck's agents, by the id in their environment."""
    home = f"DECK_SPOOL={paths.state_dir()}/spool/".encode()
    for entry in Path("/proc").iterdir():
        try:
            environ = (entry / "environ").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        start = environ.find(home)
        if start >= 0:
            yield int(entry.name), environ[start + len(home) :].partition(b"\0")[0].decode()


def check(repo: Path) -> str:
    """What git itself finds broken in the repository, '' when it is whole."""
    done = subprocess.run(["git", "-C", str(repo), "fsck", "--connectivity-only"], capture_output=True, check=False)
    return "" if done.returncode == 0 else done.stderr.decode(errors="replace")
