"""`agentdeck usage doctor`: where our counts differ from the clients' own, and what could not be read or priced."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from agentdeck.models.clock import iso

SCHEMA = 1
_CLASSES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
_SESSIONS = f"""SELECT r.harness, r.session, r.model, r.source, r.at, r.agent, COALESCE(a.name, '') name, r.our_tokens,
    r.our_cost, r.client_tokens, r.client_cost, r.cost, {", ".join(f"r.{name}" for name in _CLASSES)}
    FROM reconciliation r LEFT JOIN agents a ON a.id = r.agent ORDER BY r.at DESC"""
_FILES = "SELECT path, diagnostics FROM file_states WHERE diagnostics > 0 ORDER BY diagnostics DESC, path"
_UNPRICED = """SELECT model, SUM(unpriced_tokens) FROM usage_ever GROUP BY 1 HAVING SUM(unpriced_tokens) > 0
    ORDER BY 2 DESC"""
_UNTOLD = """SELECT u.harness, COUNT(DISTINCT u.session) sessions,
    SUM(input + cache_read + cache_write_5m + cache_write_1h + output) tokens FROM usage_rollup u
    WHERE NOT EXISTS (SELECT 1 FROM reconciliation r WHERE r.session = u.session) GROUP BY 1 ORDER BY 1"""
_SOURCES = "SELECT cost_source, COUNT(*), SUM(cost) FROM usage GROUP BY 1 ORDER BY 2 DESC"


def examine(conn: sqlite3.Connection | None, every: bool = False) -> dict[str, Any]:
    """What `usage doctor --json` prints. Sessions that agree are left out unless `every`."""
    if conn is None:
        nothing: dict[str, Any] = dict.fromkeys(("sessions", "untold", "damaged", "unpriced", "price_sources"), [])
        return {"schema": SCHEMA, "agree": 0, **nothing}
    sessions = [_session(row) for row in conn.execute(_SESSIONS)]
    return {
        "schema": SCHEMA,
        "sessions": [one for one in sessions if every or one["verdict"] != "agrees"],
        "agree": sum(one["verdict"] == "agrees" for one in sessions),
        "untold": [dict(row) for row in conn.execute(_UNTOLD)],
        "damaged": [{"path": row[0], "rows": row[1]} for row in conn.execute(_FILES)],
        "unpriced": [{"model": row[0], "tokens": row[1]} for row in conn.execute(_UNPRICED)],
        "price_sources": [
            {"source": row[0] or "unpriced", "messages": row[1], "cost_usd": (row[2] or 0) / 1e9}
            for row in conn.execute(_SOURCES)
        ],
    }


def _session(row: sqlite3.Row) -> dict[str, Any]:
    difference = {f"{name}_tokens": row[name] for name in _CLASSES}
    return {
        "harness": row["harness"], "session": row["session"], "model": row["model"], "agent": row["agent"] or None,
        "name": row["name"], "told_by": row["source"], "at": iso(row["at"]), "our_tokens": row["our_tokens"],
        "client_tokens": row["client_tokens"], "difference": difference, "our_cost_usd": row["our_cost"] / 1e9,
        "client_cost_usd": None if row["client_cost"] is None else row["client_cost"] / 1e9,
        "verdict": _verdict(row),
    }  # fmt: skip


def _verdict(row: sqlite3.Row) -> str:
    """`auxiliary`: the client counted requests that it recorded nowhere. `ours`: we have more than it."""
    if row["source"] == "statusline":
        return "agrees" if (row["client_cost"] or 0) - row["our_cost"] < 1000 else "auxiliary"
    if min(row[name] for name in _CLASSES) < 0:
        return "ours"
    return "auxiliary" if any(row[name] for name in _CLASSES) else "agrees"


_WHY = {
    "auxiliary": "more by the client's own count: requests that it wrote down nowhere (a compaction, a title), or rows "
    "that are gone. They are listed here and in `auxiliary`, beside our sums and never in them.",
    "ours": "more by our count: the client told its total before it used the rest, or leaves some of it out (what an "
    "adviser of another model used). Our sums are the responses that stand in its own files, each once.",
}  # fmt: skip
_NAMES = {
    "input": "input", "cache_read": "cache read", "cache_write_5m": "5-minute cache write",
    "cache_write_1h": "1-hour cache write", "output": "output",
}  # fmt: skip


def words(found: dict[str, Any]) -> Iterator[str]:
    """The same for a person."""
    yield "Some clients keep a total of their own for a session. Here it stands against what we counted, response by"
    yield "response, in their files."
    yield f"\n{found['agree']:,} totals of clients agree with ours."
    for verdict, why in _WHY.items():
        told = [one for one in found["sessions"] if one["verdict"] == verdict]
        if told:
            yield f"\n{_sessions_of(len(told))} {why}"
        for one in told:
            yield from _session_words(one)
    for one in found["untold"]:
        yield (
            f"\n{one['harness']} tells no total for {one['sessions']:,} of its sessions ({one['tokens']:,} tokens): "
            "nothing to hold ours against."
        )
    yield from _trouble(found)


def _sessions_of(count: int) -> str:
    return f"{count:,} total of a client is" if count == 1 else f"{count:,} totals of clients are"


def _session_words(one: dict[str, Any]) -> Iterator[str]:
    who = one["name"] or f"session {one['session'][:8]}"
    of = " ".join(filter(None, (one["harness"], one["model"])))
    yield f"  {who} ({of}), told {one['at']} by its {one['told_by'].split()[0]}"
    if one["told_by"] == "statusline":
        yield f"    we priced ${one['our_cost_usd']:,.4f}, the client ${one['client_cost_usd'] or 0:,.4f}"
        return
    more = one["client_tokens"] - one["our_tokens"]
    apart = {name: one["difference"][f"{name}_tokens"] for name in _CLASSES}
    parts = ", ".join(f"{count:+,} {_NAMES[name]}" for name, count in apart.items() if count)
    yield f"    we counted {one['our_tokens']:,} tokens, the client {one['client_tokens']:,}: {more:+,} ({parts})"


def _trouble(found: dict[str, Any]) -> Iterator[str]:
    if found["damaged"]:
        yield "\nRows that were damaged or strange (what could be read of them was counted):"
    for one in found["damaged"]:
        yield f"  {one['rows']:>9,}  {one['path']}"
    yield "\nWhere the prices come from:" if found["price_sources"] else "\nNothing was counted yet."
    for one in found["price_sources"]:
        if one["source"] != "unpriced":
            yield f"  {one['messages']:>9,} responses by {one['source']}, ${one['cost_usd']:,.4f}"
    for one in found["unpriced"]:
        model = one["model"] or "a model without a name"
        yield f"  {one['tokens']:>9,} tokens of {model} are unpriced: give it a price under [prices] in config.toml"
