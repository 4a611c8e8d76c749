"""Watched folders: what is written there is queued, unapproved until a human has read that very text.

Only folders that the user's config names. A file counts once it has been left alone for a moment, so that nothing
half-written is queued; one that changes is a new version of its task, one that is renamed keeps it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters import files, git
from agentdeck.adapters.database.store import Writer
from agentdeck.errors import AgentDeckError
from agentdeck.models.clock import now_ms
from agentdeck.models.spec import Spec
from agentdeck.services import rows, settings
from agentdeck.services.queue import queue, specs
from agentdeck.services.rounds import forever

log = logging.getLogger("agentdeck.specs")
SETTLED_SECONDS = 0.5  # a file that changed since may be half-written
ROUND_SECONDS = 0.5
SWEEP_SECONDS = 30.0
GONE_SECONDS = 5.0  # editors save by moving away and back
MOST = 2_000  # files of one folder
_FRESH = ("queued", "blocked", "running", "verifying", "failed", "cancelled")  # states in which a new version is one

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in a folder: a spec, or why a file is none."""

    path: str
    spec: Spec | None = None
    problem: str = ""


def look(folder: Path, known: dict[str, Stamp], now: float) -> tuple[list[Found], set[str], bool]:
    """Files that are new since `known` (which is kept up to date), all that are there, and whether some must settle."""
    found: list[Found] = []
    present: set[str] = set()
    unsettled = False
    for path in _files(folder):
        present.add(str(path))
        try:
            stat = path.stat()
        except OSError:
            continue
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if known.get(str(path)) == stamp:
            continue
        if now - stat.st_mtime < SETTLED_SECONDS:
            unsettled = True
            continue
        known[str(path)] = stamp
        found.append(_read(folder, path))
    for gone in known.keys() - present:
        known.pop(gone)
    return found, present, unsettled


def _files(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.name.endswith(".md") and entry.name[0] not in ".#~")
        return [folder / name for name in names[:MOST] if _sayable(name)]
    return []


def _sayable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return name.isprintable()


def _read(folder: Path, path: Path) -> Found:
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            return Found(str(path), problem=f"{path} leads out of its folder")
        return Found(str(path), specs.load(path))
    except (AgentDeckError, OSError, RuntimeError, ValueError, RecursionError) as error:
        return Found(str(path), problem=error.title if isinstance(error, AgentDeckError) else f"{path}: {error}")


def take(conn: sqlite3.Connection, repo: str, found: Found) -> str:
    """Queue what was found, or make it a new version of its task; what is wrong with it, '' when nothing is."""
    spec = found.spec
    if spec is None:
        return found.problem
    query = "SELECT id, state, path, spec_version FROM tasks WHERE repo = ? AND (path = ? OR spec_version = ?)"
    mine = conn.execute(f"{query} ORDER BY id DESC", (repo, found.path, spec.version)).fetchall()
    if any(row["spec_version"] == spec.version and row["path"] == found.path for row in mine):
        return ""
    for row in mine:
        if row["spec_version"] == spec.version and row["path"] and not os.path.exists(row["path"]):
            rows.update(conn, "tasks", "id", row["id"], path=found.path)  # it was renamed
            return ""
    last = next((row for row in mine if row["path"] == found.path), None)
    try:
        conn.execute("SAVEPOINT spec")
        if last is not None and last["state"] in _FRESH:
            queue.revise(conn, last["id"], spec, approved_by="")
        else:
            queue.add(conn, spec, repo, approved_by="")
        conn.execute("RELEASE spec")
    except AgentDeckError as error:
        conn.execute("ROLLBACK TO spec")
        conn.execute("RELEASE spec")
        return error.title
    return ""


def drop(conn: sqlite3.Connection, folder: str, present: Iterable[str]) -> None:
    """Take out tasks that nobody has approved and whose files are gone."""
    there = set(present)
    query = "SELECT id, path FROM tasks WHERE state = 'blocked' AND path LIKE ? ESCAPE '!'"
    like = folder.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "/%"
    for row in conn.execute(query, (like,)).fetchall():
        if row["path"] not in there and not queue.approved(conn, queue.task(conn, row["id"]).spec_version):
            queue.cancel(conn, row["id"])


class SpecWatch:
    """`run` goes on as long as the engine: it looks where something has changed, and at times everywhere."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self._known: dict[str, dict[str, Stamp]] = {}
        self._dirty: set[str] = set()
        self._swept = 0.0
        self._gone: dict[str, float] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._problems: dict[str, str] = {}

    async def run(self) -> None:
        try:
            await forever(self.round, ROUND_SECONDS, "looking at watched folders", log)
        finally:
            for watching in self._watching.values():
                watching.cancel()

    async def round(self) -> None:
        folders = [str(Path(one).expanduser()) for one in settings.current().queue.watch]
        now = time.monotonic()
        if now - self._swept >= SWEEP_SECONDS:
            self._swept = now
            self._dirty |= set(folders)
        for folder in folders:
            if folder not in self._watching or self._watching[folder].done():
                self._watching[folder] = asyncio.create_task(self._watch(folder))
                self._dirty.add(folder)
        for folder in self._watching.keys() - set(folders):
            self._watching.pop(folder).cancel()
        for folder in self._dirty & set(folders):
            await self._look(folder)

    async def _watch(self, folder: str) -> None:
        """Notice changes at once; while the folder is not there, or cannot be watched, the sweep must do."""
        if not os.path.isdir(folder):
            await asyncio.sleep(SWEEP_SECONDS)
            return
        with contextlib.suppress(OSError, RuntimeError):
            async for _ in files.changes(Path(folder), asyncio.Event()):
                self._dirty.add(folder)
        await asyncio.sleep(SWEEP_SECONDS)

    async def _look(self, folder: str) -> None:
        self._dirty.discard(folder)
        known = self._known.setdefault(folder, {})
        try:
            repo = str((await asyncio.to_thread(git.find, folder)).root)
        except AgentDeckError as error:
            await self._tell(folder, error.title)
            return
        found, present, unsettled = await asyncio.to_thread(look, Path(folder), known, time.time())
        if unsettled:
            self._dirty.add(folder)
        for one in found:
            problem = await self.writer.run(lambda conn, one=one: take(conn, repo, one))
            await self._tell(one.path, problem)
            if problem and one.spec is not None:
                known.pop(one.path, None)  # what it depends on may come later
        await self._drop(folder, present)

    async def _drop(self, folder: str, present: set[str]) -> None:
        waiting = await self.writer.run(lambda conn: _unread(conn, folder))
        now = time.monotonic()
        gone = waiting - present
        self._gone = {path: self._gone.get(path, now) for path in gone}
        if gone:
            self._dirty.add(folder)
        if any(now - since > GONE_SECONDS for since in self._gone.values()):
            young = {path for path, since in self._gone.items() if now - since <= GONE_SECONDS}
            await self.writer.run(lambda conn: drop(conn, folder, present | young))

    async def _tell(self, path: str, problem: str) -> None:
        """Each problem once."""
        if self._problems.get(path, "") == problem:
            return
        self._problems[path] = problem
        if problem:
            log.warning("%s", problem)

        def change(conn: sqlite3.Connection) -> None:
            conn.execute("DELETE FROM spec_problems WHERE path = ?", (path,))
            if problem:
                conn.execute("INSERT INTO spec_problems VALUES (?, ?, ?)", (path, problem, now_ms()))
                rows.event(conn, now_ms(), "queue", subject=path, state="unreadable", reason=problem)

        await self.writer.run(change)


def _unread(conn: sqlite3.Connection, folder: str) -> set[str]:
    query = "SELECT path FROM tasks WHERE state = 'blocked' AND path != ''"
    return {row[0] for row in conn.execute(query) if row[0].startswith(f"{folder}/")}
