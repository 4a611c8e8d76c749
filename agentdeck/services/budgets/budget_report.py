"""Budgets as people and scripts read them."""

from __future__ import annotations

import sqlite3
from typing import Any

from agentdeck import config
from agentdeck.models.budget import Act, Standing
from agentdeck.models.clock import iso, now_ms
from agentdeck.services import rows
from agentdeck.services.budgets import budget_keeper, budget_rows, budgets

SCHEMA = 1
_DONE = {
    "warn": "nears its budget", "hold": "gets nothing more to do", "interrupt": "is over its budget",
    "stop": "was stopped by its budget",
}  # fmt: skip


def report(conn: sqlite3.Connection | None) -> dict[str, Any]:
    """The object that `budget list --json` prints: {schema, budgets, acts}; amounts in a person's units."""
    if conn is None:
        return {"schema": SCHEMA, "budgets": [], "acts": []}
    called = budget_rows.names(conn)
    return {
        "schema": SCHEMA,
        "budgets": [standing_json(one, called) for one in _all(conn, called)],
        "acts": [{"agent": called.get(key, key), **act_json(act)} for key, act in budget_rows.acts(conn).items()],
    }


def standings(conn: sqlite3.Connection) -> tuple[tuple[str, Standing], ...]:
    """All limits with what a person calls whom they hold for."""
    called = budget_rows.names(conn)
    return tuple((_whose(one, called), one) for one in _all(conn, called))


def _whose(found: Standing, called: dict[str, str]) -> str:
    key = called.get(found.budget.key, found.budget.key)
    return {"day": "today", "task": f"task {key}", "repo": key.rsplit("/", 1)[-1]}.get(found.budget.scope, key)


def _all(conn: sqlite3.Connection, called: dict[str, str]) -> list[Standing]:
    """How every limit stands, by scope and name."""
    rules = budget_keeper.rules(config.load().budgets)
    book = budget_keeper.Book(conn, budget_rows.load(conn), rules, now_ms())
    places = {(budget.scope, budget.key) for budget in book.stored}
    places |= {place for place in rules.limits if place[1] or place[0] == "day"}
    if ("agent", "") in rules.limits:
        places |= {("agent", agent.id) for agent in rows.agents(conn) if not agent.beside}
    if ("task", "") in rules.limits:
        open_tasks = conn.execute("SELECT id FROM tasks WHERE state IN ('queued', 'running', 'verifying')")
        places |= {("task", str(row[0])) for row in open_tasks}
    order = sorted(places, key=lambda place: (budget_rows.SCOPES.index(place[0]), called.get(place[1], place[1])))  # type: ignore[arg-type]
    return [one for place in order for one in book.standing(*place)]


def spent_task(conn: sqlite3.Connection, task: int) -> str:
    """What of a task's own budget is used up, '' while nothing is."""
    rules = budget_keeper.rules(config.load().budgets)
    found = budget_keeper.Book(conn, budget_rows.load(conn), rules, now_ms()).standing("task", str(task))
    return "; ".join(budgets.words(one) for one in found if one.share >= 1)


def standing_json(found: Standing, called: dict[str, str]) -> dict[str, object]:
    budget = found.budget
    return {
        "scope": budget.scope, "key": budget.key, "name": called.get(budget.key, budget.key), "unit": found.unit,
        "used": budgets.shown(found.unit, found.used), "limit": budgets.shown(found.unit, found.limit),
        "share": round(found.share, 4), "unpriced_tokens": found.blind, "source": budget.source,
    }  # fmt: skip


def act_json(act: Act) -> dict[str, object]:
    """What a budget did to an agent, as `show --json` prints it too."""
    return {
        "level": act.level, "words": words(act), "why": act.why, "scope": act.scope, "since": iso(act.since),
        "interrupted": iso(act.pressed) or None,
    }  # fmt: skip


def words(act: Act) -> str:
    """`is over its budget: $5.02 of $5.00; interrupted`."""
    pressed = "; interrupted" if act.pressed and act.level == "interrupt" else ""
    return f"{_DONE.get(act.level, act.level)}: {act.why}{pressed}"


def line(row: dict[str, Any]) -> tuple[str, ...]:
    """One limit for a table."""
    of = "the whole deck" if row["scope"] == "day" else str(row["name"])
    unpriced = row["unpriced_tokens"]
    blind = f" ({unpriced:,} tokens have no known price: they cannot be judged)" if unpriced else ""
    used, limit = (budgets.amount(row["unit"], budgets.stored(row["unit"], row[key])) for key in ("used", "limit"))
    return str(row["scope"]), of, used, limit, f"{row['share']:.0%}{blind}", str(row["source"])
