"""The responses as the database keeps them: numbers and an id of their own, and once what many of them share.

A response is found by a mark, a small number made of its message: marks may be equal by chance, so the message is held
against it. What shares agent, session, model and the like is a kind; `newest` is never before its newest response. The
view `usage` shows a response and its kind as one row.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from agentdeck.models.usage import Tokens, UsageRecord
from agentdeck.services.usage.usage_owner import Owner

Kind = tuple[str, int, int, str, str, str, str, str, str, str]


class Entry(NamedTuple):
    """A response of somebody. `cost` in nano-dollars, None when unpriced."""

    record: UsageRecord
    owner: Owner
    cost: int | None
    cost_source: str


_KIND = "agent, task, attempt, harness, repo, session, sidechain, model, variant, cost_source"
_NUMBERS = "input, cache_read, cache_write_5m, cache_write_1h, output, reasoning"
_PUT = f"""INSERT OR REPLACE INTO responses (id, mark, message, rest, kind, ts, {_NUMBERS}, searches, cost, client_cost)
    VALUES ({", ".join("?" * 15)})"""
_PUT_KIND = f"""INSERT INTO usage_kinds ({_KIND}, newest) VALUES ({", ".join("?" * 11)}) ON CONFLICT ({_KIND})
    DO UPDATE SET newest = MAX(newest, excluded.newest) RETURNING id"""
_ROWS = f"""SELECT r.id, r.message, r.rest, r.ts, r.searches, r.cost, r.client_cost, {_NUMBERS}, {_KIND}
    FROM responses r JOIN usage_kinds k ON k.id = r.kind"""
_BY_MARK = f"{_ROWS} WHERE r.mark IN (SELECT value FROM json_each(?))"


def of_messages(conn: sqlite3.Connection, messages: Collection[str]) -> tuple[dict[str, Entry], dict[str, int]]:
    """The responses of these messages by key, and the numbers of their rows."""
    if not messages:
        return {}, {}
    marks = json.dumps(sorted({_mark(message) for message in messages}))
    wanted = set(messages)
    return _entries(row for row in conn.execute(_BY_MARK, (marks,)) if row["message"] in wanted)


def of_model(conn: sqlite3.Connection, model: str) -> tuple[dict[str, Entry], dict[str, int]]:
    """The same of all responses of a model."""
    return _entries(conn.execute(f"{_ROWS} WHERE k.model = ?", (model,)))


def put(conn: sqlite3.Connection, entries: Sequence[Entry], rows: dict[str, int]) -> None:
    """Enter these, in the place of those that have a row."""
    kinds = [_kind(entry) for entry in entries]
    ids = _ids(conn, kinds, entries)
    conn.executemany(
        _PUT,
        [
            (
                rows.get(record.key), _mark(record.message), record.message, record.key[len(record.message) :],
                ids[kind], record.ts, *record.tokens, record.searches, cost, record.client_cost,
            )
            for kind, (record, _, cost, _) in zip(kinds, entries, strict=True)
        ],
    )  # fmt: skip


def drop(conn: sqlite3.Connection, rows: Iterable[int]) -> None:
    """Take these rows out."""
    conn.executemany("DELETE FROM responses WHERE id = ?", [(row,) for row in rows])


def _mark(message: str) -> int:
    return zlib.crc32(message.encode())


def _kind(entry: Entry) -> Kind:
    record, owner, _, source = entry
    return (
        owner.agent, owner.task, owner.attempt, record.harness, owner.repo, record.session, record.sidechain,
        record.model, record.variant, source,
    )  # fmt: skip


def _ids(conn: sqlite3.Connection, kinds: Iterable[Kind], entries: Iterable[Entry]) -> dict[Kind, int]:
    newest: dict[Kind, int] = {}
    for kind, entry in zip(kinds, entries, strict=True):
        ts = entry.record.ts
        if newest.get(kind, -1) < ts:
            newest[kind] = ts
    return {kind: conn.execute(_PUT_KIND, (*kind, ts)).fetchone()[0] for kind, ts in newest.items()}


def _entries(rows: Iterable[sqlite3.Row]) -> tuple[dict[str, Entry], dict[str, int]]:
    entries: dict[str, Entry] = {}
    numbers: dict[str, int] = {}
    for row in rows:
        entry = _entry(row)
        entries[entry.record.key], numbers[entry.record.key] = entry, row["id"]
    return entries, numbers


def _entry(row: sqlite3.Row) -> Entry:
    tokens = Tokens(*(row[name] for name in Tokens._fields))
    record = UsageRecord(
        row["message"] + row["rest"], row["harness"], row["session"], row["ts"], row["model"], tokens,
        sidechain=row["sidechain"], client_cost=row["client_cost"], message=row["message"], variant=row["variant"],
        searches=row["searches"],
    )  # fmt: skip
    return Entry(record, Owner(row["agent"], row["task"], row["attempt"], row["repo"]), row["cost"], row["cost_source"])
