"""Commands for who comes back: away, collisions."""

from __future__ import annotations

import sqlite3
from typing import Any

import click

from agentdeck.commands import output
from agentdeck.errors import AgentDeckError, UsageError


@click.command()
@click.option("--since", default="", metavar="WHEN", help="2h, 30m, 1d, or a day or time (default: when you left).")
@click.option("--view", default="default", show_default=True, help="The view whose last look counts.")
@click.option("--json", "as_json", is_flag=True)
def away(since: str, view: str, as_json: bool) -> None:
    """What needs you, failed or finished since you last looked, and what it cost."""
    from agentdeck.services import away as absences

    found = output.query(lambda conn: _absence(conn, since, view))
    if as_json:
        output.data(absences.as_json(found))
    else:
        _print(found)


def _absence(conn: sqlite3.Connection | None, since: str, view: str) -> Any:
    from agentdeck.models.clock import now_ms
    from agentdeck.services import away as absences
    from agentdeck.services import fleet

    now = now_ms()
    loaded = fleet.load(conn, view)
    rows = loaded.rows
    if conn is not None and not loaded.engine.alive and any(row.agent.life == "live" for row in rows):
        from agentdeck.services.status.glance import derive

        rows = tuple(derive(conn, rows))
    start = _moment(since, now) if since else (conn is not None and absences.last_seen(conn, view))
    return absences.load(conn, rows, start or now - absences.NEVER_MS, now)


def _moment(text: str, now: int) -> int:
    """UTC milliseconds of a moment, or of so long before now: 90s, 30m, 2h, 1d."""
    import re

    from agentdeck.services.usage.usage_report import moment

    found = re.fullmatch(r"(\d+)([smhd])", text.strip())
    if found:
        return now - int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[found[2]] * 1000
    try:
        return moment(text)
    except UsageError as error:
        raise UsageError(error.title, "Write 2h, 30m, 1d, 2026-11-22 or 2026-11-22T18:30.") from None


def _print(found: Any) -> None:
    from agentdeck.models.clock import age

    lines = (
        (item.kind, item.name or "-", item.what[:72], age(found.until - item.at), f"${item.usage.cost / 1e9:.4f}")
        for item in found.items
    )
    output.table(("KIND", "AGENT", "WHAT", "AGO", "COST"), lines)
    used = found.usage
    unknown = f", {used.unpriced_tokens:,} tokens without a known price" if used.unpriced_tokens else ""
    length = age(found.until - found.since)
    click.echo(f"in {length}: {used.tokens.total:,} tokens, ${used.cost / 1e9:.4f}{unknown}", err=True)


@click.command()
@click.option("--json", "as_json", is_flag=True)
def collisions(as_json: bool) -> None:
    """Agents that changed the same files, and work that no longer merges with other work or its base."""
    from agentdeck.services.radar import collisions as radar

    found, names, alive = output.query(_collisions)
    if as_json:
        output.data([radar.as_json(one, names) for one in found])
    else:
        from agentdeck.models.clock import age, now_ms

        now = now_ms()
        output.table(
            ("KIND", "WHO", "FILES", "FOR"), (_line(radar.as_json(one, names), age(now - one.since)) for one in found)
        )
    _warn(alive)


def _collisions(conn: sqlite3.Connection | None) -> tuple[Any, dict[str, str], bool]:
    from agentdeck.models.clock import now_ms
    from agentdeck.services import fleet, rows
    from agentdeck.services.radar import collisions as radar

    if conn is None:
        return (), {}, True
    names = {agent.id: agent.name for agent in rows.agents(conn)}
    return radar.load(conn), names, not names or fleet.engine_note(conn, now_ms()).alive


def _line(row: dict[str, Any], lasts: str) -> tuple[str, ...]:
    who = " and ".join([*row["agents"], *([row["base"]] if row["base"] else [])])
    more = row["total"] - len(row["paths"][:4])
    files = ", ".join(row["paths"][:4]) + (f" and {more} more" if more else "")
    return ("no merge" if row["kind"] == "merge" else "same file", who, files, lasts)


def _warn(alive: bool) -> None:
    """What keeps this list from being the whole truth."""
    from agentdeck.adapters import git_merge

    if not alive:
        click.echo("no engine is running: this is how it was when the last one looked", err=True)
    try:
        said = git_merge.missing()
    except AgentDeckError as error:
        said = error.title
    if said:
        click.echo(said, err=True)


COMMANDS = (away, collisions)
