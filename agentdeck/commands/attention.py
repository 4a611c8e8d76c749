"""Who needs a human: attention."""

from __future__ import annotations

import sqlite3
from typing import Any

import click

from agentdeck.commands import output


@click.command()
@click.option("--seen", "names", multiple=True, metavar="NAME", help="Note that you have seen what NAME waits for.")
@click.option("--json", "as_json", is_flag=True)
def attention(names: tuple[str, ...], as_json: bool) -> None:
    """Who needs you, since when and why, the most urgent first; seen by somebody or not."""
    from agentdeck.services.asking import attention as waits

    if names:
        _see(names)
    found = waits.needing(output.query(_rows))
    if as_json:
        output.data([waits.as_json(row) for row in found])
        return
    from agentdeck.models.clock import age, now_ms

    now = now_ms()
    lines = ((row.agent.name, _state(row), age(now - row.status.since), "yes" if row.seen else "no",
              ("(hidden) " if row.hidden else "") + waits.reason(row)[:100]) for row in found)  # fmt: skip
    output.table(("NAME", "STATE", "FOR", "SEEN", "WHY"), lines)
    if not found:
        click.echo("nobody needs you", err=True)


def _state(row: Any) -> str:
    status = row.status
    return f"{status.state}: {status.reason}" if status.reason else str(status.state)


def _rows(conn: sqlite3.Connection | None) -> Any:
    """The fleet as an engine has it, or as it is found without one."""
    from agentdeck.services import fleet

    loaded = fleet.load(conn)
    if conn is None or loaded.engine.alive or not any(row.agent.life == "live" for row in loaded.rows):
        return loaded.agents
    from agentdeck.services.status.glance import derive

    return derive(conn, loaded.agents)


def _see(names: tuple[str, ...]) -> None:
    from agentdeck.models.clock import now_ms
    from agentdeck.services.asking import attention as waits

    wanted = {output.agent_id(name) for name in names}
    rows = output.query(_rows)
    waits.note_seen([(row.agent.id, row.status) for row in rows if row.agent.id in wanted], now_ms())


COMMANDS = (attention,)
