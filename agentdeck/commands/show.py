"""One agent in full: what it is, who says what of its status, and the way of its last texts."""

from __future__ import annotations

import sqlite3
from typing import Any

import click

from agentdeck.commands import output
from agentdeck.commands.agents import row_of


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True)
def show(name: str, as_json: bool) -> None:
    """One agent, with all the evidence behind its status and the way of its last texts."""
    from agentdeck.services.budgets.budget_report import act_json
    from agentdeck.services.delivery import trail
    from agentdeck.services.fleet import as_json as row_json

    row = row_of(name)
    evidence = output.query(lambda conn: _evidence(conn, row.agent.id, row.status.checked))
    texts = output.query(lambda conn: trail.last(conn, row.agent.id) if conn is not None else [])
    if as_json:
        tree = {"trouble": row.tree.trouble, "note": row.tree.note, "hint": row.tree.hint, "head": row.tree.head}
        disk_bytes = row.disk.bytes if row.disk else None
        budget = act_json(row.budget) if row.budget else None
        more = {"disk_bytes": disk_bytes, "tree": tree, "budget": budget, "parked": row.parked or None}
        told = [trail.as_json(one, way, row.agent.name) for one, way in texts]
        output.data({**row_json(row), **more, "evidence": evidence, "outbox": told})
        return
    for key, value in {**row_json(row), **_standing(row)}.items():
        for place, line in enumerate(_lines(key, value)):
            click.echo(f"{'' if place else key:10} {line}".rstrip())
    click.echo("\nwho says what, since when, and what it counts for:")
    for found in evidence:
        says = ",".join(found["states"]) or "-"
        click.echo(f"  {found['part']:20} {found['source']:8} {says:24} {found['changed']}  {found['why']}")
    click.echo("\nits last texts:" if texts else "\nno text was sent to it yet")
    for one, way in texts:
        for line in trail.lines(one, way):
            click.echo(f"  {line}")


def _lines(key: str, value: Any) -> list[str]:
    """A value for a person: what is asked in full, everything else in one line."""
    if key == "status":
        reason = f": {value['reason']}" if value["reason"] else ""
        said = [f"{value['state']}{reason}, since {value['since']} by {value['source'] or 'nobody'}", value["why"]]
        ask = value["ask"]
        options = [f"{number} {option}" for number, option in enumerate(ask["options"], 1)] if ask else []
        return [*said, *([f"asks: {ask['text']}", *ask["detail"].splitlines(), *options] if ask else [])]
    if isinstance(value, dict):
        return [", ".join(f"{name} {one}" for name, one in value.items() if one not in ("", None))]
    return ["-" if value in ("", None) else str(value)]


def _standing(row: Any) -> dict[str, str]:
    """Of the worktree: what it takes, and what is wrong with it, with the next step."""
    from agentdeck.models.clock import age, now_ms
    from agentdeck.services.trees.disk import size

    found = {"disk": f"{size(row.disk.bytes)}, {age(now_ms() - row.disk.at)} ago" if row.disk else "not measured yet"}
    if row.tree.note:
        found["tree"] = f"{row.tree.note}. {row.tree.hint}".rstrip(". ")
    if row.parked:
        found["parked"] = row.parked
    if row.budget:
        from agentdeck.services.budgets.budget_report import words

        found["budget"] = words(row.budget)
    return found


def _evidence(conn: sqlite3.Connection | None, agent: str, checked: int) -> list[dict[str, object]]:
    """Which source said what, when, and what part it plays in the verdict."""
    from agentdeck.models.clock import iso, now_ms
    from agentdeck.services import rows
    from agentdeck.services.status.verdict import explain

    if conn is None:
        return []
    found = [rows.evidence(row) for row in conn.execute("SELECT * FROM evidence WHERE agent = ?", (agent,))]
    return [
        {
            "source": e.source, "states": list(e.states), "part": part, "changed": iso(e.changed), "at": iso(e.at),
            "why": e.why,
        }
        for e, part in explain(found, checked or now_ms())
    ]  # fmt: skip


COMMANDS = (show,)
