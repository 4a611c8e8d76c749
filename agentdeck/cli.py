"""The commands. Each imports what it needs when it runs, so that `ls` never loads Textual."""

from __future__ import annotations

import sqlite3
import sys

import click

from agentdeck import __version__, paths
from agentdeck.adapters.database import store
from agentdeck.commands import (
    adopt,
    agents,
    attention,
    away,
    budget,
    decks,
    foreign,
    harnesses,
    outbox,
    policy,
    research,
    search,
    tasks,
    trash,
    usage,
    views,
)
from agentdeck.errors import AgentDeckError


class Deck(click.Group):
    """Without a command: the dashboard."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except AgentDeckError as error:
            click.echo(f"agentdeck: {error.title}", err=True)
            if error.hint:
                click.echo(f"  {error.hint}", err=True)
            ctx.exit(error.exit_code)
        except sqlite3.DatabaseError as error:
            told = store.unusable(paths.database_file(), error)
            click.echo(f"agentdeck: {told.title}\n  {told.hint}", err=True)
            ctx.exit(told.exit_code)
        except KeyboardInterrupt:
            ctx.exit(130)


@click.group(cls=Deck, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="agentdeck")
@click.option("--view", default="default", show_default=True, help="A named arrangement of the deck.")
@click.pass_context
def main(ctx: click.Context, view: str) -> None:
    """A command center for teams of coding agents. Without a command: the dashboard."""
    if ctx.invoked_subcommand is None:
        ctx.exit(decks.dashboard(view))


for commands in (
    agents,
    outbox,
    trash,
    adopt,
    foreign,
    tasks,
    policy,
    research,
    search,
    views,
    away,
    budget,
    usage,
    decks,
    harnesses,
    attention,
):
    for command in commands.COMMANDS:
        main.add_command(command)


if __name__ == "__main__":
    sys.exit(main())
