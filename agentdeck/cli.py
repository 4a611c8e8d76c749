"""The commands. Each imports what it needs when it runs, so that `ls` never loads Textual."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import MutableMapping
from functools import cache
from importlib import import_module

import click

from agentdeck import __version__, paths
from agentdeck.adapters.database import store
from agentdeck.errors import AgentDeckError

MODULES = (
    "agents",
    "show",
    "outbox",
    "trash",
    "adopt",
    "foreign",
    "tasks",
    "policy",
    "research",
    "search",
    "views",
    "away",
    "budget",
    "usage",
    "decks",
    "harnesses",
    "attention",
    "events",
)
"""Below agentdeck.commands, in the order of the help."""
HOT = {"ls": "agents", "usage": "usage"}
"""What is typed all day loads its own module alone."""


@cache
def _commands_of(module: str) -> tuple[click.Command, ...]:
    return import_module(f"agentdeck.commands.{module}").COMMANDS


class Deck(click.Group):
    """Without a command: the dashboard. Modules of commands are loaded when somebody asks for one."""

    _found: MutableMapping[str, click.Command] | None = None

    @property
    def commands(self) -> MutableMapping[str, click.Command]:  # type: ignore[override]
        """All of them, by name."""
        if not self._found:
            self._found = {one.name or "": one for module in MODULES for one in _commands_of(module)}
        return self._found

    @commands.setter
    def commands(self, found: MutableMapping[str, click.Command]) -> None:
        self._found = found

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        hot = _commands_of(HOT[cmd_name]) if cmd_name in HOT else ()
        return next((one for one in hot if one.name == cmd_name), None) or super().get_command(ctx, cmd_name)

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
        from agentdeck.commands import decks

        ctx.exit(decks.dashboard(view))


if __name__ == "__main__":
    sys.exit(main())
