"""`agentdeck usage`: what was used, history on disk taken in, and how it agrees with the clients' own counts."""

from __future__ import annotations

import sqlite3
import sys
from typing import Any

import click

from agentdeck.commands import output
from agentdeck.errors import UsageError

GROUPS = ("agent", "task", "team", "model", "harness", "repo", "session", "day")
SHOWN = 12  # files or sessions that a list for a person names


@click.group(invoke_without_command=True)
@click.option("--by", type=click.Choice(GROUPS), default="agent", help="What a row stands for.")
@click.option("--since", default=None, help="A day or an ISO 8601 time; good to 15 minutes.")
@click.option("--until", default=None, help="The same; a day is included.")
@click.option("--tz", default=None, help="An IANA time zone; the machine's own otherwise.")
@click.option("--json", "as_json", is_flag=True, help="One object; docs/usage.md tells its fields.")
@click.option("--csv", "as_csv", is_flag=True, help="The same rows for a spreadsheet, the total last.")
@click.pass_context
def usage(
    ctx: click.Context, by: str, since: str | None, until: str | None, tz: str | None, as_json: bool, as_csv: bool
) -> None:
    """Tokens and cost, as the providers counted them, of all agents and of the history that was imported.

    Costs are list prices: with a subscription, what its use would be worth. INPUT is what no cache held; what is
    unpriced is in no cost.
    """
    if ctx.invoked_subcommand is not None:
        return
    if as_json and as_csv:
        raise UsageError("--json and --csv at once", "Choose one of them.")
    from agentdeck.services.usage import usage_report

    found: Any = output.query(lambda conn: usage_report.report(conn, by=by, since=since, until=until, tz=tz))
    if as_json:
        output.data(found)
    elif as_csv:
        click.echo(usage_report.as_csv(found), nl=False)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from agentdeck.services.usage import usage_table

    head, lines = usage_table.table(found)
    output.table(head, lines, numbers=len(head) - 1)
    for note in usage_table.notes(found):
        click.echo(note, err=True)


@usage.command(name="import")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--json", "as_json", is_flag=True)
def import_history(paths: tuple[str, ...], as_json: bool) -> None:
    """Take in the history that clients keep on disk: transcripts, folders of them, or all that is in the usual places.

    Nothing is written to it. What was taken in before is not counted twice.
    """
    from agentdeck.services.usage.usage_intake import take_in

    told = take_in(paths, _progress() if sys.stderr.isatty() else None)
    if as_json:
        output.data(told)
        return
    if not told["files"]:
        where = "\n  ".join(told["places"]) or "no client has written here: name a folder, `agentdeck usage import DIR`"
        click.echo(f"no history of a client was found in\n  {where}", err=True)
    for harness, count in told["files"].items():
        click.echo(f"{harness:10} {count:>9,} file{'' if count == 1 else 's'}")
    price = f"${told['cost_usd']:,.2f}" if told["cost_usd"] or not told["unpriced_tokens"] else "unpriced"
    click.echo(f"{'new':10} {told['messages']:>9,} responses, {told['tokens']:,} tokens, {price}")
    if told["unpriced_tokens"]:
        click.echo(
            f"unpriced: {told['unpriced_tokens']:,} of these tokens; `agentdeck usage` names the models", err=True
        )
    for what, count in told["diagnostics"].items():
        if count:
            click.echo(f"{what.replace('_', ' ')}: {count:,}", err=True)
    for path, why in list(told["unreadable"].items())[:SHOWN]:
        click.echo(f"  {path}: {why}", err=True)


def _progress() -> Any:
    """Draws how much of the bytes to read has been read, on one line of the terminal."""
    last = -1

    def show(done: int, whole: int) -> None:
        nonlocal last
        percent = min(100, done * 100 // whole) if whole else 100
        if percent != last:
            last = percent
            click.echo(f"\r{percent:3d} % of {whole / 1e6:,.0f} MB", nl=percent == 100, err=True)

    return show


@usage.command()
@click.option("--all", "every", is_flag=True, help="Sessions that agree too.")
@click.option("--json", "as_json", is_flag=True)
def doctor(every: bool, as_json: bool) -> None:
    """How our counts agree with what the clients say themselves, and what could not be read or priced."""
    from agentdeck.services.usage import usage_doctor

    def examine(conn: sqlite3.Connection | None) -> dict[str, Any]:
        return usage_doctor.examine(conn, every)

    found = output.query(examine)
    if as_json:
        output.data(found)
    else:
        for line in usage_doctor.words(found):
            click.echo(line)


COMMANDS = (usage,)
