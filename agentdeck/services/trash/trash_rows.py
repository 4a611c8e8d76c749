"""The trash in the database, and what each turn says of the agent; everything runs in the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import asdict, fields, replace

from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.trash import TrashEntry
from agentdeck.services import rows
from agentdeck.services.lives import lives

HELD = ("trashed", "emptying", "emptied")
OPEN = ("moving", "restoring")
_FIELDS = tuple(field.name for field in fields(TrashEntry))


def entry(row: sqlite3.Row) -> TrashEntry:
    return TrashEntry(**{name: row[name] for name in _FIELDS})


def held(conn: sqlite3.Connection | None) -> list[TrashEntry]:
    """What can be brought back or is at least still held by a ref, newest first."""
    return [] if conn is None else _in(conn, HELD)


def unsettled(conn: sqlite3.Connection) -> list[TrashEntry]:
    """Removals that a crash may have caught half-way; also those that came to nothing, should they have gone on."""
    return _in(conn, (*OPEN, "abandoned"))


def _in(conn: sqlite3.Connection, states: Sequence[str]) -> list[TrashEntry]:
    marks = ", ".join("?" * len(states))
    found = conn.execute(f"SELECT * FROM trash WHERE state IN ({marks}) ORDER BY removed DESC, rowid DESC", states)
    return [entry(row) for row in found]


def find(conn: sqlite3.Connection | None, wanted: str) -> TrashEntry:
    """By its own id, or the newest of an agent (name or id); without `wanted`, the newest of all."""
    there = [one for one in held(conn) if one.state == "trashed"]
    if not there and not wanted:
        raise AgentDeckError("there is nothing to undo: the trash is empty", "`agentdeck trash` lists what is in it.")
    chosen = [one for one in there if not wanted or wanted in (one.id, one.agent, one.name)]
    if chosen:
        return chosen[0]
    gone = next((one for one in held(conn) if wanted in (one.id, one.agent, one.name)), None)
    if gone is not None:
        raise AgentDeckError(
            f"the files of '{gone.name}' were deleted from the trash",
            f"Its commits are still held: git -C {gone.repo} branch NAME {gone.snapshot or gone.head}",
        )
    raise AgentDeckError(f"nothing in the trash is called '{wanted}'", "`agentdeck trash` lists what is in it.")


def to_empty(conn: sqlite3.Connection, key: str) -> TrashEntry:
    """The entry with that id, when there are files of it to delete."""
    found = next((one for one in held(conn) if one.id == key and one.state != "emptied"), None)
    if found is None:
        raise AgentDeckError(f"nothing in the trash is called '{key}'", "`agentdeck trash` lists what is in it.")
    return found


def agent_of(conn: sqlite3.Connection, noun: TrashEntry) -> Agent:
    """The agent itself, removed or not."""
    return rows.agent(conn.execute("SELECT * FROM agents WHERE id = ?", (noun.agent,)).fetchone())


def begin(conn: sqlite3.Connection, noun: TrashEntry) -> None:
    rows.insert(conn, "trash", {**asdict(noun)})


def set_state(conn: sqlite3.Connection, noun: TrashEntry, state: str) -> TrashEntry:
    noun = replace(noun, state=state, since=now_ms())
    rows.update(conn, "trash", "id", noun.id, state=state, since=noun.since, snapshot=noun.snapshot)
    return noun


def removed(conn: sqlite3.Connection, noun: TrashEntry) -> TrashEntry:
    """The agent is in the trash."""
    agent = agent_of(conn, noun)
    if agent.life != "removed":
        lives.removed(conn, agent, trash=noun.id, holds=noun.holds)
    return set_state(conn, noun, "trashed")


def check_name(conn: sqlite3.Connection, noun: TrashEntry, name: str) -> str:
    """The name that the agent comes back under; raises when it is somebody else's by now."""
    wanted = name or noun.name
    taken = {agent.name for agent in rows.agents(conn)}
    if wanted in taken:
        hint = f"Give this one a new name: agentdeck undo {noun.id} --name {free_name(taken, noun.name)}"
        raise AgentDeckError(f"another agent is called '{wanted}' by now", hint)
    return wanted


def take_back(conn: sqlite3.Connection, noun: TrashEntry, name: str, where: str) -> TrashEntry:
    """The agent takes its name at once, so that nobody else gets it while its tree is on its way to `where`."""
    wanted, where = check_name(conn, noun, name), where or agent_of(conn, noun).worktree
    rows.update(conn, "agents", "id", noun.agent, life="stopped", name=wanted, worktree=where)
    return replace(set_state(conn, noun, "restoring"), origin=where if noun.origin else "")


def bound_for(conn: sqlite3.Connection, noun: TrashEntry) -> TrashEntry:
    """The entry on its way back, with the place that it is bound for."""
    return replace(noun, origin=agent_of(conn, noun).worktree if noun.origin else "")


def free_name(taken: Collection[str], name: str) -> str:
    """`name`, or with the lowest number that makes it nobody's."""
    stem, n = name[:28].rstrip("-"), 2
    while name in taken:
        name, n = f"{stem}-{n}", n + 1
    return name


def returned(conn: sqlite3.Connection, noun: TrashEntry, branch: str) -> str:
    """The agent is in the deck again: exited, in its tree. Returns where that was before."""
    set_state(conn, noun, "restored")
    lives.returned(conn, agent_of(conn, noun), branch, trash=noun.id)
    return str(conn.execute("SELECT origin FROM trash WHERE id = ?", (noun.id,)).fetchone()[0])


def stayed_in(conn: sqlite3.Connection, noun: TrashEntry) -> None:
    """A way back that came to nothing."""
    before = conn.execute("SELECT origin FROM trash WHERE id = ?", (noun.id,)).fetchone()[0]
    where = before or agent_of(conn, noun).worktree
    rows.update(conn, "agents", "id", noun.agent, life="removed", name=noun.name, worktree=where)
    set_state(conn, noun, "trashed")


def stayed_out(conn: sqlite3.Connection, noun: TrashEntry) -> None:
    """A removal that came to nothing."""
    set_state(conn, noun, "abandoned")


def emptied(conn: sqlite3.Connection, noun: TrashEntry) -> None:
    """Its files are deleted; an entry that had none is over."""
    set_state(conn, noun, "emptied" if noun.place else "dropped")
    told = {"id": noun.id, "name": noun.name, "freed": noun.size, "held": noun.holds, "snapshot": noun.snapshot}
    rows.event(conn, now_ms(), "trash", noun.agent, action="emptied", **told)


def dropped(conn: sqlite3.Connection, noun: TrashEntry, commits: Sequence[str]) -> None:
    """Nothing of it is left; `commits` are what no ref holds any more."""
    set_state(conn, noun, "dropped")
    rows.event(conn, now_ms(), "trash", noun.agent, action="dropped", id=noun.id, name=noun.name, commits=list(commits))
