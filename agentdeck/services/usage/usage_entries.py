"""The responses as the database keeps them: numbers and an id of their own, and once what many of them share.

A response is found by a mark, a small number made of its message: marks may be equal by chance, so the message is held
against it. What shares agent, session, model and the like is a kind; `newest` is never before its newest response. The
view `usage` shows a response and its kind as one row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple
from zlib import crc32

from agentdeck.models.usage import Tokens, UsageRecord
from agentdeck.services.usage.usage_owner import Owner

Kind = tuple[str, int, int, str, str, str, str, str, str, str]


class Entry(NamedTuple):
    """A response of somebody. `cost` in nano-dollars, None when unpriced."""

    record: UsageRecord
    owner: Owner
    cost: int | None
    cost_source: str


Groups = dict[Kind, list[Entry]]
_KIND = "agent, task, attempt, harness, repo, session, sidechain, model, variant, cost_source"
_NUMBERS = "input, cache_read, cache_write_5m, cache_write_1h, output, reasoning"
# A None costs the binding as much as all the rest of a row: -1 stands for it.
_PUT = f"""INSERT INTO responses (mark, message, rest, kind, ts, {_NUMBERS}, searches, cost, client_cost)
    VALUES ({", ".join("?" * 12)}, NULLIF(?, -1), NULLIF(?, -1))"""
_PUT_AGAIN = _PUT.replace("INSERT INTO responses (", "INSERT OR REPLACE INTO responses (id, ").replace("(?", "(?, ?", 1)
_PUT_KIND = f"""INSERT INTO usage_kinds ({_KIND}, newest) VALUES ({", ".join("?" * 11)}) ON CONFLICT ({_KIND})
    DO UPDATE SET newest = MAX(newest, excluded.newest) RETURNING id"""
_ROWS = f"""SELECT r.id, r.message, r.rest, r.ts, r.searches, r.cost, r.client_cost, {_NUMBERS}, {_KIND}
    FROM responses r JOIN usage_kinds k ON k.id = r.kind"""
_BY_MARK = f"{_ROWS} WHERE r.mark IN (SELECT value FROM json_each(?))"


def of_messages(conn: sqlite3.Connection, messages: Collection[str]) -> tuple[dict[str, Entry], dict[str, int]]:
    """The responses of these messages by key, and the numbers of their rows."""
    if not messages:
        return {}, {}
    marks = json.dumps(sorted({crc32(message.encode()) for message in messages}))
    wanted = set(messages)
    return _entries(row for row in conn.execute(_BY_MARK, (marks,)) if row["message"] in wanted)


def of_model(conn: sqlite3.Connection, model: str) -> tuple[dict[str, Entry], dict[str, int]]:
    """The same of all responses of a model."""
    return _entries(conn.execute(f"{_ROWS} WHERE k.model = ?", (model,)))


def by_kind(entries: Iterable[Entry]) -> Groups:
    """The entries in groups of those that share all but numbers."""
    groups: Groups = {}
    for entry in entries:
        record, owner = entry.record, entry.owner
        kind = (
            owner.agent, owner.task, owner.attempt, record.harness, owner.repo, record.session, record.sidechain,
            record.model, record.variant, entry.cost_source,
        )  # fmt: skip
        held = groups.get(kind)
        if held is None:
            groups[kind] = [entry]
        else:
            held.append(entry)
    return groups


def put(conn: sqlite3.Connection, groups: Groups, rows: Mapping[str, int]) -> None:
    """Enter these, in the place of those that have a row by their key."""
    fresh: list[tuple[object, ...]] = []
    for kind, entries in groups.items():
        newest = max([entry.record.ts for entry in entries])
        number = conn.execute(_PUT_KIND, (*kind, newest)).fetchone()[0]
        fresh += [_row(record, number, cost) for record, _, cost, _ in entries]
    if rows:
        keyed = [(rows.get(f"{row[1]}{row[2]}"), row) for row in fresh]
        conn.executemany(_PUT_AGAIN, [(number, *row) for number, row in keyed if number is not None])
        fresh = [row for number, row in keyed if number is None]
    conn.executemany(_PUT, fresh)


def _row(record: UsageRecord, kind: int, cost: int | None) -> tuple[object, ...]:
    message, own = record.message, record.client_cost
    return (
        crc32(message.encode()), message, record.key[len(message) :], kind, record.ts, *record.tokens,
        record.searches, -1 if cost is None else cost, -1 if own is None else own,
    )  # fmt: skip


def drop(conn: sqlite3.Connection, rows: Iterable[int]) -> None:
    """Take these rows out."""
    conn.executemany("DELETE FROM responses WHERE id = ?", [(row,) for row in rows])


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
