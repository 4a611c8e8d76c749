"""What happened: events."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

import click

from agentdeck.commands import output

POLL_SECONDS = 0.2


@click.command()
@click.option("--agent", default="", help="Only this agent.")
@click.option("--kind", default="", metavar="KIND,...", help="Only these: status, hook, delivery, answer, task, ...")
@click.option("--why", is_flag=True, help="Under each status: which source said what, since when, and which lost.")
@click.option("--follow", is_flag=True, help="Go on until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def events(agent: str, kind: str, why: bool, follow: bool, as_json: bool) -> None:
    """What happened, oldest first; times are UTC."""
    chosen = output.agent_id(agent) if agent else ""
    kinds = [word.strip() for word in kind.split(",") if word.strip()]
    last, names = 0, dict[str, str]()
    while True:
        for row in output.query(lambda conn, after=last: _rows(conn, chosen, kinds, after)):
            last = row["id"]
            if row["agent"] not in names:
                names = output.query(_names)
            click.echo(_json(row) if as_json else _text(row, names.get(row["agent"], row["agent"]), why))
        if not follow:
            return
        time.sleep(POLL_SECONDS)


def _rows(conn: sqlite3.Connection | None, agent: str, kinds: list[str], after: int) -> list[sqlite3.Row]:
    if conn is None:
        return []
    where, values = ("AND agent = ?", [agent]) if agent else ("", [])
    if kinds:
        where, values = f"{where} AND kind IN ({', '.join('?' * len(kinds))})", [*values, *kinds]
    return conn.execute(f"SELECT * FROM events WHERE id > ? {where} ORDER BY id", [after, *values]).fetchall()


def _names(conn: sqlite3.Connection) -> dict[str, str]:
    return {row["id"]: row["name"] for row in conn.execute("SELECT id, name FROM agents")}


def _json(row: sqlite3.Row) -> str:
    from agentdeck.models.clock import iso

    data = json.loads(row["data"])
    for link in data.get("chain", ()):
        link["changed"] = iso(link["changed"])
    found = {"id": row["id"], "ts": iso(row["ts"]), "agent": row["agent"], "kind": row["kind"], "data": data}
    return json.dumps(found, ensure_ascii=False)


def _text(row: sqlite3.Row, name: str, why: bool) -> str:
    from agentdeck.models.clock import iso

    data = json.loads(row["data"])
    said = _status(data) if row["kind"] == "status" else _plain(data)
    lines = [f"{iso(row['ts'])}  {name or '-':12}  {row['kind']:9}  {said}"]
    return "\n".join([*lines, *(_chain(data) if why else ())])


def _status(data: Mapping[str, Any]) -> str:
    """`working -> needs_input: Bash: git push (PermissionRequest hook 12:04:31; title ...)`."""
    asks = f": {' '.join(str(data['ask']).split())}" if data.get("ask") else ""
    return f"{data.get('before') or 'nothing'} -> {data.get('state')}{asks} ({data.get('why')})"


def _plain(data: Mapping[str, Any]) -> str:
    return "  ".join(f"{key}={value}" for key, value in data.items() if value not in ("", None))


def _chain(data: Mapping[str, Any]) -> list[str]:
    from agentdeck.models.clock import iso

    return [
        f"{'':26}{link['part']:32} {link['source']:9} {','.join(link['states']) or '-':24} "
        f"{iso(link['changed'])[11:23]}  {link['why']}"
        for link in data.get("chain", ())
    ]


COMMANDS = (events,)
