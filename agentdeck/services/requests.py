"""How a view asks: it inserts a row, wakes the engine and reads the answer from the same row."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
import sqlite3
from dataclasses import dataclass

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.errors import AgentDeckError, TryAgain
from agentdeck.models.clock import now_ms


@dataclass(frozen=True, slots=True)
class Request:
    """`state` is queued, running, done or failed; a failed result holds title, hint and exit_code."""

    id: str
    kind: str
    agent: str
    state: str
    result: dict[str, object]


def submit(kind: str, agent: str = "", **args: object) -> str:
    """Insert a request and wake the engine; returns its id. Blocks for a few ms: a view calls it in a thread."""
    key = secrets.token_hex(6)
    conn = store.write(paths.database_file())
    try:
        with store.transaction(conn):
            conn.execute(
                "INSERT INTO requests (id, kind, agent, args, created) VALUES (?, ?, ?, ?, ?)",
                (key, kind, agent, json.dumps(args), now_ms()),
            )
    finally:
        conn.close()
    wake()
    return key


def wake() -> None:
    """Tell the engine that a row waits. A lost wake costs at most one of its sweeps."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        sock.setblocking(False)
        sock.sendto(b"1", str(paths.wake_socket()))


def settled(conn: sqlite3.Connection, key: str) -> Request | None:
    """The request once it is done or failed, else None."""
    row = conn.execute("SELECT * FROM requests WHERE id = ? AND state IN ('done', 'failed')", (key,)).fetchone()
    if row is None:
        return None
    return Request(row["id"], row["kind"], row["agent"], row["state"], json.loads(row["result"] or "{}"))


async def ask(kind: str, agent: str = "", *, timeout: float = 30.0, **args: object) -> dict[str, object]:
    """Submit and wait for the result; a failed request raises the engine's own error.

    Raises TryAgain when no answer came within `timeout` seconds: the request stays in the queue.
    """
    key = await asyncio.to_thread(submit, kind, agent, **args)
    deadline = asyncio.get_running_loop().time() + timeout
    pause = 0.01
    while asyncio.get_running_loop().time() < deadline:
        found = await asyncio.to_thread(_look, key)
        if found is not None:
            return _result(found)
        await asyncio.sleep(pause)
        pause = min(0.1, pause * 1.5)
    raise TryAgain(
        f"the engine has not answered '{kind}' within {timeout:g} s",
        "It may be busy: `agentdeck log` shows what it does.",
    )


def _look(key: str) -> Request | None:
    conn = store.read(paths.database_file())
    if conn is None:
        return None
    with contextlib.closing(conn):
        return settled(conn, key)


def _result(found: Request) -> dict[str, object]:
    if found.state == "failed":
        result = found.result
        raise AgentDeckError(
            str(result.get("title")), str(result.get("hint", "")), int(str(result.get("exit_code", 1)))
        )
    return found.result


def retry_task(task: int) -> None:
    """Put a failed or cancelled task back into the queue; raises UsageError for any other."""
    from agentdeck.services.queue import queue

    conn = store.write(paths.database_file())
    try:
        with store.transaction(conn):
            queue.retry(conn, task)
    finally:
        conn.close()
    wake()
