"""Opening the database: readers load the standard library only, writers share one thread."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from agentdeck.errors import AgentDeckError

T = TypeVar("T")
SCHEMA = 22  # the number of migrations; kept in user_version so that a reader needs no sqlite-utils to compare
BUSY_MS = 10_000


class EpochLost(AgentDeckError):
    """Another engine has taken over: this one may write nothing more."""

    def __init__(self) -> None:
        super().__init__("another engine has taken over this deck", "This one stops; nothing needs doing.")


class Replaced(EpochLost):
    """The file that this engine wrote is not the deck's database any more: somebody moved or replaced it."""

    def __init__(self) -> None:
        AgentDeckError.__init__(self, "the deck's database was moved or replaced", "This engine stops; agents go on.")


def unusable(path: Path, error: sqlite3.Error) -> AgentDeckError:
    """What to tell and do when SQLite cannot use the file."""
    return AgentDeckError(
        f"{path} cannot be read: {error}",
        "Move it away (agents and worktrees stay), then `agentdeck adopt` lists them and brings them back.",
    )


def identity(path: Path) -> tuple[int, int] | None:
    """Which file stands at `path`: another one after it was moved or restored. None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def read(path: Path) -> sqlite3.Connection | None:
    """A read-only connection, or None when there is no database yet (or none that is set up).

    One that an older agentdeck left is brought up to date first: queries name the columns of today.
    """
    try:
        conn = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_MS / 1000, isolation_level=None)
    except sqlite3.OperationalError:
        return None
    conn.row_factory = sqlite3.Row
    try:
        version = conn.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        conn.close()
        raise unusable(path, error) from error
    if version < 1:
        conn.close()
        return None
    if version < SCHEMA:
        write(path).close()
    return conn


def write(path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """A connection that may write; brings the schema up to date first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _begin(path)
    conn = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=not any_thread)
    conn.row_factory = sqlite3.Row
    try:
        version = conn.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        conn.close()
        raise unusable(path, error) from error
    if version > SCHEMA:
        conn.close()
        raise AgentDeckError(
            f"{path} was written by a newer agentdeck", "Update agentdeck, or set DECK_HOME elsewhere."
        )
    if version < SCHEMA:
        _migrate(conn)
    conn.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    conn.execute("PRAGMA synchronous=NORMAL")
    return conn


def _migrate(conn: sqlite3.Connection) -> None:
    from sqlite_utils import Database  # 97 ms, and only when the schema changes

    from agentdeck.adapters.database.migrations import migrations

    conn.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    db = Database(conn)
    with _file_lock(conn.execute("PRAGMA database_list").fetchone()[2]):
        _write_ahead(conn)
        if conn.execute("PRAGMA user_version").fetchone()[0] < SCHEMA:
            migrations.apply(db)
            conn.execute(f"PRAGMA user_version={SCHEMA}")


def _begin(path: Path) -> None:
    """A new file, and what an earlier one left beside it out of its way.

    SQLite would delete the log of a database that was moved away without it; its last changes are in there.
    """
    with _file_lock(str(path)):
        if path.exists():  # another starter was faster
            return
        log, index = path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")
        if log.exists() and log.stat().st_size:
            log.replace(path.with_name(f"{log.name}.left-{time.time_ns()}"))
        index.unlink(missing_ok=True)
        path.touch(mode=0o600)


def _write_ahead(conn: sqlite3.Connection) -> None:
    """Turn on the write-ahead log, once per file. SQLite does not wait for a reader here, so we do."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            conn.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@contextmanager
def _file_lock(file: str) -> Iterator[None]:
    """Migrations run statement by statement, so a lock beside the file keeps two starters apart."""
    import fcntl

    with open(f"{file}.migrate", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def transaction(conn: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One write transaction, taken at once so that it cannot fail half-way for want of the lock."""
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield conn
    except BaseException:
        conn.execute("ROLLBACK")
        raise
    conn.execute("COMMIT")


class Writer:
    """The one thread of this process that changes the database.

    With `epoch` set (the engine), every transaction first checks that this engine still
    holds the deck and raises EpochLost when another has taken over.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.epoch: int | None = None
        from concurrent.futures import ThreadPoolExecutor  # with asyncio, not for readers

        self._pool = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._conn: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    async def run(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run `change(conn)` inside a transaction on the writer thread; the loop does not wait for the disk."""
        import asyncio  # 24 ms: a reader needs none of it

        return await asyncio.get_running_loop().run_in_executor(self._pool, self._change, change)

    def run_sync(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """The same from a thread that may block."""
        return self._pool.submit(self._change, change).result()

    def _change(self, change: Callable[[sqlite3.Connection], T]) -> T:
        if self._conn is None:
            self._conn = write(self.path, any_thread=True)
            self._file = identity(self.path)
        with transaction(self._conn) as conn:
            if self.epoch is not None and self.epoch != conn.execute("SELECT epoch FROM engine").fetchone()[0]:
                raise EpochLost
            return change(conn)

    def replaced(self) -> bool:
        """Whether what stands at our path is another file than the one we write."""
        return self._file is not None and identity(self.path) != self._file

    def close(self) -> None:
        """Wait for what is queued, then close."""

        def shut() -> None:
            if self._conn is not None:
                if self.replaced():  # whoever has the file now gets all of it: its log may not be with it
                    self._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._conn.close()
                self._conn = None

        self._pool.submit(shut).result()
        self._pool.shutdown()
