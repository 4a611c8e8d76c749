"""Removing agents and bringing them back: rm, undo, trash."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Any

import click

from agentdeck.commands import output

if TYPE_CHECKING:
    from agentdeck.models.trash import TrashEntry
    from agentdeck.services.trees.loss_report import Report

MINUTE_MS = 60_000  # what goes in a second less than 14 days goes in 14 days
SECONDS = 300.0  # to hash what is untracked
EMPTY_SECONDS = 3600.0  # a slow disk deletes 500 files a second


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def rm(name: str, yes: bool) -> None:
    """Remove a stopped agent: it goes to the trash with its tree, and `undo` brings it back.

    Without --yes it first says, path by path, what would go; off a terminal it does no more than that.
    """
    agent, shown = output.agent_id(name), ""
    if not yes:
        report = _report(agent)
        click.echo("\n".join(report.lines()))
        if report.refusal and report.hint:
            click.echo(report.hint, err=True)
        if not os.isatty(0) or report.refusal or not click.confirm(f"Remove '{name}'?", err=True):
            raise SystemExit(1)
        shown = report.digest
    gone = output.ask("rm", agent, timeout=SECONDS, shown=shown)
    if not gone["trash"]:
        click.echo(f"{name} is off the deck; no file was its own", err=True)
        return
    if not gone["trash"]:  # a terminal beside an agent had nothing of its own
        return
    if gone["origin"]:
        click.echo(f"{name} is in the trash with {gone['holds'] or 'nothing that is not elsewhere'}", err=True)
    else:
        click.echo(f"{name} is off the deck; its checkout is as it was", err=True)
    if gone["origin"] and not gone["place"] and os.path.exists(str(gone["origin"])):
        click.echo(f"  Its tree holds submodules, which git cannot move: it is kept at {gone['origin']}", err=True)
    click.echo(f"  agentdeck undo {gone['trash']} brings it back", err=True)


def _report(agent: str) -> Report:
    from agentdeck.services.trees import loss_report

    found: Report = output.query(lambda conn: loss_report.describe(conn, agent))
    return found


@click.command()
@click.argument("entry", required=False, default="")
@click.option("--name", default="", help="A new name, when its own belongs to another agent by now.")
def undo(entry: str, name: str) -> None:
    """Bring a removed agent back: the last one, or ENTRY (an id of `trash`, an agent's name or id)."""
    back = output.ask("undo", entry=entry, name=name, timeout=SECONDS)
    where = f"in {back['worktree']}" + (f" on {back['branch']}" if back["branch"] else "")
    click.echo(f"{back['name']} is back, exited, {where}", err=True)
    for note in back["notes"] if isinstance(back["notes"], list) else ():
        click.echo(f"  {note}", err=True)


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def trash(ctx: click.Context, as_json: bool) -> None:
    """Removed agents that can be brought back: what is there, how large, how old, and when it goes."""
    if ctx.invoked_subcommand is not None:
        return
    found = [_row(entry) for entry in _held()]
    if as_json:
        output.data(found)
        return
    head = ("ID", "NAME", "REMOVED", "GOES", "SIZE", "HOLDS", "REPOSITORY")
    output.table(head, (_line(row) for row in found))


def _held() -> list[TrashEntry]:
    from agentdeck.services.trash import trash_rows

    found: list[TrashEntry] = output.query(_read(trash_rows.held))
    return found


def _read(question: Any) -> Any:
    """A database that no newer agentdeck has written to yet has no trash."""

    def ask(conn: sqlite3.Connection | None) -> Any:
        known = conn is not None and conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'trash'").fetchone()
        return question(conn if known else None)

    return ask


def _row(entry: TrashEntry) -> dict[str, object]:
    from agentdeck import config
    from agentdeck.models.clock import iso, now_ms

    there = entry.state == "trashed"
    goes = entry.removed + int(config.load().trash.days * 86_400_000)
    return {
        "id": entry.id, "agent": entry.agent, "name": entry.name, "repo": entry.repo, "worktree": entry.origin,
        "branch": entry.branch, "head": entry.head, "snapshot": entry.snapshot, "path": entry.place if there else "",
        "state": entry.state, "holds": entry.holds, "size_bytes": entry.size if there else 0,
        "removed": iso(entry.removed), "age_seconds": (now_ms() - entry.removed) // 1000, "goes": iso(goes),
    }  # fmt: skip


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    from agentdeck import config
    from agentdeck.models.clock import age
    from agentdeck.services.trees import disk

    old = row["age_seconds"]
    left = int(config.load().trash.days * 86_400) - old
    holds = {"emptied": "only its commits", "emptying": "its files are being deleted"}.get(row["state"], row["holds"])
    size = disk.size(row["size_bytes"])
    return (
        row["id"],
        row["name"],
        f"{age(row['age_seconds'] * 1000)} ago",
        f"in {age(left * 1000 + MINUTE_MS)}",
        size,
        holds,
        row["repo"],
    )


@trash.command()
@click.argument("entries", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask.")
def empty(entries: tuple[str, ...], yes: bool) -> None:
    """Delete trees in the trash, all or ENTRIES, to free their space. Commits are held until their time is over."""
    from agentdeck.services.trash import trash_rows
    from agentdeck.services.trees import disk

    chosen = [output.query(_read(lambda conn, key=key: trash_rows.find(conn, key))) for key in entries]
    chosen = chosen or [entry for entry in _held() if entry.state == "trashed"]
    for entry in chosen:
        click.echo(f"{entry.id}  {entry.name}  {disk.size(entry.size)}  {entry.holds}  {entry.place}")
    if not chosen:
        click.echo("the trash is empty", err=True)
        return
    if not yes and (not os.isatty(0) or not click.confirm("Delete these trees for good?", err=True)):
        raise SystemExit(1)
    gone = output.ask("empty", entries=[entry.id for entry in chosen], timeout=EMPTY_SECONDS)
    click.echo(f"{disk.size(int(str(gone['freed'])))} freed", err=True)


COMMANDS = (rm, undo, trash)
