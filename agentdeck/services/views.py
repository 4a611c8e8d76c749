"""Named views in the database: read, changed piece by piece, listed, copied, removed. None of it needs an engine."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agentdeck import paths
from agentdeck.adapters import processes
from agentdeck.adapters.database import store
from agentdeck.errors import UsageError
from agentdeck.models.clock import now_ms
from agentdeck.models.view import DEFAULT, VIEW_NAME, VIEW_NAME_RULE, View, ViewChange, grouping_of

STALE_MS = 15_000  # a dashboard that has not beaten for this long shows nothing


@dataclass(frozen=True, slots=True)
class ViewNote:
    """A view, and how many dashboards show it now."""

    view: View
    dashboards: int


def check_name(name: str) -> str:
    """The name itself; a UsageError when no view can be called so."""
    if not VIEW_NAME.match(name):
        raise UsageError(f"'{name}' cannot be the name of a view", f"A name is {VIEW_NAME_RULE}.")
    return name


# -- reading


def load(conn: sqlite3.Connection, name: str = DEFAULT) -> View:
    """The view called `name`; one that nobody has changed yet shows everybody in the usual order."""
    row = conn.execute("SELECT * FROM views WHERE name = ?", (name,)).fetchone()
    agents = conn.execute("SELECT * FROM view_agents WHERE view = ? ORDER BY position, agent", (name,)).fetchall()
    view = View(
        name,
        hidden=frozenset(one["agent"] for one in agents if one["hidden"]),
        pinned=frozenset(one["agent"] for one in agents if one["pinned"]),
        order=tuple(one["agent"] for one in agents if one["position"] is not None),
    )
    if row is None:
        return view
    settings = ViewChange(row["filter"], grouping_of(row["grouping"]), row["level"], _panel(row["panels"]))
    return replace(settings.applied(view), revision=row["revision"])


def _panel(text: str) -> str:
    """The one open panel of the list that is stored."""
    panels = json.loads(text)
    return str(panels[0]) if panels else ""


def listed(conn: sqlite3.Connection | None) -> list[ViewNote]:
    """Every view there is, `default` first; those that are only shown, not changed yet, are among them."""
    if conn is None:
        return [ViewNote(View(), 0)]
    query = "SELECT name FROM views UNION SELECT view FROM view_agents"
    known = {DEFAULT, *(row[0] for row in conn.execute(query))}
    shown = [row["view"] for row in _open(conn)]
    names = sorted(known | set(shown), key=lambda name: (name != DEFAULT, name))
    return [ViewNote(load(conn, name), shown.count(name)) for name in names]


def _open(conn: sqlite3.Connection) -> list[sqlite3.Row]:
    """Dashboards that beat a moment ago and whose process is there: one that was killed leaves its row behind."""
    fresh = conn.execute("SELECT * FROM dashboards WHERE heartbeat > ?", (now_ms() - STALE_MS,)).fetchall()
    return [row for row in fresh if processes.runs(row["pid"])]


# -- changing


def change(name: str, wanted: ViewChange) -> int:
    """Store a change of a view; its revision from then on. Blocks: a dashboard calls it in a thread."""
    check_name(name)
    with _writing() as conn:
        _settings(conn, name, wanted)
        for column, said in (("hidden", wanted.hidden), ("pinned", wanted.pinned)):
            _mark(conn, name, column, [(agent, int(member)) for agent, member in said.items()])
        if wanted.order is not None:
            conn.execute("UPDATE view_agents SET position = NULL WHERE view = ?", (name,))
            _mark(conn, name, "position", [(agent, place) for place, agent in enumerate(wanted.order)])
        return int(conn.execute("SELECT revision FROM views WHERE name = ?", (name,)).fetchone()[0])


def _settings(conn: sqlite3.Connection, name: str, wanted: ViewChange) -> None:
    panels = None if wanted.panel is None else json.dumps([wanted.panel] if wanted.panel else [])
    conn.execute("INSERT OR IGNORE INTO views (name) VALUES (?)", (name,))
    conn.execute(
        "UPDATE views SET revision = revision + 1, filter = COALESCE(?, filter), grouping = COALESCE(?, grouping), "
        "level = COALESCE(?, level), panels = COALESCE(?, panels) WHERE name = ?",
        (wanted.filter, wanted.grouping, wanted.level, panels, name),
    )


def _mark(conn: sqlite3.Connection, name: str, column: str, values: Sequence[tuple[str, int]]) -> None:
    conn.executemany(
        f"INSERT INTO view_agents (view, agent, {column}) VALUES (?, ?, ?) "
        f"ON CONFLICT (view, agent) DO UPDATE SET {column} = excluded.{column}",
        [(name, agent, value) for agent, value in values],
    )


def copy(source: str, target: str) -> None:
    """Make `target` a view like `source`. Raises UsageError when there is no such view, or the name is taken."""
    check_name(target)
    with _writing() as conn:
        known = {note.view.name for note in listed(conn)}
        if source not in known:
            raise UsageError(f"no view is called '{source}'", "`agentdeck views` lists them.")
        if target in known:
            raise UsageError(
                f"there is a view called '{target}' already", f"Choose another name, or `agentdeck views rm {target}`."
            )
        conn.execute("INSERT OR IGNORE INTO views (name) VALUES (?)", (source,))
        settings, marks = "filter, panels, grouping, level", "agent, hidden, position, pinned"
        conn.execute(
            f"INSERT INTO views (name, revision, {settings}) SELECT ?, 1, {settings} FROM views WHERE name = ?",
            (target, source),
        )
        conn.execute(
            f"INSERT INTO view_agents (view, {marks}) SELECT ?, {marks} FROM view_agents WHERE view = ?",
            (target, source),
        )


def everything() -> list[ViewNote]:
    """What `listed` gives, for who has no connection."""
    conn = store.read(paths.database_file())
    if conn is None:
        return listed(None)
    with contextlib.closing(conn):
        return listed(conn)


def opened(name: str, like: str) -> View:
    """The view called `name`, made a copy of `like` when there is none."""
    if all(note.view.name != name for note in everything()):
        copy(like, name)
    with contextlib.closing(store.write(paths.database_file())) as conn:
        return load(conn, name)


def remove(name: str) -> None:
    """Forget a view; `default` is as new afterwards. Raises UsageError for no such view, or one that is open."""
    with _writing() as conn:
        found = [note for note in listed(conn) if note.view.name == name]
        if not found:
            raise UsageError(f"no view is called '{name}'", "`agentdeck views` lists them.")
        if found[0].dashboards:
            raise UsageError(f"a dashboard shows the view '{name}' now", "Leave it with q, then try again.")
        conn.execute("DELETE FROM view_agents WHERE view = ?", (name,))
        conn.execute("DELETE FROM views WHERE name = ?", (name,))


@contextlib.contextmanager
def _writing() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(store.write(paths.database_file())) as conn, store.transaction(conn):
        yield conn
