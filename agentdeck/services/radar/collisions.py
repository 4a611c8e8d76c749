"""Who is in whose way: the decisions of the radar, and its rows. Nothing here asks git.

Paths of one agent are those in which its working tree differs from where its work will land,
committed or not. Branches an agent had earlier are not looked at: it cannot collide with itself.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agentdeck.models.clock import iso
from agentdeck.models.collision import Collision, CollisionKind
from agentdeck.services import rows

KEPT = 50  # paths stored of one collision; the rest is counted
MOST = 2000  # paths of one agent that are compared: who changed more than these is in everybody's way anyway

REGENERATED = frozenset({
    "Cargo.lock", "Gemfile.lock", "Pipfile.lock", "bun.lock", "bun.lockb", "composer.lock",
    "flake.lock", "go.sum", "mix.lock", "package-lock.json", "pdm.lock", "pnpm-lock.yaml",
    "poetry.lock", "pubspec.lock", "requirements.lock", "uv.lock", "yarn.lock",
})  # fmt: skip
"""Files that a tool writes anew: that two agents changed one tells nothing; that a merge of it fails does."""

Pair = tuple[str, str]  # two agent ids, the smaller first; the second is '' for an agent and its base


@dataclass(frozen=True, slots=True)
class Clash:
    """A collision as one of its agents sees it: `name` is the other agent, or the base branch when `agent` is ''."""

    agent: str
    name: str
    kind: CollisionKind
    paths: tuple[str, ...]
    total: int
    since: int


def sharing(touched: Mapping[str, Iterable[str]]) -> dict[Pair, tuple[str, ...]]:
    """Which agents (ids) have a path in common, and which paths: the cost grows with paths, not with pairs."""
    owners: dict[str, list[str]] = defaultdict(list)
    for agent in sorted(touched):
        for path in touched[agent]:
            owners[path].append(agent)
    found: dict[Pair, list[str]] = defaultdict(list)
    for path in sorted(path for path, several in owners.items() if len(several) > 1):
        several = owners[path]
        for place, one in enumerate(several):
            for other in several[place + 1 :]:
                found[one, other].append(path)
    return {pair: tuple(paths) for pair, paths in found.items()}


def collided(
    shared: Mapping[Pair, Sequence[str]],
    conflicts: Mapping[Pair, Sequence[str]],
    bases: Mapping[str, str],
    before: Iterable[Collision],
    unknown: Iterable[str],
    now: int,
) -> tuple[Collision, ...]:
    """All collisions there are, sorted by key.

    `shared` are pairs that changed the same files, `conflicts` those whose merge was tried and
    fails; `bases` names the base of each agent. One of `before` that goes on keeps its `since`,
    and one with an agent in `unknown` stays as it was: what could not be looked at is not said to be over.
    """
    old = {one.key: one for one in before}
    blind = set(unknown)
    found = {key: one for key, one in old.items() if one.one in blind or one.other in blind}
    kinds: tuple[tuple[CollisionKind, Mapping[Pair, Sequence[str]]], ...] = (("file", shared), ("merge", conflicts))
    for kind, pairs in kinds:
        for (one, other), every in pairs.items():
            paths = [path for path in every if kind == "merge" or path.rpartition("/")[2] not in REGENERATED]
            if paths and one not in blind and other not in blind:
                base = "" if other else bases.get(one, "")
                shown = tuple(legible(path) for path in paths[:KEPT])
                new = Collision(one, other, kind, shown, len(paths), now, base)
                found[new.key] = replace(new, since=old[new.key].since) if new.key in old else new
    return tuple(found[key] for key in sorted(found))


def legible(path: str) -> str:
    """A path as it can be printed and stored: bytes that are no text, and control characters, become '?' marks."""
    text = os.fsencode(path).decode(errors="replace")
    return "".join(each if each.isprintable() else "?" for each in text)


def by_file(collisions: Iterable[Collision]) -> list[tuple[str, CollisionKind, tuple[str, ...], str]]:
    """(path, kind, agents, base) of every file concerned: conflicts first, then by path.

    A pair that conflicts in a file is not told again as having changed it. `base` is the branch with which one
    of the agents conflicts there, '' when none does.
    """
    some = list(collisions)
    broken = {(one.one, one.other, path) for one in some if one.kind == "merge" for path in one.paths}
    agents: dict[tuple[str, CollisionKind], set[str]] = defaultdict(set)
    bases: dict[str, str] = {}
    for one in some:
        for path in one.paths:
            if one.kind == "file" and (one.one, one.other, path) in broken:
                continue
            agents[path, one.kind] |= {one.one, one.other} - {""}
            if one.base:
                bases[path] = one.base
    found = [
        (path, kind, tuple(sorted(who)), bases.get(path, "") if kind == "merge" else "")
        for (path, kind), who in agents.items()
    ]
    return sorted(found, key=lambda row: (row[1] != "merge", row[0]))


def clashes(collisions: Iterable[Collision], names: Mapping[str, str]) -> dict[str, tuple[Clash, ...]]:
    """What each agent should know, one clash per opponent: a merge that fails says more than a file in common."""
    found: dict[str, dict[str, Clash]] = defaultdict(dict)
    for one in sorted(collisions, key=lambda each: each.kind):  # 'file' before 'merge', which replaces it
        for agent, other in ((one.one, one.other), (one.other, one.one)):
            if agent:
                name = names.get(other, other) if other else one.base
                found[agent][other] = Clash(other, name, one.kind, one.paths, one.total, one.since)
    order = {"merge": 0, "file": 1}
    return {
        agent: tuple(sorted(several.values(), key=lambda each: (order[each.kind], each.name)))
        for agent, several in found.items()
    }


# Rows


def load(conn: sqlite3.Connection) -> tuple[Collision, ...]:
    """The collisions that stand, sorted by key."""
    return tuple(
        Collision(r["one"], r["other"], r["kind"], tuple(json.loads(r["paths"])), r["total"], r["since"], r["base"])
        for r in conn.execute("SELECT * FROM collisions ORDER BY one, other, kind")
    )


def store(conn: sqlite3.Connection, found: Iterable[Collision], now: int) -> None:
    """Make the rows those of `found`; what began and what ended becomes an event of each agent concerned."""
    before, after = {one.key: one for one in load(conn)}, {one.key: one for one in found}
    for key in before.keys() - after.keys():
        conn.execute("DELETE FROM collisions WHERE one = ? AND other = ? AND kind = ?", key)
        _tell(conn, before[key], "end", now)
    for key, one in after.items():
        if before.get(key) == one:
            continue
        columns: dict[str, object] = {
            "one": one.one, "other": one.other, "kind": one.kind, "base": one.base,
            "paths": json.dumps(one.paths), "total": one.total, "since": one.since,
        }  # fmt: skip
        rows.insert(conn, "collisions", columns, verb="INSERT OR REPLACE")
        if key not in before:
            _tell(conn, one, "begin", now)


def _tell(conn: sqlite3.Connection, one: Collision, action: str, now: int) -> None:
    for agent, other in ((one.one, one.other), (one.other, one.one)):
        if agent:
            more = {"with": other} if other else {"base": one.base}
            rows.event(conn, now, "collision", agent, action=action, collision=one.kind, **more, paths=one.paths[:5])


def as_json(one: Collision, names: Mapping[str, str]) -> dict[str, object]:
    """One row of `collisions --json`; `base` is the branch that a single agent no longer merges with, else None."""
    return {
        "kind": one.kind,
        "agents": [names.get(agent, agent) for agent in (one.one, one.other) if agent],
        "base": one.base or None,
        "paths": list(one.paths),
        "total": one.total,
        "since": iso(one.since),
    }
