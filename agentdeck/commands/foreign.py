"""Commands about sessions that were started outside the deck: what `ls --foreign` prints, and take."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

import click

from agentdeck.commands import output
from agentdeck.errors import UsageError


def list_sessions(as_json: bool) -> None:
    """What `ls --foreign` prints. Without an engine it looks for itself, and writes nothing."""
    from agentdeck import config
    from agentdeck.services.foreign import foreign

    if not config.load().foreign:
        raise UsageError(
            "looking for other sessions is switched off", "`foreign = true` in config.toml switches it on."
        )
    rows = output.query(_rows)
    if as_json:
        output.data([foreign.as_json(row) for row in rows])
    else:
        output.table(("ID", "HARNESS", "STATUS", "FOR", "PID", "NAME", "DIRECTORY", "COST", "WHY"), map(_line, rows))


def _rows(conn: sqlite3.Connection | None) -> Any:
    from agentdeck.models.clock import now_ms
    from agentdeck.services.fleet import engine_note
    from agentdeck.services.foreign import foreign

    if conn is not None and engine_note(conn, now_ms()).alive:
        return foreign.load(conn)
    from agentdeck.services import rows
    from agentdeck.services.foreign import foreign_sight, foreign_watch

    known = foreign.read(conn) if conn is not None else {}
    agents = rows.agents(conn) if conn is not None else []
    found, blind = foreign_watch.Sweep().look(agents, os.environ)
    return foreign.shown(foreign_sight.merged(known, found, blind, now_ms()).values(), foreign.spent(conn))


def _line(row: Any) -> tuple[str, ...]:
    from agentdeck.models.clock import age, now_ms

    told, status = row.session, row.status
    lasts = age(now_ms() - status.since) if status.since else ""
    pid, cost = str(told.pid or ""), f"${row.usage.cost / 1e9:.4f}"
    return (told.session, told.harness, status.state, lasts, pid, told.name, told.cwd, cost, status.why[:60])


@click.command()
@click.argument("session")
@click.option("--name", default="", help="The agent's name (default: after the session or its directory).")
@click.option("--anyway", is_flag=True, help="Although another process still has the session.")
@click.option("--json", "as_json", is_flag=True)
def take(session: str, name: str, anyway: bool, as_json: bool) -> None:
    """Go on in the deck with a session that was started elsewhere (`ls --foreign`), once that has ended."""
    from agentdeck.services.lives.environment import save_environment

    name = name or output.query(lambda conn: _suggest(conn, session))
    env_file = save_environment()
    try:
        made = output.ask("take", session=session, name=name, anyway=anyway, env_file=str(env_file))
    finally:
        env_file.unlink(missing_ok=True)
    if as_json:
        output.data(made)
    else:
        click.echo(f"{name} goes on with it in {made['pane_id']}, in {made['worktree']}", err=True)


def _suggest(conn: sqlite3.Connection | None, session: str) -> str:
    from agentdeck.services import rows
    from agentdeck.services.foreign import foreign

    found = foreign.find((row.session for row in _rows(conn)), session)
    return foreign.suggest_name(found, {agent.name for agent in rows.agents(conn)} if conn is not None else ())


COMMANDS = (take,)
