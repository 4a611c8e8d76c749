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
_SOURCES = "SELECT cost_source, COUNT(*), SUM(cost) FROM usage GROUP BY 1 ORDER BY 2 DESC"


def examine(conn: sqlite3.Connection | None, every: bool = False) -> dict[str, Any]:
    """What `usage doctor --json` prints. Sessions that agree are left out unless `every`."""
    if conn is None:
        return {"schema": SCHEMA, "sessions": [], "agree": 0, "damaged": [], "unpriced": [], "price_sources": []}
    sessions = [_session(row) for row in conn.execute(_SESSIONS)]
    return {
        "schema": SCHEMA,
        "sessions": [one for one in sessions if every or one["verdict"] != "agrees"],
        "agree": sum(one["verdict"] == "agrees" for one in sessions),
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


WORDS = {
    "auxiliary": "the client counted {more:,} tokens more than it recorded (compaction, titles): beside our sums",
    "ours": "we have counted {less:,} tokens that the client's own total leaves out, or that counts otherwise",
    "agrees": "ours and the client's agree",
}  # fmt: skip


def words(found: dict[str, Any]) -> Iterator[str]:
    """The same for a person."""
    for one in found["sessions"]:
        more = one["client_tokens"] - one["our_tokens"]
        who = one["name"] or one["session"][:8]
        yield f"{who} ({one['harness']} {one['model']}): {WORDS[one['verdict']].format(more=more, less=-more)}"
        yield f"    ours {one['our_tokens']:,}  client {one['client_tokens']:,}  by {one['told_by']}, {one['at']}"
    yield f"{found['agree']:,} totals of clients agree with ours"
    for one in found["damaged"]:
        yield f"damaged: {one['rows']:,} rows of {one['path']}"
    for one in found["unpriced"]:
        model = one["model"] or "a model without a name"
        yield f"unpriced: {one['tokens']:,} tokens of {model}; give it a price under [prices] in config.toml"
    for one in found["price_sources"]:
        yield f"priced by {one['source']}: {one['messages']:,} responses, ${one['cost_usd']:.4f}"
