"""Puts usage records into the database: one row per response, and the rollup kept in step by differences.

The outcome does not depend on the order in which copies of a response arrive, so files may be
read in any order, twice, and from the start again.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace

from agentdeck.models.price import Quote
from agentdeck.models.usage import Tokens, UsageRecord
from agentdeck.services import pricing
from agentdeck.services.usage_owner import Owner, Owners

QUARTER_MS = 15 * 60 * 1000
IN_ONE_QUERY = 500

PriceKey = tuple[str, str, str]  # model, variant, UTC day
Quotes = Mapping[PriceKey, Quote]


@dataclass(frozen=True, slots=True)
class Entry:
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
_BUCKET = "agent, task, attempt, harness, repo, session, model, quarter"
_SUMS = "messages, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, cost, unpriced_tokens"
_ADD = (
    f"INSERT INTO usage_rollup ({_BUCKET}, {_SUMS}) VALUES ({', '.join('?' * 17)}) "
    f"ON CONFLICT ({_BUCKET}) DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS.split(", "))
)


def price_key(record: UsageRecord) -> PriceKey:
    return record.model, record.variant, pricing.day_of(record.ts)


def store(
    conn: sqlite3.Connection, records: Sequence[tuple[UsageRecord, str]], owners: Owners, quotes: Quotes
) -> set[str]:
    """Merge `records`, each with the repository it was met in. Returns the ids of the agents whose sums changed."""
    before = _known(conn, {record.message for record, _ in records})
    after = dict(before)
    for record, repo in records:
        old = after.get(record.key)
        merged = record if old is None else merge(old.record, record, owners.started)
        if old is not None and merged == old.record:
            continue
        owner = owners.find(merged.session, merged.ts, repo if old is None else old.owner.repo or repo)
        after[record.key] = _priced(merged, owner, quotes)
    _drop_replays(after)
    return _write(conn, before, after)


def merge(one: UsageRecord, other: UsageRecord, started: Callable[[str], int]) -> UsageRecord:
    """Two copies of one response: the larger total wins, the first moment counts, the earlier session pays.

    Any copy on the main chain makes it a response of the main chain.
    """
    winner = max(one, other, key=_weight)
    own = [cost for cost in (one.client_cost, other.client_cost) if cost is not None]
    return replace(
        winner,
        ts=min(one.ts, other.ts),
        session=min(one.session, other.session, key=lambda session: (started(session), session)),
        sidechain=min(one.sidechain, other.sidechain),
        searches=max(one.searches, other.searches),
        client_cost=max(own, default=None),
    )


def _weight(record: UsageRecord) -> tuple[object, ...]:
    return record.tokens.total, astuple(record.tokens), record.model, record.variant, record.harness


def _priced(record: UsageRecord, owner: Owner, quotes: Quotes) -> Entry:
    return Entry(record, owner, *pricing.price(record, quotes.get(price_key(record))))


def _drop_replays(entries: dict[str, Entry]) -> None:
    """A side chain that repeats a response of the main chain under another request did not pay for it again."""
    main = {entry.record.message for entry in entries.values() if not entry.record.sidechain}
    for key, entry in list(entries.items()):
        if entry.record.sidechain and entry.record.message in main:
            del entries[key]


def _known(conn: sqlite3.Connection, messages: set[str]) -> dict[str, Entry]:
    wanted = sorted(messages)
    found: dict[str, Entry] = {}
    for start in range(0, len(wanted), IN_ONE_QUERY):
        some = wanted[start : start + IN_ONE_QUERY]
        marks = ", ".join("?" * len(some))
        for row in conn.execute(f"SELECT {_COLUMNS} FROM usage WHERE message IN ({marks})", some):
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
    record, owner = entry.record, entry.owner
    return (
        record.key, record.message, record.harness, owner.agent, record.session, record.sidechain, owner.task,
        owner.attempt, owner.repo, record.ts, record.model, record.variant, *astuple(record.tokens), record.searches,
        entry.cost, entry.cost_source, record.client_cost,
    )  # fmt: skip


def _write(conn: sqlite3.Connection, before: Mapping[str, Entry], after: Mapping[str, Entry]) -> set[str]:
    new = [entry for key, entry in after.items() if before.get(key) != entry]
    old = [before[entry.record.key] for entry in new if entry.record.key in before]
    gone = [entry for key, entry in before.items() if key not in after]
    conn.executemany("DELETE FROM usage WHERE key = ?", [(entry.record.key,) for entry in gone])
    conn.executemany(_UPSERT, map(_row, new))
    _roll(conn, new, [*old, *gone])
    return {entry.owner.agent for entry in (*new, *old, *gone)} - {""}


def _roll(conn: sqlite3.Connection, plus: Iterable[Entry], minus: Iterable[Entry]) -> None:
    sums: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0] * 9)
    for sign, entries in ((1, plus), (-1, minus)):
        for entry in entries:
            bucket = sums[_bucket(entry)]
            for place, amount in enumerate(_amounts(entry)):
                bucket[place] += sign * amount
    changed = [(bucket, amounts) for bucket, amounts in sums.items() if any(amounts)]
    conn.executemany(_ADD, [(*bucket, *amounts) for bucket, amounts in changed])
    if any(amounts[0] < 0 for _, amounts in changed):
        conn.execute("DELETE FROM usage_rollup WHERE messages <= 0")


def _bucket(entry: Entry) -> tuple[object, ...]:
    record, owner = entry.record, entry.owner
    quarter = record.ts // QUARTER_MS * QUARTER_MS
    return (
        owner.agent, owner.task, owner.attempt, record.harness, owner.repo, record.session, record.model, quarter,
    )  # fmt: skip


def _amounts(entry: Entry) -> tuple[int, ...]:
    tokens = entry.record.tokens
    unpriced = tokens.total if entry.cost is None else 0
    return 1, *astuple(tokens), entry.cost or 0, unpriced


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
