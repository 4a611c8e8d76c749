"""stdout is data, stderr is talk."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import closing
from typing import Any, TypeVar

import click

from agentdeck import paths
from agentdeck.adapters.database import store

T = TypeVar("T")
AGAIN_SECONDS = 2.0  # after this long without an answer, look whether an engine lives


def data(value: object) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def table(head: Sequence[str], lines: Iterable[Iterable[str]], numbers: int = 0) -> None:
    """Columns for a person, the last `numbers` of them right-aligned; nothing but the head when there are no rows."""
    rows = [list(head), *(list(line) for line in lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    words = len(head) - numbers
    for row in rows:
        cells = [
            cell.ljust(width) if place < words else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())


def query(question: Any) -> Any:
    """Run `question(conn)` on a read connection; `conn` is None while there is no database."""
    conn = store.read(paths.database_file())
    if conn is None:
        return question(None)
    with closing(conn):
        return question(conn)


def ask(kind: str, agent: str = "", *, timeout: float = 60.0, **args: object) -> dict[str, object]:
    """Start the engine when none lives, then ask it."""
    import asyncio

    from agentdeck.services import requests
    from agentdeck.services.lives import summon

    async def both() -> dict[str, object]:
        await summon.ensure_engine()
        answer = asyncio.create_task(requests.ask(kind, agent, timeout=timeout, **args))
        while not (await asyncio.wait([answer], timeout=AGAIN_SECONDS))[0]:
            await summon.ensure_engine()  # the one that lived may just have been killed
        return await answer

    return run(both())


def run(work: Coroutine[Any, Any, T]) -> T:
    import asyncio  # 24 ms, and `ls` needs none of it

    return asyncio.run(work)


def agent_id(name: str) -> str:
    """The id behind a name; an error that says so when there is none."""
    from agentdeck.services import rows

    def find(conn: sqlite3.Connection | None) -> str:
        return rows.find(conn, name).id

    return str(query(find))


def text_or_stdin(text: str) -> str:
    """`-` means standard input."""
    return sys.stdin.read() if text == "-" else text
