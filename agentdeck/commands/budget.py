"""agentdeck budget: limits on tokens, dollars, minutes and turns, and how they stand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import click

from agentdeck.commands import output

SCOPE = click.argument("scope", metavar="agent|task|team|repo|day")


@click.group()
def budget() -> None:
    """Limits per agent, task, team, repository and day, and how they stand.

    From 80 % of a limit on it is said, from 90 % on the agent is handed nothing more; at the limit it is interrupted,
    and stopped if it goes on. Tree, branch and conversation are kept; a higher limit opens everything again.
    """


@budget.command("set")
@SCOPE
@click.argument("name", default="")
@click.option("--usd", metavar="DOLLARS")
@click.option("--tokens", metavar="N", help="All classes together; 500k and 2M are understood.")
@click.option("--minutes", metavar="N", help="At work: waiting for you is free.")
@click.option("--turns", metavar="N", help="Responses of the model, subagents' included.")
def set_(scope: str, name: str, **given: str | None) -> None:
    """Set limits of an agent, a task (its number), a team, a repository (its path), or of each day.

    Limits that are not named stay; 0 takes one away.
    """
    from dataclasses import replace

    from agentdeck.errors import UsageError
    from agentdeck.models.budget import UNITS, Budget
    from agentdeck.services.budgets import budget_rows, budgets

    asked = {unit: text for unit in UNITS if (text := given[unit]) is not None}
    if not asked:
        raise UsageError("no limit is given", "Give some of --usd, --tokens, --minutes and --turns.")
    changes = {unit: budgets.parse_amount(unit, text) for unit, text in asked.items()}

    def change(conn: sqlite3.Connection) -> None:
        known, key = budget_rows.resolve(conn, scope, _path(scope, name))
        limits = replace(budget_rows.limits(conn, known, key), **changes)
        budget_rows.put(conn, Budget(known, key, limits))

    _write(change)
    _tell(scope, name)


@budget.command("clear")
@SCOPE
@click.argument("name", default="")
def clear(scope: str, name: str) -> None:
    """Take all limits of a scope away; those of config.toml stay."""
    from agentdeck.models.budget import Amounts, Budget
    from agentdeck.services.budgets import budget_rows

    _write(lambda conn: budget_rows.put(conn, Budget(*budget_rows.resolve(conn, scope, _path(scope, name)), Amounts())))


@budget.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """All limits, what is used of each, and what that has done to whom."""
    from agentdeck.services.budgets import budget_report

    found = output.query(budget_report.report)
    if as_json:
        output.data(found)
        return
    head = ("BUDGET", "OF", "USED", "LIMIT", "", "SET BY")
    output.table(head, (budget_report.line(row) for row in found["budgets"]))
    for act in found["acts"]:
        click.echo(f"{act['agent']}: {act['words']}")


def _path(scope: str, name: str) -> str:
    """A repository is named by any directory in it."""
    if scope != "repo":
        return name
    from pathlib import Path

    from agentdeck.services.trees import worktrees

    return str(worktrees.repository(Path(name or ".")))


def _write(change: Callable[[sqlite3.Connection], None]) -> None:
    from agentdeck import paths
    from agentdeck.adapters.database import store
    from agentdeck.services import requests

    conn = store.write(paths.database_file())
    try:
        with store.transaction(conn):
            change(conn)
    finally:
        conn.close()
    requests.wake()


def _tell(scope: str, name: str) -> None:
    """How what was just set stands; a limit that is reached already acts at once, and one should know."""
    from agentdeck.services.budgets import budget_report

    for row in output.query(budget_report.report)["budgets"]:
        if row["scope"] == scope and _path(scope, name).lstrip("#") in (row["key"], row["name"]):
            click.echo(" ".join(part for part in budget_report.line(row) if part), err=True)


COMMANDS = (budget,)
