"""The rows of budgets: limits, what was used under them, and what they did. Standard library only."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, astuple
from typing import cast

from agentdeck.errors import UsageError
from agentdeck.models.budget import LEVELS, SCOPES, UNITS, Act, Amounts, Budget, Level, Scope, Spent
from agentdeck.models.clock import midnight, now_ms
from agentdeck.models.spec import Spec
from agentdeck.services import rows
from agentdeck.services.budgets import budgets

_USED = (
    "SUM(cost), SUM(input + cache_read + cache_write_5m + cache_write_1h + output), SUM(messages), SUM(unpriced_tokens)"
)
_NEWEST = "SELECT MAX((SELECT MAX(ts) FROM responses WHERE kind = k.id)) FROM usage_kinds k WHERE agent = ?"
# scope -> which rows of usage and `work_time` it covers; one parameter. Removed agents count: they spent.
_COVERS: dict[Scope, str] = {
    "agent": "agent = ?",
    "task": "agent IN (SELECT agent FROM attempts WHERE task = ?1) AND task = ?1",
    "team": "agent IN (SELECT id FROM agents WHERE team = ?)",
    "repo": "agent IN (SELECT id FROM agents WHERE repo = ?)",
    "day": "agent != '' AND quarter >= ?",
}


def load(conn: sqlite3.Connection) -> list[Budget]:
    """The limits that were set, in the order of their scopes."""
    found = conn.execute("SELECT scope, key, usd, tokens, minutes, turns, source FROM budgets ORDER BY key")
    made = [Budget(cast(Scope, row[0]), row[1], Amounts(*row[2:6]), row[6]) for row in found]
    return sorted(made, key=lambda budget: SCOPES.index(budget.scope))


def limits(conn: sqlite3.Connection, scope: Scope, key: str) -> Amounts:
    """What was set for a scope; no limits when nothing was."""
    found = [budget.limits for budget in load(conn) if (budget.scope, budget.key) == (scope, key)]
    return found[0] if found else Amounts()


def put(conn: sqlite3.Connection, budget: Budget) -> None:
    """Set the limits of a scope, all of them at once; without any they are taken away."""
    if budget.limits:
        row = (budget.scope, budget.key, *astuple(budget.limits), budget.source, now_ms())
        conn.execute("INSERT OR REPLACE INTO budgets VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    else:
        conn.execute("DELETE FROM budgets WHERE scope = ? AND key = ?", (budget.scope, budget.key))
    told = {unit: budgets.shown(unit, getattr(budget.limits, unit)) for unit in UNITS if getattr(budget.limits, unit)}
    agent = budget.key if budget.scope == "agent" else ""
    rows.event(conn, now_ms(), "budget", agent, action="set", scope=budget.scope, key=budget.key, **told)


def of_spec(conn: sqlite3.Connection, task: int, spec: Spec) -> None:
    """The limits that a spec asks for, over all attempts of its task."""
    limits = budgets.amounts(**asdict(spec.budget))
    if limits:
        put(conn, Budget("task", str(task), limits, "spec"))


def spent(conn: sqlite3.Connection, scope: Scope, key: str, now: int) -> Spent:
    """What was used under a scope up to `now` (UTC ms): over all time, for `day` since midnight here."""
    value = midnight(now) if scope == "day" else key
    covers = _COVERS[scope]
    table = "usage_rollup" if scope == "day" else "usage_ever"
    row = conn.execute(f"SELECT {_USED} FROM {table} WHERE {covers}", (value,)).fetchone()
    cost, tokens, turns, unpriced = (each or 0 for each in row)
    worked = conn.execute(f"SELECT SUM(ms) FROM work_time WHERE {covers}", (value,)).fetchone()[0] or 0
    return Spent(Amounts(cost, tokens, worked, turns), unpriced)


def resolve(conn: sqlite3.Connection | None, scope: str, name: str) -> tuple[Scope, str]:
    """The scope and key behind what a person wrote. Raises UsageError for an unknown scope, agent or task."""
    known = next((one for one in SCOPES if one == scope), None)
    if known is None:
        raise UsageError(f"there is no budget of a '{scope}'", f"Choose one of: {', '.join(SCOPES)}.")
    if known == "day":
        if name:
            raise UsageError(
                "the day's budget has no name", "It is that of the whole deck: `agentdeck budget set day`."
            )
        return known, ""
    if not name:
        raise UsageError(f"which {scope}?", f"`agentdeck budget set {scope} NAME --usd 5`.")
    if known == "agent":
        return known, rows.find(conn, name).id
    if known == "task" and (conn is None or not _is_task(conn, name)):
        raise UsageError(f"there is no task {name}", "`agentdeck task ls` lists them.")
    return known, name.lstrip("#") if known == "task" else name


def _is_task(conn: sqlite3.Connection, name: str) -> bool:
    number = name.lstrip("#")
    return number.isdigit() and conn.execute("SELECT 1 FROM tasks WHERE id = ?", (int(number),)).fetchone() is not None


def names(conn: sqlite3.Connection) -> dict[str, str]:
    """What agents are called, by id; those that are gone too."""
    return dict(conn.execute("SELECT id, name FROM agents").fetchall())


# What budgets did


def acts(conn: sqlite3.Connection) -> dict[str, Act]:
    """What stands against agents now, by agent id."""
    found = conn.execute("SELECT agent, level, why, scope, since, pressed, turns FROM budget_acts")
    return {row["agent"]: act(row) for row in found}


def act(row: sqlite3.Row) -> Act:
    level: Level = next(one for one in LEVELS if one == row["level"])
    return Act(level, row["why"], row["scope"], row["since"], row["pressed"], row["turns"])


def keep(conn: sqlite3.Connection, agent: str, now_stands: Act | None, before: Act | None) -> None:
    """Store what stands against an agent; a change of level is an event."""
    if now_stands is None:
        conn.execute("DELETE FROM budget_acts WHERE agent = ?", (agent,))
    else:
        conn.execute("INSERT OR REPLACE INTO budget_acts VALUES (?, ?, ?, ?, ?, ?, ?)", (agent, *astuple(now_stands)))
    old, new = before.level if before else "", now_stands.level if now_stands else ""
    pressed = now_stands is not None and now_stands.pressed and not (before and before.pressed)
    if old != new or pressed:
        action = "interrupted" if pressed else {"interrupt": "over", "": "clear"}.get(new, new)
        why = now_stands.why if now_stands else ""
        rows.event(conn, now_ms(), "budget", agent, action=action, before=old, why=why)


def order(conn: sqlite3.Connection, kind: str, agent: str, why: str) -> None:
    """Have the engine interrupt or stop an agent, as any request: done once, and taken up after a crash."""
    row = (secrets.token_hex(6), kind, agent, json.dumps({"why": why}), now_ms())
    conn.execute("INSERT INTO requests (id, kind, agent, args, created) VALUES (?, ?, ?, ?, ?)", row)


def turns(conn: sqlite3.Connection, agents: Sequence[str]) -> dict[str, tuple[int, int]]:
    """How many responses each agent has had, and when the newest was (UTC ms)."""
    found: dict[str, tuple[int, int]] = {}
    for agent in agents:
        count = conn.execute("SELECT SUM(messages) FROM usage_ever WHERE agent = ?", (agent,)).fetchone()[0] or 0
        newest = conn.execute(_NEWEST, (agent,)).fetchone()[0] or 0
        found[agent] = (count, newest)
    return found


def add_work(conn: sqlite3.Connection, worked: dict[tuple[str, int, int], int]) -> None:
    """Add milliseconds at work by (agent, task, quarter)."""
    conn.executemany(
        "INSERT INTO work_time VALUES (?, ?, ?, ?) ON CONFLICT (agent, task, quarter) "
        "DO UPDATE SET ms = ms + excluded.ms",
        [(*key, ms) for key, ms in worked.items()],
    )
