"""`agentdeck usage`: sums from the rollup, grouped and bounded in time. Standard library only, for its 100 ms.

The rollup's grain is a quarter of an hour, which every time zone's days are made of; `since`
and `until` are therefore good to 15 minutes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from agentdeck.errors import UsageError
from agentdeck.models.usage import Tokens
from agentdeck.models.usage_sum import UsageSum, usage_json
from agentdeck.services.usage import usage_auxiliary, usage_sums

SCHEMA = 1
QUARTER_MS = 15 * 60 * 1000
GROUPS = ("agent", "task", "team", "model", "harness", "repo", "session", "day")

_SUMS = """SUM(r.input), SUM(r.cache_read), SUM(r.cache_write_5m), SUM(r.cache_write_1h), SUM(r.output),
    SUM(r.reasoning), SUM(r.messages), SUM(r.cost), SUM(r.unpriced_tokens)"""
_NAMES = "LEFT JOIN agents a ON a.id = r.agent LEFT JOIN tasks t ON t.id = r.task"
# group -> (key, name); a name of '' adds none
_KEYS = {
    "agent": ("r.agent", "COALESCE(a.name, '')"),
    "task": ("r.task", "COALESCE(t.title, '')"),
    "team": ("COALESCE(a.team, '')", "''"),
    "model": ("r.model", "''"),
    "harness": ("r.harness", "''"),
    "repo": ("r.repo", "''"),
    "session": ("r.session", "COALESCE(a.name, '')"),
    "day": ("r.quarter", "''"),
}


def report(
    conn: sqlite3.Connection | None,
    by: str = "agent",
    since: str | None = None,
    until: str | None = None,
    tz: str | None = None,
) -> dict[str, object]:
    """The object that `usage --json` prints: {schema, by, since, until, rows, total, auxiliary, unpriced}.

    `auxiliary` is what clients counted and recorded nowhere, beside the total and never in it.

    `since` and `until` are days (YYYY-MM-DD, the last one included) or ISO 8601 times; `tz` is an
    IANA zone, the machine's own by default. A key of '' is usage outside any agent, task or team.
    Without a database everything is zero. Raises UsageError for a wrong group, time or zone.
    """
    if by not in GROUPS:
        raise UsageError(f"cannot group usage by '{by}'", f"Choose one of: {', '.join(GROUPS)}.")
    zone = _zone(tz)
    first = None if since is None else moment(since, zone, days=0) // QUARTER_MS * QUARTER_MS
    last = None if until is None else moment(until, zone, days=1)
    if first is not None and last is not None and last <= first:
        hint = "Swap them; a day given to --until is included."
        raise UsageError(f"--until {until} is not after --since {since}", hint)
    found = _grouped(conn, by, first, last, zone) if conn is not None else {}
    total = sum((used for _, used in found.values()), UsageSum())
    rows = [{"key": key, **({"name": name} if name else {}), **usage_json(used)} for key, (name, used) in found.items()]
    return {
        "schema": SCHEMA,
        "by": by,
        "since": None if first is None else _iso(first),
        "until": None if last is None else _iso(last),
        "rows": rows,
        "total": usage_json(total),
        "auxiliary": usage_auxiliary.auxiliary(conn, first, last) if conn is not None else usage_auxiliary.NO_AUXILIARY,
        "unpriced": {
            "tokens": total.unpriced_tokens,
            "models": _unpriced(conn, first, last) if total.unpriced_tokens and conn is not None else [],
            "rows": {key: used.unpriced_tokens for key, (_, used) in found.items() if used.unpriced_tokens},
        },
    }


def as_csv(found: dict[str, Any]) -> str:
    """The rows of a report and its total (key `total`), with a header line."""
    import csv
    import io

    unpriced: dict[str, Any] = found["unpriced"]
    blind = {**unpriced["rows"], "total": unpriced["tokens"]}
    rows = [*found["rows"], {"key": "total", **found["total"]}]
    out = io.StringIO()
    columns = ["key", "name", *usage_json(UsageSum()), "unpriced_tokens"]
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "unpriced_tokens": blind.get(row["key"], 0)} for row in rows)
    return out.getvalue()


Groups = dict[str, tuple[str, UsageSum]]


def _grouped(conn: sqlite3.Connection, by: str, first: int | None, last: int | None, zone: tzinfo | None) -> Groups:
    key, name = _KEYS[by]
    where, bounds = _window(first, last)
    table = "usage_quarters" if by == "day" else "usage_rollup"
    if by not in ("session", "day"):
        where, (table, bounds) = "", usage_sums.within(first, last)
    found: Groups = {}
    label = _day_of(zone) if by == "day" else _plain
    query = f"SELECT {key}, MAX({name}), {_SUMS} FROM {table} r {'' if by == 'day' else _NAMES} {where} GROUP BY 1"
    for row in conn.execute(query, bounds):
        group, used = label(row[0]), UsageSum(Tokens(*row[2:8]), *row[8:11])
        found[group] = (row[1], found[group][1] + used if group in found else used)
    if by == "day":
        return dict(sorted(found.items()))
    return dict(sorted(found.items(), key=lambda item: (-item[1][1].cost, -item[1][1].tokens.total, item[0])))


def _unpriced(conn: sqlite3.Connection, first: int | None, last: int | None) -> list[str]:
    where, bounds = _window(first, last)
    query = f"SELECT r.model FROM usage_quarters r {where} GROUP BY 1 HAVING SUM(r.unpriced_tokens) > 0 ORDER BY 1"
    return [row[0] for row in conn.execute(query, bounds)]


def _window(first: int | None, last: int | None) -> tuple[str, list[int]]:
    parts = [("r.quarter >= ?", first), ("r.quarter < ?", last)]
    used = [(text, bound) for text, bound in parts if bound is not None]
    return ("WHERE " + " AND ".join(text for text, _ in used) if used else ""), [bound for _, bound in used]


def _plain(key: object) -> str:
    return "" if key == 0 else str(key)


def _day_of(zone: tzinfo | None) -> Callable[[int], str]:
    return lambda quarter: datetime.fromtimestamp(quarter / 1000, UTC).astimezone(zone).date().isoformat()


def _zone(name: str | None) -> tzinfo | None:
    """None means the machine's own zone, with its changes over the year."""
    if name is None:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"no time zone is called '{name}'", "Use an IANA name such as Europe/Berlin or UTC."
        ) from error


def moment(text: str, zone: tzinfo | None = None, days: int = 0) -> int:
    """UTC milliseconds of a day (its midnight, `days` later) or an ISO 8601 time, in `zone` or the machine's own.

    Raises UsageError for anything else.
    """
    try:
        if len(text) == len("YYYY-MM-DD"):
            found = datetime.combine(date.fromisoformat(text) + timedelta(days=days), time())
        else:
            found = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"'{text}' is no day or time", "Write 2026-11-22 or 2026-11-22T18:30.") from error
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone) if zone else found.astimezone()
    return int(found.timestamp() * 1000)


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")
