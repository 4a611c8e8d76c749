"""Named views: what each dashboard shows; list, copy, forget."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import click

from agentdeck.commands import output

if TYPE_CHECKING:
    from agentdeck.services.views import ViewNote


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def views(ctx: click.Context, as_json: bool) -> None:
    """The named views: whom each hides and pins, how it is grouped, and how many dashboards show it."""
    if ctx.invoked_subcommand is not None:
        return
    rows = output.query(_rows)
    if as_json:
        output.data(rows)
        return
    head = ("NAME", "OPEN", "GROUPED BY", "HIDDEN", "PINNED", "FILTER")
    output.table(head, (_line(row) for row in rows))


def _line(row: dict[str, object]) -> tuple[str, ...]:
    hidden, pinned = (row[key] for key in ("hidden", "pinned"))
    counted = (str(len(found)) if isinstance(found, list) and found else "" for found in (hidden, pinned))
    open_in = str(row["dashboards"] or "")
    return (str(row["name"]), open_in, str(row["grouping"]), *counted, str(row["filter"]))


def _rows(conn: sqlite3.Connection | None) -> list[dict[str, object]]:
    from agentdeck.services import rows
    from agentdeck.services import views as known

    names = {} if conn is None else {agent.id: agent.name for agent in rows.agents(conn)}
    return [_as_json(note, names) for note in known.listed(conn)]


def _as_json(note: ViewNote, names: dict[str, str]) -> dict[str, object]:
    """One row of `views --json`; agents by name, removed ones left out."""
    view = note.view
    return {
        "name": view.name, "dashboards": note.dashboards, "filter": view.filter, "grouping": view.grouping,
        "level": view.level, "panel": view.panel,
        "hidden": sorted(names[agent] for agent in view.hidden if agent in names),
        "pinned": [names[agent] for agent in (*view.order, *sorted(view.pinned - {*view.order}))
                   if agent in view.pinned and agent in names],
        "order": [names[agent] for agent in view.order if agent in names],
    }  # fmt: skip


@views.command()
@click.argument("source")
@click.argument("target")
def copy(source: str, target: str) -> None:
    """Make TARGET a new view like SOURCE; `agentdeck --view TARGET` opens it."""
    from agentdeck.services import views as known

    known.copy(source, target)


@views.command()
@click.argument("names", nargs=-1, required=True)
def rm(names: tuple[str, ...]) -> None:
    """Forget views; no agent is touched. `default` is as new afterwards."""
    from agentdeck.services import views as known

    for name in names:
        known.remove(name)


COMMANDS = (views,)
