"""Puts usage records into the database: one row per response, and its sums kept in step by differences.

The outcome does not depend on the order in which copies of a response arrive, so files may be
read in any order, twice, and from the start again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from agentdeck.models.price import Quote
from agentdeck.models.usage import Tokens, UsageRecord
from agentdeck.services.usage import pricing, usage_sums
from agentdeck.services.usage.usage_owner import Owner, Owners
from agentdeck.services.usage.usage_sums import QUARTER_MS, Bucket

PriceKey = tuple[str, str, str]  # model, variant, UTC day
Quotes = Mapping[PriceKey, Quote]


class Entry(NamedTuple):
    """A row of `usage`. `cost` in nano-dollars, None when unpriced."""

    record: UsageRecord
    owner: Owner
    cost: int | None
    cost_source: str


_COLUMNS = (
    "key, message, harness, agent, session, sidechain, task, attempt, repo, ts, model, variant, input, cache_read, "
    "cache_write_5m, cache_write_1h, output, reasoning, searches, cost, cost_source, client_cost"
)
_UPSERT = f"INSERT OR REPLACE INTO usage ({_COLUMNS}) VALUES ({', '.join('?' * 22)})"
# A key begins with its message, and then comes nothing or '/', which is the last character before '0'.
_OF_MESSAGES = f"""SELECT {", ".join(f"u.{name}" for name in _COLUMNS.split(", "))} FROM json_each(?) m
    CROSS JOIN usage u ON u.key >= m.value AND u.key < m.value || '0'"""


def price_key(record: UsageRecord) -> PriceKey:
    return record.model, record.variant, pricing.day_of(record.ts)


class Seen:
    """The messages that the database may hold, while only this process writes: the others need not be looked for.

    Two bits a message in a field of fixed size: one that is not there may be taken for one that is, never the reverse.
    """

    BITS = 1 << 23

    def __init__(self, conn: sqlite3.Connection) -> None:
        empty = conn.execute("SELECT 1 FROM usage LIMIT 1").fetchone() is None
        self._field: bytearray | None = bytearray(self.BITS // 8) if empty else None
        self._version = _version(conn)

    def among(self, conn: sqlite3.Connection, messages: set[str]) -> list[str]:
        """Those of `messages` that may be there; from now on all are."""
        if _version(conn) != self._version:
            self._field = None  # another process has written
        if self._field is None:
            return list(messages)
        return [message for message in messages if self._enter(self._field, hash(message))]

    def _enter(self, field: bytearray, mark: int) -> bool:
        """Whether it was there already."""
        one, other = mark % self.BITS, (mark >> 24) % self.BITS
        known = field[one >> 3] >> (one & 7) & field[other >> 3] >> (other & 7) & 1
        field[one >> 3] |= 1 << (one & 7)
        field[other >> 3] |= 1 << (other & 7)
        return bool(known)


def _version(conn: sqlite3.Connection) -> int:
    return int(conn.execute("PRAGMA data_version").fetchone()[0])


def store(
    conn: sqlite3.Connection,
    records: Sequence[tuple[UsageRecord, str]],
    owners: Owners,
    quotes: Quotes,
    seen: Seen | None = None,
) -> set[str]:
    """Merge `records`, each with the repository it was met in. Returns the ids of the agents whose sums changed.

    `seen` is what the process that alone writes usage remembers between calls.
    """
    messages = {record.message for record, _ in records}
    before = _known(conn, messages if seen is None else seen.among(conn, messages))
    after = dict(before)
    siblings = False
    for record, met_in in records:
        key, repo = record.key, met_in
        old = after.get(key)
        merged = record
        if old is not None:
            merged = merge(old.record, record, owners.started)
            if merged == old.record:
                continue
            repo = old.owner.repo or repo
        siblings = siblings or bool(record.sidechain) or key[-1:] == "/"
        after[key] = _priced(merged, owners.find(merged.session, merged.ts, repo, record.cwd), quotes)
    if siblings or before:
        _join_copies(after, owners, quotes)
    return _write(conn, before, after)


def merge(one: UsageRecord, other: UsageRecord, started: Callable[[str], int]) -> UsageRecord:
    """Two copies of one response: the larger total wins, the first moment counts, the earlier session pays.

    Any copy on the main chain makes it a response of the main chain.
    """
    if one == other:
        return one
    winner = max(one, other, key=_weight)
    own = [cost for cost in (one.client_cost, other.client_cost) if cost is not None]
    return winner._replace(
        ts=min(one.ts, other.ts),
        session=min(one.session, other.session, key=lambda session: (started(session), session)),
        sidechain=min(one.sidechain, other.sidechain),
        searches=max(one.searches, other.searches),
        client_cost=max(own, default=None),
    )


def _weight(record: UsageRecord) -> tuple[object, ...]:
    return record.tokens.total, record.tokens, record.model, record.variant, record.harness


def _priced(record: UsageRecord, owner: Owner, quotes: Quotes) -> Entry:
    return Entry(record, owner, *pricing.price(record, quotes.get(price_key(record))))


def _join_copies(entries: dict[str, Entry], owners: Owners, quotes: Quotes) -> None:
    """Keep one entry of copies whose keys differ.

    A side chain that repeats a response of the main chain under another request did not pay for it again, and a copy
    that does not tell its request is any of those that do.
    """
    odd = {one.record.message for key, one in entries.items() if one.record.sidechain or key[-1:] == "/"}
    groups: dict[str, list[str]] = {}
    for key, entry in entries.items() if odd else ():
        if entry.record.message in odd:
            groups.setdefault(entry.record.message, []).append(key)
    for keys in groups.values():
        if len(keys) > 1:
            _join(entries, sorted(keys), owners, quotes)


def _join(entries: dict[str, Entry], keys: list[str], owners: Owners, quotes: Quotes) -> None:
    if any(not entries[key].record.sidechain for key in keys):
        for key in [key for key in keys if entries[key].record.sidechain]:
            del entries[key]
            keys.remove(key)
    nameless = [key for key in keys if key[-1:] == "/"]
    if nameless and len(keys) > 1:
        weak, strong = entries.pop(nameless[0]), entries[keys[1]]
        merged = merge(strong.record, weak.record, owners.started)._replace(key=strong.record.key)
        owner = owners.find(merged.session, merged.ts, strong.owner.repo or weak.owner.repo, merged.cwd)
        entries[keys[1]] = _priced(merged, owner, quotes)


def _known(conn: sqlite3.Connection, messages: Iterable[str]) -> dict[str, Entry]:
    wanted = set(messages)
    found: dict[str, Entry] = {}
    if wanted:
        for row in conn.execute(_OF_MESSAGES, (json.dumps(sorted(wanted)),)):
            if row["message"] in wanted:
                found[row["key"]] = _entry(row)
    return found


def _entry(row: sqlite3.Row) -> Entry:
    tokens = Tokens(
        *(row[name] for name in ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning"))
    )
    record = UsageRecord(
        row["key"], row["harness"], row["session"], row["ts"], row["model"], tokens, sidechain=row["sidechain"],
        client_cost=row["client_cost"], message=row["message"], variant=row["variant"], searches=row["searches"],
    )  # fmt: skip
    return Entry(record, Owner(row["agent"], row["task"], row["attempt"], row["repo"]), row["cost"], row["cost_source"])


def _row(entry: Entry) -> tuple[object, ...]:
    record, owner, cost, source = entry
    return (
        record.key, record.message, record.harness, owner.agent, record.session, record.sidechain, owner.task,
        owner.attempt, owner.repo, record.ts, record.model, record.variant, *record.tokens, record.searches,
        cost, source, record.client_cost,
    )  # fmt: skip


def _write(conn: sqlite3.Connection, before: Mapping[str, Entry], after: Mapping[str, Entry]) -> set[str]:
    new = [entry for key, entry in after.items() if before.get(key) != entry] if before else list(after.values())
    old = [before[entry.record.key] for entry in new if entry.record.key in before]
    gone = [entry for key, entry in before.items() if key not in after]
    conn.executemany("DELETE FROM usage WHERE key = ?", [(entry.record.key,) for entry in gone])
    conn.executemany(_UPSERT, map(_row, new))
    usage_sums.add(conn, _changes(new, [*old, *gone]))
    return {entry.owner.agent for entries in (new, old, gone) for entry in entries} - {""}


def _changes(plus: Iterable[Entry], minus: Iterable[Entry]) -> dict[Bucket, list[int]]:
    sums: dict[Bucket, list[int]] = {}
    for sign, entries in ((1, plus), (-1, minus)):
        for record, owner, cost, _ in entries:
            tokens = record.tokens
            bucket = (
                owner.agent, owner.task, owner.attempt, record.harness, owner.repo, record.session, record.model,
                record.ts // QUARTER_MS * QUARTER_MS,
            )  # fmt: skip
            held = sums.get(bucket)
            if held is None:
                held = sums[bucket] = [0] * len(usage_sums.SUMS)
            held[0] += sign
            held[1] += sign * tokens[0]
            held[2] += sign * tokens[1]
            held[3] += sign * tokens[2]
            held[4] += sign * tokens[3]
            held[5] += sign * tokens[4]
            held[6] += sign * tokens[5]
            if cost is None:
                held[8] += sign * tokens.total
            else:
                held[7] += sign * cost
    return sums


def reprice(conn: sqlite3.Connection, model: str, quotes: Quotes) -> set[str]:
    """Give every response of `model` the price that holds now. Returns the ids of the agents concerned."""
    before = {
        row["key"]: _entry(row) for row in conn.execute(f"SELECT {_COLUMNS} FROM usage WHERE model = ?", (model,))
    }
    after = {key: _priced(entry.record, entry.owner, quotes) for key, entry in before.items()}
    return _write(conn, before, after)


def days_of(conn: sqlite3.Connection, model: str) -> Iterator[PriceKey]:
    """The prices that the stored responses of `model` need."""
    query = "SELECT DISTINCT variant, ts / 86400000 FROM usage WHERE model = ?"
    for variant, day in conn.execute(query, (model,)).fetchall():
        yield model, variant, pricing.day_of(day * 86_400_000)
