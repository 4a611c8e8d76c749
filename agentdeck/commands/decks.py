"""Commands about the deck itself: the dashboard, paths, halt, demo, builtin."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import click

from agentdeck.commands import output
from agentdeck.errors import AgentDeckError, UsageError

SIGNS = {"ok": "✓", "note": "·", "warn": "!", "bad": "✗"}


def dashboard(view: str) -> int:
    """Open the dashboard for the repository one stands in."""
    import sys

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the dashboard needs a terminal", "Run it in one; `agentdeck ls --json` is for scripts.")
    from agentdeck.services import views
    from agentdeck.ui.app import run_dashboard

    views.check_name(view)
    code = run_dashboard(view, Path.cwd())
    left = output.query(lambda conn: 0 if conn is None else _living(conn))
    if left:
        click.echo(f"{left} agent{'s go' if left > 1 else ' goes'} on; `agentdeck` shows them again.", err=True)
    return code


def _living(conn: sqlite3.Connection) -> int:
    return int(conn.execute("SELECT COUNT(*) FROM agents WHERE life = 'live'").fetchone()[0])


@click.command(name="paths")
@click.option("--json", "as_json", is_flag=True)
def show_paths(as_json: bool) -> None:
    """Where everything lives."""
    from agentdeck import paths

    found = {
        "config": paths.config_file(), "harnesses": paths.user_harnesses_dir(), "themes": paths.user_themes_dir(),
        "database": paths.database_file(), "worktrees": paths.worktrees_dir(),
        "trash": paths.trash_dir(), "transcripts": paths.transcripts_dir(),
        "state": paths.state_dir(), "log": paths.log_file("engine"), "socket": paths.tmux_socket(),
    }  # fmt: skip
    if as_json:
        output.data({key: str(path) for key, path in found.items()})
    else:
        for key, path in found.items():
            click.echo(f"{key:12} {path}")


@click.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(as_json: bool) -> None:
    """What is missing on this machine, in words, and the command that mends it. Exit code 1 when something is."""
    from dataclasses import asdict

    from agentdeck.services.doctor import examine

    found = examine(Path.cwd())
    if as_json:
        output.data([asdict(finding) for finding in found])
    else:
        for finding in found:
            click.echo(f"{SIGNS[finding.verdict]} {finding.topic:9} {finding.text}")
            if finding.mend:
                click.echo(f"{'':12}{finding.mend}")
    raise SystemExit(any(finding.verdict == "bad" for finding in found))


@click.command()
def keys() -> None:
    """The dashboard's keys: key, the action's id for [keys] in config.toml, what it does."""
    from agentdeck import config, paths
    from agentdeck.ui.actions import ACTIONS, check_keymap, keys_of
    from agentdeck.ui.toolbox import actions_of, clashes

    settings = config.load()
    own = settings.keys
    for action in (*ACTIONS, *actions_of(settings.tools, own)):
        click.echo(f"{' '.join(keys_of(action, own)):14} {action.id:16} {action.help}")
    problems = [*check_keymap(own), *clashes(settings.tools, own).values()]
    if problems:
        raise UsageError(f"{paths.config_file()}: {problems[0]}", "\n  ".join(problems[1:]) or "Choose another key.")


@click.command()
@click.option("--json", "as_json", is_flag=True)
def themes(as_json: bool) -> None:
    """The themes there are; `theme = "NAME"` in config.toml, or DECK_THEME=NAME, puts one on."""
    from agentdeck.ui import themes as found

    rows = found.listing()
    if as_json:
        output.data(rows)
    else:
        kinds = {True: "dark", False: "light", None: "cannot be used"}
        lines = ((r["name"], kinds[r["dark"]], r["problem"] or r["file"]) for r in rows)
        output.table(("THEME", "KIND", "FILE"), lines)


@click.command()
@click.option("--lines", default=60, show_default=True, help="How much of the engine's log.")
def report(lines: int) -> None:
    """A report of a problem to hand to somebody else: Markdown, without secrets, prompts or file contents."""
    from agentdeck.services import problem_report

    click.echo(output.query(lambda conn: problem_report.write(conn, Path.cwd(), lines)))


@click.command()
@click.option("--follow", is_flag=True)
def log(follow: bool) -> None:
    """The engine's log."""
    from agentdeck import paths

    file = paths.log_file("engine")
    if not file.exists():
        raise AgentDeckError(f"there is no log yet: {file}", "The engine writes it when it runs.")
    if follow:
        os.execvp("tail", ["tail", "-n", "100", "-f", str(file)])
    click.echo(file.read_text(errors="replace"), nl=False)


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def halt(yes: bool) -> None:
    """End every agent, the engine and our tmux server. Worktrees, branches and conversations stay."""
    from agentdeck import paths
    from agentdeck.services import rows
    from agentdeck.services.lives import adoption, shutdown

    live = output.query(lambda conn: [] if conn is None else [a.name for a in rows.agents(conn) if a.life == "live"])
    strays = adoption.find_in(paths.database_file(), paths.tmux_socket())
    live += [f"{one.agent.name} (no row has it)" for one in strays if one.what == "pane"]
    count = f"{len(live)} agent{'s' * (len(live) != 1)}"
    if live and not yes and not click.confirm(f"End {count} ({', '.join(live)})?", err=True):
        raise SystemExit(1)
    output.run(shutdown.halt(paths.tmux_socket()))


@click.command()
@click.option(
    "--headless",
    "seconds",
    type=float,
    default=None,
    help="Without a dashboard, for so many seconds; prints a JSON summary.",
)
@click.pass_context
def demo(ctx: click.Context, seconds: float | None) -> None:
    """The whole thing with no account and no network: four real agents whose model is a script."""
    from agentdeck.commands.demo import run_demo

    ctx.exit(run_demo(seconds))


@click.command()
@click.option("--yes", is_flag=True, help="Ask nothing before a command runs.")
@click.option(
    "--headless", is_flag=True, help="No terminal: the prompt from ARGS or standard input, the answer on stdout."
)
@click.option("--tools", default="", help="A comma-separated list; default bash,read,write,edit.")
@click.option("--model", default="")
@click.option("--session", default="")
@click.option("--resume", default="")
@click.option("--transcript", type=click.Path(path_type=Path), default=None)
@click.argument("prompt", nargs=-1)
@click.pass_context
def builtin(ctx: click.Context, prompt: tuple[str, ...], **options: Any) -> None:
    """The built-in agent itself: what its panes run."""
    from agentdeck.builtin.main import Options, run

    ctx.exit(run(Options(prompt=" ".join(prompt), **options)))


COMMANDS = (show_paths, doctor, keys, themes, log, report, halt, demo, builtin)
