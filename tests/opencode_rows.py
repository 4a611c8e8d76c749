"""Makes databases like those of opencode 1.18.33, as far as we read them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE session (id text PRIMARY KEY, parent_id text, directory text NOT NULL, time_created integer NOT NULL);
CREATE TABLE message (id text PRIMARY KEY, session_id text NOT NULL, time_created integer NOT NULL,
    time_updated integer NOT NULL, data text NOT NULL);
CREATE TABLE part (id text PRIMARY KEY, message_id text NOT NULL, session_id text NOT NULL,
    time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);
CREATE TABLE session_message (id text PRIMARY KEY, session_id text NOT NULL);
CREATE INDEX message_session_time_created_id_idx ON message (session_id, time_created, id);
"""


class Database:
    """One, held open as its client holds it. Times are UTC milliseconds."""

    def __init__(self, file: Path, schema: str = SCHEMA) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file = file
        self.conn = sqlite3.connect(file, isolation_level=None)
        self.conn.execute("PRAGMA journal_mode=WAL")
        self.conn.executescript(schema)

    def session(self, name: str, parent: str | None = None, directory: str = "/w", born: int = 1) -> None:
        self.conn.execute("INSERT INTO session VALUES (?, ?, ?, ?)", (name, parent, directory, born))

    def message(self, name: str, session: str, at: int, data: dict[str, Any] | str, *parts: dict[str, Any]) -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        self.conn.execute("INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?)", (name, session, at, at, text))
        for number, part in enumerate(parts):
            row = (f"{name}-{number}", name, session, at, at, json.dumps(part))
            self.conn.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", row)

    def close(self) -> None:
        self.conn.close()


def answer(at: int, tokens: tuple[int, int, int, int, int] = (100, 20, 5, 40, 8), **more: object) -> dict[str, Any]:
    """A response of the assistant; `tokens` are input, output, reasoning, cache read, cache write."""
    fresh, output, reasoning, read, written = tokens
    counts = {"input": fresh, "output": output, "reasoning": reasoning, "cache": {"read": read, "write": written}}
    return {
        "role": "assistant", "modelID": "m-1", "providerID": "p", "cost": 0, "path": {"cwd": "/w"},
        "time": {"created": at, "completed": at + 9}, "tokens": {"total": sum(tokens), **counts}, **more,
    }  # fmt: skip
