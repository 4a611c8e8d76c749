"""Commands about texts for agents: send, outbox."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

import click

from agentdeck.commands import output
from agentdeck.commands.agents import POLL_SECONDS, until
from agentdeck.errors import AgentDeckError, UsageError

RECEIPT_SECONDS = 10.0
SETTLED = ("acknowledged", "refused", "uncertain")
CODES = {"acknowledged": 0, "refused": 1}


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[NAME] TEXT")
@click.option("--team", default="", help="To all agents of this team instead of NAME.")
@click.option("--wait", "seconds", type=float, default=None, help="Then wait until it is idle again.")
@click.option("--queue", "mode", flag_value="queue", help="Use the client's own queue when it is busy.")
@click.option("--interrupt", "mode", flag_value="interrupt", help="Interrupt a busy agent first.")
@click.option("--follow-up", "mode", flag_value="follow", help="Leave it for the end of the turn; do not wait for it.")
@click.option("--command", is_flag=True, help="A leading / or ! is meant for the client, not as words.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def send(
    ctx: click.Context, words: tuple[str, ...], team: str, seconds: float | None, mode: str | None, command: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Hand a text (or - for standard input) to an agent, once it is idle; prints the receipt.

    It arrives as words, whatever it begins with: `--command` has the client take a leading / or ! as its own.
    """
    agents, text = _addressed(words, team)
    batch = secrets.token_hex(4) if team else ""
    made, failed = _queue(agents, {"text": text, "mode": mode or "idle", "command": command, "batch": batch})
    patience = 0.0 if mode == "follow" and seconds is None else max(seconds or 0.0, RECEIPT_SECONDS)
    receipts = _receipts(made, patience)
    codes = [_code(receipt, mode, seconds) for receipt in receipts] + [error.exit_code for error in failed.values()]
    for receipt in receipts:
        del receipt["submitted_ms"], receipt["settled_ms"]
    if as_json:
        output.data(receipts if team else receipts[0])
    else:
        _tell(receipts, failed, bool(team))
    ctx.exit(1 if 1 in codes else max(codes))


def _addressed(words: Sequence[str], team: str) -> tuple[dict[str, str], str]:
    """Who gets it, by id with the name, and the text."""
    if len(words) != (1 if team else 2):
        usage = "`agentdeck send --team TEAM TEXT`" if team else "`agentdeck send NAME TEXT`"
        raise UsageError(f"send takes {usage[1:-1]}", f"Put the text in quotes: {usage}.")
    if not team:
        return {output.agent_id(words[0]): words[0]}, output.text_or_stdin(words[1])
    members = output.query(lambda conn: _members(conn, team))
    if not members:
        raise UsageError(f"no agent of team '{team}' is running", "`agentdeck ls --json` tells each agent's team.")
    return members, output.text_or_stdin(words[0])


def _members(conn: sqlite3.Connection | None, team: str) -> dict[str, str]:
    if conn is None:
        return {}
    query = "SELECT id, name FROM agents WHERE team = ? AND life = 'live' AND beside = '' ORDER BY created, rowid"
    return {row["id"]: row["name"] for row in conn.execute(query, (team,))}


def _queue(agents: dict[str, str], order: dict[str, Any]) -> tuple[dict[str, str], dict[str, AgentDeckError]]:
    """Ask for each; delivery by agent id, and who could not be asked for. The only one's error is raised."""
    made, failed = dict[str, str](), dict[str, AgentDeckError]()
    for agent, name in agents.items():
        try:
            made[agent] = str(output.ask("send", agent, **order)["delivery"])
        except AgentDeckError as error:
            if len(agents) == 1:
                raise
            failed[name] = error
    return made, failed


def _code(receipt: dict[str, object], mode: str | None, seconds: float | None) -> int:
    """The exit code of one: 0 acknowledged (a follow-up: queued), 1 refused, 3 still open or uncertain."""
    if mode == "follow" and seconds is None and receipt["state"] not in ("refused", "uncertain"):
        return 0
    code = CODES.get(str(receipt["state"]), 3)
    if code == 0 and seconds is not None:
        # Until Enter it was idle, so any end of a turn after that is this one's, be it seen before the acknowledgement.
        after = int(str(receipt["settled_ms" if mode == "queue" else "submitted_ms"]))
        code = _ending(str(receipt["agent"]), seconds, after)
    return code


def _ending(agent: str, seconds: float, after: int) -> int:
    """The exit code of `--wait`: 0 idle again, 1 the turn failed or the client ended, 3 not in time."""
    if not until(agent, ("idle", "failed", "exited"), seconds, after):
        return 3
    row = output.query(lambda conn: conn.execute("SELECT state, why FROM status WHERE agent = ?", (agent,)).fetchone())
    if row["state"] not in ("failed", "exited"):
        return 0
    click.echo(f"agentdeck: its turn ended {row['state']}: {row['why']}", err=True)
    return 1


def _receipts(made: dict[str, str], seconds: float) -> list[dict[str, object]]:
    """Each one's receipt once it is settled, or as it stands after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = output.query(lambda conn: [_receipt(conn, key) for key in made.values()])
        if all(receipt["state"] in SETTLED for receipt in found) or time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)


def _receipt(conn: sqlite3.Connection, key: str) -> dict[str, object]:
    from agentdeck.services.delivery import deliveries

    found = deliveries.get(conn, key)
    assert found is not None
    name = conn.execute("SELECT name FROM agents WHERE id = ?", (found.agent,)).fetchone()[0]
    return {**deliveries.receipt(found, name), "submitted_ms": found.submitted, "settled_ms": found.settled}


def _tell(receipts: list[dict[str, object]], failed: dict[str, AgentDeckError], many: bool) -> None:
    """One line an agent, on stderr; for several, a summary first."""
    if many:
        have = sum(receipt["state"] == "acknowledged" for receipt in receipts)
        click.echo(f"{have} of {len(receipts) + len(failed)} have the text", err=True)
    for receipt in receipts:
        who = f"{receipt['name']}: " if many else ""
        note = f" ({receipt['note']})" if receipt["note"] else ""
        why = receipt["reason"] or receipt["evidence"] or "it waits its turn"
        click.echo(f"{who}{receipt['state']}: {why}{note}", err=True)
    for name, error in failed.items():
        click.echo(f"{name}: {error.title}", err=True)


@click.command()
@click.argument("name", required=False, default="")
@click.option("--cancel", "cancelled", multiple=True, metavar="ID", help="Take back a text that is still queued.")
@click.option("--all", "everything", is_flag=True, help="Since the beginning, not only since yesterday.")
@click.option("--json", "as_json", is_flag=True)
def outbox(name: str, cancelled: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Texts for agents: what waits and for what, what is on its way, what arrived and how that is known."""
    for key in cancelled:
        output.ask("cancel", delivery=key)
        click.echo(f"{key}: cancelled", err=True)
    if cancelled and not name:
        return
    agent = output.agent_id(name) if name else ""
    found = output.query(lambda conn: _listed(conn, agent, everything))
    if as_json:
        output.data([{**receipt, "text": text} for receipt, text, _ in found])
        return
    output.table(("ID", "AGENT", "STATE", "AGE", "MODE", "TEXT", "WHY"), (_line(*one) for one in found))


def _listed(conn: sqlite3.Connection | None, agent: str, everything: bool) -> list[tuple[dict[str, Any], str, int]]:
    from agentdeck.services.delivery import deliveries

    if conn is None:
        return []
    names = dict(conn.execute("SELECT id, name FROM agents").fetchall())
    found = deliveries.listed(conn, agent, everything=everything)
    return [(deliveries.receipt(one, names.get(one.agent, one.agent)), one.text, one.created) for one in found]


def _line(receipt: dict[str, Any], text: str, created: int) -> tuple[str, ...]:
    from agentdeck.models.clock import age, now_ms

    begins = " ".join(text.split())
    why = "; ".join(part for part in (receipt["reason"] or receipt["evidence"], receipt["note"]) if part)
    mode = receipt["kind"] if receipt["kind"] != "message" else receipt["mode"]
    shown = f"{begins[:31]}…" if len(begins) > 32 else begins
    return (receipt["id"], receipt["name"], receipt["state"], age(now_ms() - created), mode, shown, why)


COMMANDS = (send, outbox)
