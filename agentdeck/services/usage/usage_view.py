"""What the usage screen shows, asked of the sums in a few queries; each costs what it shows, not what history holds."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal, get_args

from agentdeck.models.budget import Standing
from agentdeck.models.clock import midnight
from agentdeck.models.usage import Tokens
from agentdeck.services.fleet import USAGE_SUM, UsageSum, usage_sum

By = Literal["agent", "task", "team", "model", "harness", "repo", "day"]
BYS: tuple[By, ...] = get_args(By)
Span = Literal["today", "7 days", "30 days", "all"]
SPANS: tuple[Span, ...] = get_args(Span)
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
QUARTER_MS = 15 * MINUTE_MS
HALF_YEAR_MS = 182 * DAY_MS  # half a year on: where there is summer time it differs
OLD_MS = 5 * MINUTE_MS
Quarter = tuple[int, int, int]
"""(when it begins in UTC ms, tokens, nano-dollars)"""
MINUTES = 60  # of the burn rate's history
HEAT_DAYS = 7

# grouping -> key and name; keys without a name stand for themselves
_KEYS: dict[By, tuple[str, str]] = {
    "agent": ("u.agent", "COALESCE(a.name, '')"),
    "task": ("u.task", "COALESCE(t.title, '')"),
    "team": ("COALESCE(a.team, '')", "''"),
    "model": ("u.model", "''"),
    "harness": ("u.harness", "''"),
    "repo": ("u.repo", "''"),
    "day": ("0", "''"),
}
_NOTHING: dict[By, str] = {
    "agent": "outside the deck", "task": "no task", "team": "no team", "model": "unknown", "harness": "unknown",
    "repo": "no repository",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One group: its name, what it used, and of that what each model took, the dearest first."""

    key: str
    name: str
    used: UsageSum
    models: tuple[tuple[str, int], ...] = ()  # model, tokens
    outside: bool = False  # sessions that were started outside the deck


@dataclass(frozen=True, slots=True)
class Limit:
    """A client's own limit: `forecast` is when it will be reached at the pace of late (UTC ms, 0: not before reset)."""

    harness: str
    account: str
    window: str
    used_percent: float
    resets_at: int
    at: int
    forecast: int = 0


@dataclass(frozen=True, slots=True)
class Warmth:
    """An agent's prompt cache: how much of its input it gave so far, and until when it is warm (UTC ms)."""

    agent: str
    expires_at: int
    hit_ratio: float | None
    recache_tokens: int


@dataclass(frozen=True, slots=True)
class Fill:
    """How full an agent's context is; `window` 0 when nobody says."""

    agent: str
    used: int
    window: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What tasks cost, failures included, and what came of them in the same time. `unpriced` tokens are in no cost."""

    cost: int = 0
    unpriced: int = 0
    tokens: int = 0
    accepted: int = 0
    tried: int = 0
    landed: tuple[tuple[str, str, str], ...] = ()  # repository, base and head commit of each landed task


@dataclass(frozen=True, slots=True)
class UsageView:
    """Everything on the screen. `burn` and `spend`: tokens and nano-dollars per minute, oldest first, up to now.

    `heat`: tokens by (days ago, hour of day). `course`: nano-dollars per hour of today, or per day of the span.
    """

    by: By
    span: Span
    now: int
    lines: tuple[Line, ...] = ()
    total: UsageSum = UsageSum()
    models: tuple[Line, ...] = ()
    burn: tuple[int, ...] = ()
    spend: tuple[int, ...] = ()
    heat: Mapping[tuple[int, int], int] = field(default_factory=dict)
    course: tuple[tuple[str, int], ...] = ()
    limits: tuple[Limit, ...] = ()
    warmth: tuple[Warmth, ...] = ()
    fills: tuple[Fill, ...] = ()
    budgets: tuple[tuple[str, Standing], ...] = ()
    outcome: Outcome = Outcome()


def rate(per_minute: tuple[int, ...], minutes: int) -> float:
    """The mean per minute over the last so many whole minutes."""
    last = per_minute[-minutes:]
    return sum(last) / minutes if last else 0.0


def hit_ratio(tokens: Tokens) -> float | None:
    """The share of all input that came from the cache; None without input."""
    whole = tokens.total - tokens.output
    return tokens.cache_read / whole if whole else None


def since(span: Span, now: int) -> int:
    """When a span begins, in UTC milliseconds: days begin at midnight here. 0: at the beginning."""
    days = {"today": 0, "7 days": 6, "30 days": 29}.get(span)
    return 0 if days is None else midnight(midnight(now) - days * DAY_MS + HOUR_MS * 2)


class Quarters:
    """Tokens and cost by quarters of an hour. What is older than an hour is asked once in five minutes."""

    def __init__(self) -> None:
        self._from = self._asked = self._until = 0
        self._old: list[Quarter] = []

    def since(self, conn: sqlite3.Connection, first: int, now: int) -> list[Quarter]:
        """Those from `first` (UTC ms) on, in order."""
        if first < self._from or not self._asked or now - self._asked > OLD_MS or now < self._asked:
            self._from, self._asked = first, now
            self._until = (now - HOUR_MS) // QUARTER_MS * QUARTER_MS
            self._old = [quarter for quarter in _quarters(conn, first) if quarter[0] < self._until]
        return [quarter for quarter in self._old if quarter[0] >= first] + _quarters(conn, max(first, self._until))


def load(conn: sqlite3.Connection | None, by: By, span: Span, now: int, quarters: Quarters | None = None) -> UsageView:
    """All but budgets, which need the configuration; empty without a database. `quarters` remembers between looks."""
    if conn is None:
        return UsageView(by, span, now)
    first, week = since(span, now), midnight(now) - (HEAT_DAYS - 1) * DAY_MS
    known = (quarters or Quarters()).since(conn, min(first or week, week), now)
    lines = _by_day(conn, first) if by == "day" else groups(conn, by, first)
    models = lines if by == "model" else groups(conn, "model", first)
    burn, spend = _minutes(conn, now)
    course = _course(known, span, first, now) if first else _course(_days(conn), span, 0, now)
    return UsageView(
        by, span, now, tuple(lines), sum((line.used for line in models), UsageSum()), tuple(models), burn, spend,
        _heat(known, now), course, limits(conn, now), _warmth(conn, now), _fills(conn), outcome=_outcome(conn, first),
    )  # fmt: skip


def groups(conn: sqlite3.Connection, by: By, first: int) -> list[Line]:
    """Sums by a group since then (UTC ms; 0: ever), the dearest first, each with its models."""
    key, name = _KEYS[by]
    sums: dict[object, UsageSum] = defaultdict(UsageSum)
    models: dict[object, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    names: dict[object, tuple[str, bool]] = {}
    for table, where, bounds in _sources(first):
        query = (
            f"SELECT {key} k, MAX({name}) name, u.model m, MAX(u.agent = '') outside, {_prefixed(USAGE_SUM)} "
            f"FROM {table} u LEFT JOIN agents a ON a.id = u.agent LEFT JOIN tasks t ON t.id = u.task {where} "
            "GROUP BY 1, 3"
        )
        for row in conn.execute(query, bounds):
            used = usage_sum(row)
            sums[row["k"]] += used
            models[row["k"]][row["m"]] += used.tokens.total
            names[row["k"]] = row["name"], bool(row["outside"])
    found = [_line(by, key, *names[key], sums[key], models[key]) for key in sums]
    return sorted(found, key=lambda line: (-line.used.cost, -line.used.tokens.total, line.name))


def _sources(first: int) -> list[tuple[str, str, tuple[int, ...]]]:
    """The coarsest sums that together hold just what is asked: whole UTC days, and quarters up to the first of them."""
    if not first:
        return [("usage_ever", "", ())]
    day = -(-first // DAY_MS) * DAY_MS
    edge = ("usage_rollup", "WHERE u.quarter >= ? AND u.quarter < ?", (first, day))
    return [*([edge] if first < day else []), ("usage_days", "WHERE u.day >= ?", (day,))]


def _line(by: By, key: object, name: str, outside: bool, used: UsageSum, models: Mapping[str, int]) -> Line:
    text = "" if key == 0 else str(key)
    shown = f"#{text} {name}" if by == "task" and text else name or text or _NOTHING.get(by, "")
    return Line(text, shown, used, tuple(sorted(models.items(), key=_most)), outside and by == "agent")


def _prefixed(sums: str) -> str:
    return sums.replace("SUM(", "SUM(u.")


_UTC_DAYS = f"SELECT day at, model, {USAGE_SUM} FROM usage_days WHERE day >= ? GROUP BY 1, 2"
_LOCAL_DAYS = f"""WITH days AS
    (SELECT json_extract(value, '$[0]') at, json_extract(value, '$[1]') until FROM json_each(?))
    SELECT at, model, {USAGE_SUM} FROM days CROSS JOIN usage_quarters
    WHERE quarter >= at AND quarter < until GROUP BY 1, 2"""


def _midnights(conn: sqlite3.Connection, first: int) -> str:
    """When each day of this machine's clock begins and ends, from `first` (or the first response) on, as JSON."""
    query = "SELECT MIN(quarter), MAX(quarter) FROM usage_quarters WHERE quarter >= ?"
    oldest, newest = conn.execute(query, (first,)).fetchone()
    if oldest is None:
        return "[]"
    day, last = datetime.fromtimestamp(oldest / 1000).date(), datetime.fromtimestamp(newest / 1000).date()
    begins = [day + timedelta(days) for days in range((last - day).days + 2)]
    stamps = [int(datetime.combine(one, datetime.min.time()).timestamp() * 1000) for one in begins]
    return json.dumps(list(pairwise(stamps)))


def _by_day(conn: sqlite3.Connection, first: int) -> list[Line]:
    """Days as this machine's clock has them, the newest first; where that is UTC, whole days are there already."""
    utc = not any(datetime.fromtimestamp(ms / 1000).astimezone().utcoffset() for ms in (first, HALF_YEAR_MS + first))
    query, asked = (_UTC_DAYS, first) if utc else (_LOCAL_DAYS, _midnights(conn, first))
    sums: dict[str, UsageSum] = defaultdict(UsageSum)
    models: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in conn.execute(query, (asked,)):
        day, used = _day(row["at"]), usage_sum(row)
        sums[day] += used
        models[day][row["model"]] += used.tokens.total
    return [
        Line(
            day, f"{datetime.fromisoformat(day):%a %d %b %Y}", sums[day], tuple(sorted(models[day].items(), key=_most))
        )
        for day in sorted(sums, reverse=True)
    ]


def _days(conn: sqlite3.Connection) -> list[Quarter]:
    """(UTC day, tokens, cost) over all time."""
    query = """SELECT day, SUM(input + cache_read + cache_write_5m + cache_write_1h + output), SUM(cost)
        FROM usage_days GROUP BY 1"""
    return [tuple(row) for row in conn.execute(query)]


def _most(pair: tuple[str, int]) -> int:
    return -pair[1]


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000).date().isoformat()


def _quarters(conn: sqlite3.Connection, first: int) -> list[Quarter]:
    """(quarter, tokens, cost) since then."""
    query = """SELECT quarter, SUM(input + cache_read + cache_write_5m + cache_write_1h + output), SUM(cost)
        FROM usage_quarters WHERE quarter >= ? GROUP BY 1"""
    return [tuple(row) for row in conn.execute(query, (first,))]


def _minutes(conn: sqlite3.Connection, now: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """By whose minutes: those of agents that are here, and of sessions outside."""
    first = now - MINUTES * MINUTE_MS
    query = """SELECT (ts - ?1) / 60000 m, SUM(input + cache_read + cache_write_5m + cache_write_1h + output), SUM(cost)
        FROM usage WHERE agent = ?2 AND newest > ?1 AND ts > ?1 AND ts <= ?3 GROUP BY 1"""
    tokens, cost = [0] * MINUTES, [0] * MINUTES
    known = [row[0] for row in conn.execute("SELECT id FROM agents WHERE life != 'removed'")]
    for agent in ("", *known):
        for minute, count, money in conn.execute(query, (first, agent, now)):
            at = min(minute, MINUTES - 1)
            tokens[at] += count
            cost[at] += money or 0
    return tuple(tokens), tuple(cost)


def _heat(quarters: Iterable[Quarter], now: int) -> dict[tuple[int, int], int]:
    today, found = datetime.fromtimestamp(now / 1000).date(), defaultdict[tuple[int, int], int](int)
    for quarter, tokens, _ in quarters:
        when = datetime.fromtimestamp(quarter / 1000)
        ago = (today - when.date()).days
        if 0 <= ago < HEAT_DAYS:
            found[ago, when.hour] += tokens
    return dict(found)


def _course(quarters: list[Quarter], span: Span, first: int, now: int) -> tuple[tuple[str, int], ...]:
    """Cost by hour of today, else by day; days without any are there too."""
    found: dict[str, int] = {}
    if span == "today":
        found = {f"{hour:02}": 0 for hour in range(datetime.fromtimestamp(now / 1000).hour + 1)}
    else:
        begin = first or min((quarter for quarter, _, _ in quarters), default=now)
        found = {_day(ms): 0 for ms in range(begin + HOUR_MS * 2, now + HOUR_MS * 2, DAY_MS)}
    for quarter, _, cost in quarters:
        if quarter >= first:
            key = f"{datetime.fromtimestamp(quarter / 1000):%H}" if span == "today" else _day(quarter)
            found[key] = found.get(key, 0) + (cost or 0)
    return tuple(sorted(found.items()))


def limits(conn: sqlite3.Connection, now: int) -> tuple[Limit, ...]:
    """The newest word on each limit of each account, with a forecast from its last two hours; those that count now."""
    query = "SELECT harness, account, window, used_percent, resets_at, at FROM limits WHERE at > ? ORDER BY at"
    told: dict[tuple[str, str, str], list[sqlite3.Row]] = defaultdict(list)
    for row in conn.execute(query, (now - 8 * DAY_MS,)):
        told[row["harness"], row["account"], row["window"]].append(row)
    found = []
    for key, rows in told.items():
        last = rows[-1]
        if last["resets_at"] and last["resets_at"] <= now:
            continue  # that window is over, and nobody has spoken of the next
        same = [row for row in rows if row["resets_at"] == last["resets_at"] and row["at"] > last["at"] - 2 * HOUR_MS]
        ahead = forecast([(row["at"], row["used_percent"]) for row in same], last["resets_at"])
        found.append(Limit(*key, last["used_percent"], last["resets_at"], last["at"], ahead))
    return tuple(sorted(found, key=lambda one: -one.used_percent))


def forecast(samples: list[tuple[int, float]], resets_at: int) -> int:
    """When 100 % is reached by a straight line through (UTC ms, percent); 0 for after the reset, or unknown."""
    if len(samples) < 2 or samples[-1][0] - samples[0][0] < MINUTE_MS or samples[-1][1] <= samples[0][1]:
        return 0
    pace = (samples[-1][1] - samples[0][1]) / (samples[-1][0] - samples[0][0])
    when = int(samples[-1][0] + (100 - samples[-1][1]) / pace)
    return when if not resets_at or when < resets_at else 0


def _warmth(conn: sqlite3.Connection, now: int) -> tuple[Warmth, ...]:
    """Whose cache is warm, the one that goes cold first in front."""
    query = """SELECT a.name, w.expires_at, w.hit_ratio, w.recache_tokens
        FROM cache_warmth w JOIN agents a ON a.id = w.agent
        WHERE a.life = 'live' AND w.warm AND w.expires_at > ? ORDER BY w.expires_at"""
    return tuple(Warmth(*row) for row in conn.execute(query, (now,)))


def _fills(conn: sqlite3.Connection) -> tuple[Fill, ...]:
    query = """SELECT a.name, c.used_tokens, COALESCE(c.window_tokens, 0) FROM context c JOIN agents a ON a.id = c.agent
        WHERE a.life = 'live'"""
    found = [Fill(*row) for row in conn.execute(query)]
    return tuple(sorted(found, key=lambda one: -(one.used / one.window if one.window else 0)))


def _outcome(conn: sqlite3.Connection, first: int) -> Outcome:
    """Tasks that were tried in the span: the cost of all their attempts, and how many of them were accepted."""
    tried = "SELECT DISTINCT task FROM attempts WHERE started >= ?"
    cost, unpriced, tokens = conn.execute(
        f"""SELECT SUM(cost), SUM(unpriced_tokens), SUM(input + cache_read + cache_write_5m + cache_write_1h + output)
            FROM usage_ever WHERE agent IN (SELECT agent FROM attempts WHERE started >= ?1)
            AND task IN ({tried.replace("?", "?1")})""",
        (first,),
    ).fetchone()
    states = dict(
        conn.execute(f"SELECT state, COUNT(*) FROM tasks WHERE id IN ({tried}) GROUP BY 1", (first,)).fetchall()
    )
    landed = conn.execute(
        f"""SELECT t.repo, a.base_oid, a.head_oid FROM tasks t JOIN attempts a ON a.task = t.id
            WHERE t.state = 'landed' AND t.id IN ({tried}) AND a.base_oid != '' AND a.head_oid != ''
            AND a.n = (SELECT MAX(b.n) FROM attempts b WHERE b.task = t.id)""",
        (first,),
    ).fetchall()
    accepted = states.get("accepted", 0) + states.get("landed", 0)
    return Outcome(
        cost or 0, unpriced or 0, tokens or 0, accepted, sum(states.values()), tuple(tuple(row) for row in landed)
    )
