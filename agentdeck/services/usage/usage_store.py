"""Puts usage records into the database: one row per response, and its sums kept in step by differences.

The outcome does not depend on the order in which copies of a response arrive, so files may be
read in any order, twice, and from the start again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from agentdeck.models import pricing
from agentdeck.models.price import Quote
from agentdeck.models.usage import UsageRecord
from agentdeck.services.usage import usage_entries, usage_sums
from agentdeck.services.usage.usage_entries import Entry, Groups
from agentdeck.services.usage.usage_owner import Owner, Owners
from agentdeck.services.usage.usage_sums import DAY_MS, QUARTER_MS, Bucket

PriceKey = tuple[str, str, str]  # model, variant, UTC day
Quotes = Mapping[PriceKey, Quote]
_new: Any = tuple.__new__  # a named tuple's own takes three times as long


def price_key(record: UsageRecord) -> PriceKey:
    return record.model, record.variant, pricing.day_of(record.ts)


def price_keys(records: Iterable[tuple[UsageRecord, str]]) -> set[PriceKey]:
    """The prices that these need."""
    wanted = {(record.model, record.variant, record.ts // DAY_MS) for record, _ in records}
    return {(model, variant, pricing.day_of(day * DAY_MS)) for model, variant, day in wanted}


class Seen:
    """The messages that the database may hold, while only this process writes: the others need not be looked for.

    Two bits a message in a field of fixed size: one that is not there may be taken for one that is, never the reverse.
    """

    BITS = 1 << 23

    def __init__(self, conn: sqlite3.Connection) -> None:
        empty = conn.execute("SELECT 1 FROM responses LIMIT 1").fetchone() is None
        self._field: bytearray | None = bytearray(self.BITS // 8) if empty else None
        self._version = _version(conn)

    def among(self, conn: sqlite3.Connection, messages: set[str]) -> list[str]:
        """Those of `messages` that may be there; from now on all are."""
        if _version(conn) != self._version:
            self._field = None  # another process has written
        if self._field is None:
            return list(messages)
        return _met(self._field, messages)


def _met(field: bytearray, messages: Iterable[str]) -> list[str]:
    """Those of `messages` whose bits are set; from now on all are."""
    found = []
    for message in messages:
        mark = hash(message)
        one, other = mark % Seen.BITS, (mark >> 24) % Seen.BITS
        bit, bits = 1 << (one & 7), 1 << (other & 7)
        if field[one >> 3] & bit and field[other >> 3] & bits:
            found.append(message)
        field[one >> 3] |= bit
        field[other >> 3] |= bits
    return found


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
    before, rows = usage_entries.of_messages(conn, messages if seen is None else seen.among(conn, messages))
    after = dict(before)
    till = Till(quotes)
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
        after[key] = till.entry(merged, owners.find(merged.session, merged.ts, repo, record.cwd))
    if siblings or before:
        _join_copies(after, owners, till)
    return _write(conn, before, after, rows)


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
        session=min(one.session, other.session, key=lambda session: (not session, started(session), session)),
        sidechain=min(one.sidechain, other.sidechain),
        searches=max(one.searches, other.searches),
        client_cost=max(own, default=None),
    )


def _weight(record: UsageRecord) -> tuple[object, ...]:
    return record.tokens.total, record.tokens, record.model, record.variant, record.harness


class Till:
    """Prices responses, most of which are of the same few models and days."""

    def __init__(self, quotes: Quotes) -> None:
        self._quotes = quotes
        self._held: dict[tuple[str, str, int], Quote | None] = {}

    def entry(self, record: UsageRecord, owner: Owner) -> Entry:
        """The response with its price."""
        wanted = record.model, record.variant, record.ts // DAY_MS
        if wanted not in self._held:
            self._held[wanted] = self._quotes.get(price_key(record))
        return _new(Entry, (record, owner, *pricing.price(record, self._held[wanted])))


def _join_copies(entries: dict[str, Entry], owners: Owners, till: Till) -> None:
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
            _join(entries, sorted(keys), owners, till)


def _join(entries: dict[str, Entry], keys: list[str], owners: Owners, till: Till) -> None:
    if any(not entries[key].record.sidechain for key in keys):
        for key in [key for key in keys if entries[key].record.sidechain]:
            del entries[key]
            keys.remove(key)
    nameless = [key for key in keys if key[-1:] == "/"]
    if nameless and len(keys) > 1:
        weak, strong = entries.pop(nameless[0]), entries[keys[1]]
        merged = merge(strong.record, weak.record, owners.started)._replace(key=strong.record.key)
        owner = owners.find(merged.session, merged.ts, strong.owner.repo or weak.owner.repo, merged.cwd)
        entries[keys[1]] = till.entry(merged, owner)


def _write(
    conn: sqlite3.Connection, before: Mapping[str, Entry], after: Mapping[str, Entry], rows: dict[str, int]
) -> set[str]:
    """`rows` are the numbers of the rows of `before`."""
    new = [entry for key, entry in after.items() if before.get(key) != entry] if before else list(after.values())
    old = [before[entry.record.key] for entry in new if entry.record.key in before]
    gone = [entry for key, entry in before.items() if key not in after]
    usage_entries.drop(conn, [rows[entry.record.key] for entry in gone])
    groups = usage_entries.by_kind(new)
    usage_entries.put(conn, groups, rows)
    sums: dict[Bucket, list[int]] = {}
    _change(sums, groups, 1)
    _change(sums, usage_entries.by_kind([*old, *gone]), -1)
    usage_sums.add(conn, sums)
    return {entry.owner.agent for entries in (new, old, gone) for entry in entries} - {""}


def _change(sums: dict[Bucket, list[int]], groups: Groups, sign: int) -> None:
    """Add the groups to the sums, or take them away."""
    for (agent, task, attempt, harness, repo, session, _, model, _, _), entries in groups.items():
        held: dict[int, list[int]] = {}
        for record, _, cost, _ in entries:
            start, tokens = record.ts // QUARTER_MS * QUARTER_MS, record.tokens
            found = held.get(start)
            if found is None:
                bucket = agent, task, attempt, harness, repo, session, model, start
                found = held[start] = sums.setdefault(bucket, [0] * len(usage_sums.SUMS))
            found[0] += sign
            found[1] += sign * tokens[0]
            found[2] += sign * tokens[1]
            found[3] += sign * tokens[2]
            found[4] += sign * tokens[3]
            found[5] += sign * tokens[4]
            found[6] += sign * tokens[5]
            if cost is None:
                found[8] += sign * tokens.total
            else:
                found[7] += sign * cost


def reprice(conn: sqlite3.Connection, model: str, quotes: Quotes) -> set[str]:
    """Give every response of `model` the price that holds now. Returns the ids of the agents concerned."""
    before, rows = usage_entries.of_model(conn, model)
    till = Till(quotes)
    after = {key: till.entry(entry.record, entry.owner) for key, entry in before.items()}
    return _write(conn, before, after, rows)


def days_of(conn: sqlite3.Connection, model: str) -> Iterator[PriceKey]:
    """The prices that the stored responses of `model` need."""
    query = "SELECT DISTINCT variant, ts / 86400000 FROM usage WHERE model = ?"
    for variant, day in conn.execute(query, (model,)).fetchall():
        yield model, variant, pricing.day_of(day * 86_400_000)
