"""Holds what clients say of their sessions' totals against what we have counted, and keeps the difference.

A client's total may hold requests that it records nowhere else: a compaction, a title. What it has more than we is
"auxiliary": it stands beside our sums, never in them. Totals run on over all processes of a session, and a fork's begin
with its parent's: a session's own is what it gained. A process that was killed tells nothing, so what it used is left
out of the comparison: where a client says how long its processes ran, what lies between them is no part of its total.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from agentdeck.models import pricing
from agentdeck.models.usage import ClientTotal, Tokens
from agentdeck.services.usage.usage_owner import Owners
from agentdeck.services.usage.usage_store import Quotes

_CLASSES = "input, cache_read, cache_write_5m, cache_write_1h, output, reasoning"
_KEEP = f"""INSERT OR REPLACE INTO client_totals
    (harness, session, model, at, {_CLASSES}, cost, chain, source, lasted) VALUES ({", ".join("?" * 14)})"""
_OLDER = "DELETE FROM client_totals WHERE harness = ? AND session = ? AND source = ? AND model = ? AND at < ?"
_CONCERNED = """SELECT harness, session FROM client_totals WHERE session IN (SELECT value FROM json_each(?))
    UNION SELECT harness, session FROM client_totals
    WHERE chain != '' AND chain IN (SELECT value FROM json_each(?))"""
_TOLD = f"SELECT harness, session, model, at, {_CLASSES}, cost, chain, source, lasted FROM client_totals"
_OURS = f"""SELECT {", ".join(f"SUM({name})" for name in _CLASSES.split(", "))}, SUM(cost) FROM usage
    WHERE session = ? AND ts <= ? AND (? = '' OR model = ?)"""
_CHAIN = " AND sidechain = ?"
_TOLD_OF = """ AND NOT EXISTS (SELECT 1 FROM json_each(?) gap
    WHERE ts > json_extract(gap.value, '$[0]') AND ts < json_extract(gap.value, '$[1]'))"""
_RESULT = f"""INSERT OR REPLACE INTO reconciliation (harness, session, model, source, at, agent, task, attempt, repo,
    our_tokens, our_cost, client_tokens, client_cost, {_CLASSES}, cost) VALUES ({", ".join("?" * 20)})"""
NONE = Tokens()


@dataclass(frozen=True, slots=True)
class Own:
    """What a session gained of a model by the client's own count, at the time of its newest total.

    `gaps` are times (UTC ms, both ends excluded) in which none of the processes ran that are in the total.
    """

    newest: ClientTotal
    tokens: Tokens
    cost: int | None
    gaps: tuple[tuple[int, int], ...] = ()


def keep(conn: sqlite3.Connection, totals: Iterable[ClientTotal]) -> None:
    """Store what clients told; of one that tells it all the time only the newest."""
    for one in totals:
        if one.source != "session":
            conn.execute(_OLDER, (one.harness, one.session, one.source, one.model, one.at))
        row = (one.harness, one.session, one.model, one.at, *one.tokens, one.cost, one.parent, one.source, one.lasted)
        conn.execute(_KEEP, row)


def concerned(conn: sqlite3.Connection, sessions: Iterable[str]) -> set[tuple[str, str]]:
    """Those of `sessions` whose clients have told a total, and the forks of any of them, as (harness, id)."""
    named = json.dumps(sorted(set(sessions)))
    return {(row[0], row[1]) for row in conn.execute(_CONCERNED, (named, named))}


def reconcile(conn: sqlite3.Connection, sessions: Iterable[tuple[str, str]], owners: Owners, quotes: Quotes) -> None:
    """Hold the totals of these sessions, as (harness, id), against our sums, and store what came of it."""
    for harness, session in sorted(set(sessions)):
        told = _told(conn, "harness = ? AND session = ?", (harness, session))
        parent = max(one.parent for one in told)
        theirs = _told(conn, "harness = ? AND session = ?", (harness, parent)) if parent else []
        for source in sorted({one.source for one in told}):
            for own in own_totals([one for one in told if one.source == source], theirs, parent):
                _settle(conn, own, owners, quotes)


def own_totals(told: Sequence[ClientTotal], parents: Sequence[ClientTotal], parent: str = "") -> list[Own]:
    """What a session gained, by model; nothing for a fork whose parent's total is not known."""
    if parent and not parents:
        return []
    found = []
    for model in sorted({one.model for one in told}):
        mine = sorted((one for one in told if one.model == model), key=lambda one: (one.at, one.tokens.total))
        base = _base(mine[0], [one for one in parents if one.model == model])
        if base is None and mine[0].source == "statusline" and parent:
            continue
        newest = mine[-1]
        cost = None if newest.cost is None else newest.cost - (base.cost or 0 if base else 0)
        tokens = newest.tokens - base.tokens if base else newest.tokens
        found.append(Own(newest, tokens, cost, tuple(gaps([*([base] if base else []), *mine]))))
    return found


def gaps(told: Sequence[ClientTotal]) -> Iterator[tuple[int, int]]:
    """The times between the processes that are in these totals of one session, each told as a process ended."""
    for before, after in pairwise(told):
        began = after.at - (after.lasted - before.lasted)
        if before.lasted and after.lasted > before.lasted and began > before.at:
            yield before.at, began


def _base(first: ClientTotal, parents: Sequence[ClientTotal]) -> ClientTotal | None:
    """The total with which a fork began: its parent's largest that is not above its own first one, nor later."""
    fits = [one for one in parents if one.at <= first.at and min(first.tokens - one.tokens) >= 0]
    return max(fits, key=lambda one: (one.tokens.total, one.at), default=None)


def _told(conn: sqlite3.Connection, where: str, values: Sequence[object]) -> list[ClientTotal]:
    return [
        ClientTotal(row[0], row[1], row[2], row[3], Tokens(*row[4:10]), row[10], row[11], row[12], row[13])
        for row in conn.execute(f"{_TOLD} WHERE {where}", values)
    ]


def _settle(conn: sqlite3.Connection, own: Own, owners: Owners, quotes: Quotes) -> None:
    told = own.newest
    ours, our_cost = _ours(conn, told, own.gaps)
    more = own.tokens - ours if own.tokens.total else NONE
    owner = owners.find(told.session, told.at, _repo(conn, told))
    row = (
        told.harness, told.session, told.model, told.source, told.at, owner.agent, owner.task, owner.attempt,
        owner.repo, ours.total, our_cost, own.tokens.total, own.cost, *more, _cost(more, own, our_cost, quotes),
    )  # fmt: skip
    conn.execute(_RESULT, row)


def _cost(more: Tokens, own: Own, our_cost: int, quotes: Quotes) -> int | None:
    """What the difference costs: by the client's own count when it has one, else by the list."""
    if own.cost is not None:
        return own.cost - our_cost
    quote = quotes.get((own.newest.model, "", pricing.day_of(own.newest.at)))
    if quote is None or quote.rates is None or min(more) < 0:
        return None
    return pricing.cost(quote.rates, more)


def _ours(conn: sqlite3.Connection, told: ClientTotal, gaps: Sequence[tuple[int, int]]) -> tuple[Tokens, int]:
    """What we have counted by then of what the total is about."""
    values: list[object] = [told.session, told.at, told.model, told.model]
    thread = told.source.removeprefix("thread ") if told.source.startswith("thread ") else None
    if thread is not None:
        values.append("" if thread == told.session else thread)
    if gaps:
        values.append(json.dumps(gaps))
    row = conn.execute(_OURS + _CHAIN * (thread is not None) + _TOLD_OF * bool(gaps), values).fetchone()
    return (Tokens(*row[:6]), row[6] or 0) if row[0] is not None else (NONE, 0)


def _repo(conn: sqlite3.Connection, told: ClientTotal) -> str:
    row = conn.execute("SELECT repo FROM usage_kinds WHERE session = ? LIMIT 1", (told.session,)).fetchone()
    return row[0] if row else ""
