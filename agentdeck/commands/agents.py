"""Commands about agents: new, ls, show, screen, answer, stop, resume and their like."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import Any

import click

from agentdeck.commands import output
from agentdeck.errors import AgentDeckError, TryAgain, UsageError

POLL_SECONDS = 0.05
ENGINE_LOOK_SECONDS = 2.0


@click.command()
@click.argument("name")
@click.option("--harness", required=True, help="Which client; `agentdeck harnesses` lists them.")
@click.option("--repo", default=".", help="A directory in the repository (default: here).")
@click.option("--base", default="", help="The commit to start from (default: the checkout's HEAD).")
@click.option("--here", is_flag=True, help="Work in the checkout itself, without a worktree.")
@click.option("--model", default="")
@click.option("--team", default="")
@click.option("--prompt", default="", help="The first prompt; - reads it from standard input.")
@click.option("--setup", default="ask", help="The repository's set-up command: ask, skip, approve or approve:DIGEST.")
@click.option("--budget", default="", help="Its limits, such as usd=5,tokens=2M,minutes=30,turns=40.")
@click.option("--json", "as_json", is_flag=True)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def new(name: str, repo: str, prompt: str, as_json: bool, args: tuple[str, ...], **rest: Any) -> None:
    """Start an agent. ARGS after -- go to the client's command line; for `shell` they are the command."""
    from agentdeck.services.lives.environment import save_environment

    env_file = save_environment()
    try:
        made = output.ask(
            "new", name=name, repo=os.path.abspath(repo), prompt=output.text_or_stdin(prompt), args=list(args),
            env_file=str(env_file), **rest,
        )  # fmt: skip
    finally:
        env_file.unlink(missing_ok=True)
    if as_json:
        output.data(made)
    else:
        click.echo(f"{name} runs in {made['pane_id']}, in {made['worktree']} on {made['branch']}", err=True)


@click.command()
@click.option("--view", default="default")
@click.option("--foreign", is_flag=True, help="Instead, the sessions that were started outside the deck.")
@click.option("--json", "as_json", is_flag=True)
def ls(view: str, foreign: bool, as_json: bool) -> None:
    """All agents: what each does, who says so, and what it cost."""
    if foreign:
        from agentdeck.commands.foreign import list_sessions

        list_sessions(as_json)
        return
    rows = [row for row in _rows(view) if not row.agent.beside]
    if as_json:
        from agentdeck.services.fleet import as_json as row_json

        output.data([row_json(row) for row in rows])
        return
    head = ("NAME", "HARNESS", "STATUS", "FOR", "TASK", "BRANCH", "COST", "WHY")
    output.table(head, (_line(row) for row in rows))


def _line(row: Any) -> tuple[str, ...]:
    from agentdeck.models.clock import age, now_ms

    agent, status = row.agent, row.status
    lasts = age(now_ms() - status.since) if status.since else ""
    task = row.task.title[:24] if row.task else ""
    cost = f"${row.usage.cost / 1e9:.4f}"
    why = f"{row.tree.note}; {status.why}" if row.tree.note else status.why
    return (agent.name, agent.harness, status.state, lasts, task, agent.branch, cost, why[: 60 + len(row.tree.note)])


def _rows(view: str = "default") -> list[Any]:
    """The fleet; with no engine alive, with statuses derived here and now, and nothing written."""
    from agentdeck.services import fleet

    def read(conn: sqlite3.Connection | None) -> list[Any]:
        found = fleet.load(conn, view)
        if found.engine.alive or not any(row.agent.life == "live" for row in found.rows):
            return list(found.rows)
        from agentdeck.services.status.glance import derive

        return derive(conn, found.rows) if conn is not None else []

    return list(output.query(read))


def row_of(name: str) -> Any:
    found = [row for row in _rows() if name in (row.agent.name, row.agent.id)]
    if not found:
        raise UsageError(f"no agent is called '{name}'", "`agentdeck ls` lists them.")
    return found[0]


@click.command()
@click.argument("name")
@click.option("--ansi", is_flag=True, help="With colours.")
def screen(name: str, ansi: bool) -> None:
    """What an agent's screen shows now."""
    from agentdeck import paths
    from agentdeck.adapters import tmux

    row = row_of(name)
    if not row.agent.pane or not tmux.server_alive(paths.tmux_socket()):
        raise AgentDeckError(
            f"'{name}' has no screen", f"It is {row.status.state}. `agentdeck resume {name}` brings it back."
        )
    click.echo("\n".join(tmux.capture_now(paths.tmux_socket(), row.agent.pane, ansi=ansi)))


def until(agent: str, states: tuple[str, ...], seconds: float, after: int = 0) -> bool:
    """Wait for one of `states`, reached at or after `after` (UTC ms: when a text was submitted)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        row = output.query(
            lambda conn: conn.execute("SELECT state, since FROM status WHERE agent = ?", (agent,)).fetchone()
        )
        if row is not None and row["state"] in states and (row["since"] >= after or (not after)):
            return True
        if row is not None and after and row["state"] in states and _turn_ended(agent, after):
            return True
        time.sleep(POLL_SECONDS)
    return False


def _turn_ended(agent: str, after: int) -> bool:
    """A turn so short that no one saw it: the newest hook is younger than the text and fits idle."""
    row = output.query(
        lambda conn: conn.execute(
            "SELECT states, changed FROM evidence WHERE agent = ? AND source = 'hook'", (agent,)
        ).fetchone()
    )
    return row is not None and row["changed"] >= after and "idle" in row["states"]


@click.command()
@click.argument("name")
@click.argument("reply")
def answer(name: str, reply: str) -> None:
    """Answer the request that is pending now: allow, deny, or the text or number of an option.

    `deny: WORDS` denies, and the agent gets the words once it is idle. A question that takes an answer of one's own
    gets any other text as that.
    """
    done = output.ask("answer", output.agent_id(name), answer=reply)
    if done.get("left"):
        click.echo("denied; the words go to it as soon as it is idle", err=True)


def _each(kind: str, names: tuple[str, ...], **args: Any) -> None:
    """The same request for several agents; every one is tried, the first error decides the exit code."""
    failed: AgentDeckError | None = None
    for name in names:
        try:
            output.ask(kind, output.agent_id(name), **args)
        except AgentDeckError as error:
            click.echo(f"agentdeck: {name}: {error.title}\n  {error.hint}", err=True)
            failed = failed or error
    if failed is not None:
        raise SystemExit(failed.exit_code)


@click.command()
@click.argument("names", nargs=-1, required=True)
def interrupt(names: tuple[str, ...]) -> None:
    """Interrupt what agents do now, each by its client's own key."""
    _each("interrupt", names)


@click.command()
@click.argument("names", nargs=-1, required=True)
def stop(names: tuple[str, ...]) -> None:
    """End agents' processes; worktree, branch and conversation stay."""
    _each("stop", names)


@click.command()
@click.argument("names", nargs=-1, required=True)
def resume(names: tuple[str, ...]) -> None:
    """Start stopped agents again, in their worktrees and their own conversations."""
    from agentdeck.services.lives.environment import save_environment

    for name in names:
        file = save_environment()
        try:
            _each("resume", (name,), env_file=str(file))
        finally:
            file.unlink(missing_ok=True)


@click.command()
@click.argument("name")
@click.argument("new_name")
def rename(name: str, new_name: str) -> None:
    """Give an agent another name; id, branch and history stay."""
    output.ask("rename", output.agent_id(name), name=new_name)


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--to", "team", required=True, help="The team; '' for none.")
def team(names: tuple[str, ...], team: str) -> None:
    """Put agents in a team, or in none."""
    _each("team", names, team=team)


def _hide(names: tuple[str, ...], view: str, hidden: bool) -> None:
    from agentdeck.models.view import ViewChange
    from agentdeck.services import views

    views.change(view, ViewChange(hidden={output.agent_id(name): hidden for name in names}))


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--view", default="default")
def hide(names: tuple[str, ...], view: str) -> None:
    """Hide agents in one view; they go on."""
    _hide(names, view, True)


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--view", default="default")
def unhide(names: tuple[str, ...], view: str) -> None:
    """Show agents again in one view."""
    _hide(names, view, False)


@click.command()
@click.argument("name")
def attach(name: str) -> None:
    """An agent full screen; Ctrl+Q or Ctrl+] comes back."""
    from agentdeck import paths
    from agentdeck.adapters import tmux

    row = row_of(name)
    if not row.agent.pane or not tmux.server_alive(paths.tmux_socket()):
        raise AgentDeckError(f"'{name}' has no screen", f"`agentdeck resume {name}` brings it back.")
    argv = tmux.attach_argv(paths.tmux_socket(), tmux.session_name(row.agent.id))
    environ = {key: value for key, value in os.environ.items() if key not in ("TMUX", "TMUX_PANE")}
    os.execvpe(argv[0], argv, environ)


@click.command()
@click.argument("name")
def term(name: str) -> None:
    """A shell in an agent's worktree."""
    row = row_of(name)
    if not os.path.isdir(row.agent.worktree):
        from agentdeck.services.trees import trees

        trees.require(row.agent)
        raise AgentDeckError(f"the worktree of '{name}' is gone: {row.agent.worktree}", "Ask again.")
    os.chdir(row.agent.worktree)
    shell = os.environ.get("SHELL") or "/bin/sh"
    os.execvp(shell, [shell])


@click.command()
@click.argument("name")
@click.option("--stat", is_flag=True, help="Only which files, and how many lines.")
@click.pass_context
def diff(ctx: click.Context, name: str, stat: bool) -> None:
    """What an agent has changed since its merge base: commits, uncommitted and untracked files, by your own pager."""
    agent = row_of(name).agent
    if not os.path.isdir(agent.worktree):
        from agentdeck.services.trees import trees

        trees.require(agent)
    from agentdeck.services.trees import worktrees

    base = agent.base or agent.base_oid
    if not worktrees.changes(agent.worktree, base, agent.repo)[0].files:
        _say_at_leisure(f"{agent.name} has changed nothing since {base[:12]}")
        return
    ctx.exit(worktrees.show_changes(agent.worktree, base, agent.repo, *(["--stat"] if stat else [])))


def _say_at_leisure(words: str) -> None:
    """By the pager where a diff would be: a popup must not close before it is read."""
    if os.isatty(1):
        click.echo_via_pager(words)
    else:
        click.echo(words, err=True)


@click.command()
@click.argument("name")
@click.option("--status", "states", required=True, help="One or more states, with commas.")
@click.option("--timeout", type=float, default=None, help="Seconds; without it, as long as it takes.")
def wait(name: str, states: str, timeout: float | None) -> None:
    """Wait until an agent reaches a status: exit 0 when reached, 3 when not in time."""
    from agentdeck.models.status import STATES

    wanted = tuple(state.strip() for state in states.split(","))
    for state in wanted:
        if state not in STATES:
            raise UsageError(f"'{state}' is no status", f"Known: {', '.join(STATES)}.")
    from agentdeck.services.lives import summon

    agent = output.agent_id(name)
    deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
    while True:
        output.run(summon.ensure_engine())  # and again: one that watches may be killed meanwhile
        left = deadline - time.monotonic()
        if until(agent, wanted, min(left, ENGINE_LOOK_SECONDS)):
            return
        if left <= ENGINE_LOOK_SECONDS:
            raise TryAgain(
                f"'{name}' did not become {' or '.join(wanted)} within {timeout:g} s",
                "`agentdeck show` says what it does.",
            )


COMMANDS = (
    new,
    ls,
    screen,
    answer,
    interrupt,
    stop,
    resume,
    rename,
    team,
    hide,
    unhide,
    attach,
    term,
    diff,
    wait,
)
