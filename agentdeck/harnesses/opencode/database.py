"""Reads opencode's database as if each session, with its subagents, were a file of JSON lines: `DATABASE#SESSION`.

What was observed with 1.18.33: SQLite in WAL mode, so new rows stand in `-wal` until a checkpoint; tables `session`,
`message` and `part`; `session_message`, which a later version is to fill, is there and empty. Nothing is written
here and no lock is held beyond one page of rows, so the client never waits for us.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from agentdeck.harnesses.readers import Page, Seen

PAGE = 1000  # rows
AGAIN_MS = 60_000  # so much before the newest known row is read again: clocks are set, and rows come late
_FAMILY = """WITH RECURSIVE family(id) AS (
    VALUES (?) UNION SELECT session.id FROM session JOIN family ON parent_id = family.id)"""
_MESSAGES = (
    f"{_FAMILY} SELECT message.id, session_id, message.time_updated, data, session.time_created FROM message "
    "JOIN session ON session.id = session_id WHERE session_id IN (SELECT id FROM family) "
    "AND (message.time_updated, message.id) > (?, ?) ORDER BY message.time_updated, message.id LIMIT ?"
)
_UNREAD = f"{_FAMILY} SELECT count(*) FROM session_message WHERE session_id IN (SELECT id FROM family)"
_PARTS = (
    "SELECT message.data, part.data, part.time_created FROM message JOIN part ON part.message_id = message.id "
    "WHERE message.session_id = ? ORDER BY message.time_created, message.id, part.id"
)
_CHILDREN = "SELECT id FROM session WHERE parent_id = ? ORDER BY time_created, id"


def name(database: str, session: str) -> str:
    """The path by which a session is asked for."""
    return f"{database}#{session}"


def holds(path: str) -> bool:
    """Whether a path is that of a database, or of a session in one."""
    return path.partition("#")[0].endswith(".db")


def split(path: str) -> tuple[str, str]:
    """Database and session of such a path."""
    database, _, session = path.rpartition("#")
    return database, session


def seen(path: str) -> Seen:
    """What changes whenever the database does. Raises OSError when there is none."""
    stat = os.stat(split(path)[0])
    size, changed = stat.st_size, stat.st_mtime_ns
    try:
        wal = os.stat(f"{split(path)[0]}-wal")
        size, changed = size + wal.st_size, max(changed, wal.st_mtime_ns)
    except FileNotFoundError:
        pass  # all of it stands in the database
    return Seen(stat.st_dev, stat.st_ino, size, changed)


def pages(path: str, since: int) -> Iterator[Page]:
    """The messages of a session and its subagents that changed at `since` (UTC ms) or later, as JSON lines.

    A table or column that is not there, or a table of another version in its stead, counts as a strange row.
    Raises OSError when the database cannot be read now.
    """
    database, session = split(path)
    after = (_from(since, round(time.time() * 1000)), "")
    with _opened(database) as conn:
        try:
            unread = _unread(conn, session)
            while rows := conn.execute(_MESSAGES, (session, *after, PAGE)).fetchall():
                after = (rows[-1][2], rows[-1][0].decode(errors="replace"))
                yield Page(b"".join(_line(session, *row) for row in rows), max(since, after[0]), unread)
                unread = 0
            yield Page(b"", max(since, after[0]), unread)
        except sqlite3.OperationalError as error:
            if not _is_schema(error):
                raise OSError(str(error)) from error
            yield Page(b"", since, 1)


def said(path: str) -> Iterator[bytes]:
    """The parts of what was said in a session and then in each of its subagents, as JSON lines, oldest first.

    Raises OSError when the database cannot be read now.
    """
    database, session = split(path)
    with _opened(database) as conn:
        waiting = [session]
        while waiting:
            one = waiting.pop(0)
            try:
                rows = conn.execute(_PARTS, (one,)).fetchall()
                waiting += [row[0].decode(errors="replace") for row in conn.execute(_CHILDREN, (one,))]
            except sqlite3.OperationalError as error:
                raise OSError(str(error)) from error
            for message, part, at in rows:
                yield b'{"message":%s,"part":%s,"at":%d}\n' % (_flat(message), _flat(part), at)


def sessions(database: str) -> list[tuple[str, str]]:
    """The sessions of humans in a database, each with the directory it was held in; none when it cannot be read."""
    try:
        with _opened(database) as conn:
            conn.text_factory = lambda text: text.decode(errors="replace")
            return conn.execute("SELECT id, directory FROM session WHERE parent_id IS NULL").fetchall()
    except OSError:
        return []


@contextmanager
def _opened(database: str) -> Iterator[sqlite3.Connection]:
    """A connection that can only read. Without a `-wal` nobody writes: then not even a lock file is made beside it."""
    alone = "" if os.path.exists(f"{database}-wal") else "&immutable=1"
    try:
        conn = sqlite3.connect(f"file:{quote(database)}?mode=ro{alone}", uri=True, timeout=0.5)
    except sqlite3.Error as error:
        raise OSError(str(error)) from error
    conn.text_factory = bytes
    try:
        yield conn
    except sqlite3.DatabaseError as error:
        raise OSError(str(error)) from error
    finally:
        conn.close()


def _from(since: int, now: int) -> int:
    """Where to begin: everything when the clock was set back behind what is known."""
    return max(0, since - AGAIN_MS) if since <= now else 0


def _unread(conn: sqlite3.Connection, session: str) -> int:
    try:
        return int(conn.execute(_UNREAD, (session,)).fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # an earlier version


def _is_schema(error: sqlite3.OperationalError) -> bool:
    return str(error).startswith(("no such table", "no such column"))


def _line(top: str, _id: bytes, session: bytes, _updated: int, data: bytes, born: object) -> bytes:
    told = {"session": top, "own": session.decode(errors="replace"), "born": born if isinstance(born, int) else 0}
    whose = json.dumps(told)
    return b'{"whose":%s,"message":%s}\n' % (whose.encode(), _flat(data))


def _flat(data: object) -> bytes:
    return data.replace(b"\n", b" ") if isinstance(data, bytes) else b"null"
