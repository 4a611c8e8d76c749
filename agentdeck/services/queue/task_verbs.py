"""What a human does with tasks, each in a transaction of its own, with the engine told. Everything here blocks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from agentdeck import paths
from agentdeck.adapters import git, git_merge
from agentdeck.adapters.database import store
from agentdeck.errors import UsageError
from agentdeck.models.task import Task
from agentdeck.services import requests
from agentdeck.services.failpoints import reach_blocking
from agentdeck.services.gate import landing
from agentdeck.services.queue import board, queue, specs, task_page

T = TypeVar("T")
VERBS: dict[str, Callable[..., object]] = {
    "accept": queue.accept, "reject": queue.reject, "retry": queue.retry, "cancel": queue.cancel,
    "approve": queue.approve, "prioritise": queue.prioritise, "revise": queue.revise,
}  # fmt: skip


def change(verb: str, task: int, *words: object) -> None:
    """Do one of VERBS."""
    _write(lambda conn: VERBS[verb](conn, task, *words))
    if verb == "accept":
        reach_blocking("accepted", task)


def revise(task: int, text: str) -> None:
    """Give a task a new text; a human's own, so approved."""
    path = _read(lambda conn: queue.task(conn, task).path)
    change("revise", task, specs.parse(text, path))


def add(repo: str, *, path: str = "", text: str = "") -> int:
    """Queue a spec, by file or by text, for whoever is free."""
    spec = specs.load(Path(path)) if path else specs.parse(text)
    made = _write(lambda conn: queue.add_all(conn, [spec], repo))[0]
    reach_blocking("queued", made)
    return made


def land(task: int) -> landing.Landed:
    """Bring accepted work onto its base branch."""

    def look(conn: sqlite3.Connection) -> tuple[Task, str]:
        found = queue.task(conn, task)
        return found, landing.base_of(conn, found)

    reach_blocking("landing", task)
    done = landing.land(*_read(look))
    reach_blocking("moved", task)
    _write(lambda conn: landing.record(conn, task, done))
    return done


def text(task: int) -> str:
    """The spec of a task as it is now."""
    return _read(lambda conn: queue.text(conn, queue.task(conn, task).spec_version))


def page(task: int) -> str:
    """A task in full, its spec at the end."""

    def look(conn: sqlite3.Connection) -> str:
        found = queue.task(conn, task)
        head = task_page.page(queue.as_json(conn, found))
        return f"{head}\n\n{'─' * 20} spec\n{queue.text(conn, found.spec_version)}"

    return _read(look)


def diff(task: int) -> str:
    """What a task's last finished attempt changed, as git prints it."""
    found = _read(lambda conn: queue.task(conn, task))
    last = landing.judged(found)
    root = Path(found.repo)
    start = git_merge.counted_from(root, last.base_oid, last.head_oid)
    words = ("--stat", "--patch", "--no-color", "--no-ext-diff", "--no-textconv")
    return git.text(root, "diff", *words, start, last.head_oid, "--") or "nothing changed"


def read_board() -> board.Board:
    conn = store.read(paths.database_file())
    if conn is None:
        return board.Board({}, (), ())
    with closing(conn):
        return board.load(conn)


def _read(look: Callable[[sqlite3.Connection], T]) -> T:
    conn = store.read(paths.database_file())
    if conn is None:
        raise UsageError("there is no task yet", "`agentdeck task add SPEC` adds one.")
    with closing(conn):
        return look(conn)


def _write(change: Callable[[sqlite3.Connection], T]) -> T:
    with closing(store.write(paths.database_file())) as conn, store.transaction(conn):
        found = change(conn)
    requests.wake()
    return found
