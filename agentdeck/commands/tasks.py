"""Commands about work: task add, ls, show, why, cancel, retry, accept, reject, diff, land; and run."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import click

from agentdeck.commands import output
from agentdeck.errors import UsageError


@click.group()
def task() -> None:
    """The queue of specs."""


@task.command("add")
@click.argument("sources", nargs=-1, required=True, metavar="SPEC...|-")
@click.option("--repo", default=".", help="A directory in the repository (default: here).")
@click.option("--agent", default="", help="Only this agent may take it.")
@click.option("--priority", type=int, default=0)
@click.option("--json", "as_json", is_flag=True)
def add(sources: tuple[str, ...], repo: str, agent: str, priority: int, as_json: bool) -> None:
    """Queue specs: Markdown files, or - for one from standard input. All are checked before any is queued."""
    from agentdeck import paths
    from agentdeck.adapters.database import store
    from agentdeck.services import requests, rows
    from agentdeck.services.lives import summon
    from agentdeck.services.queue import queue, specs
    from agentdeck.services.trees import disk, worktrees

    found = [specs.parse(output.text_or_stdin("-")) if s == "-" else specs.load(Path(s).absolute()) for s in sources]
    root = str(worktrees.repository(os.path.abspath(repo)))

    def change(conn: sqlite3.Connection) -> list[int]:
        for name in filter(None, (agent, *(spec.agent for spec in found))):
            rows.find(conn, name)
        return queue.add_all(conn, found, root, priority=priority, agent=agent)

    conn = store.write(paths.database_file())
    try:
        with store.transaction(conn):
            ids = change(conn)
    finally:
        conn.close()
    output.run(summon.ensure_engine())
    requests.wake()
    if as_json:
        output.data(ids)
    else:
        for key, spec in zip(ids, found, strict=True):
            click.echo(f"task {key}: {spec.title}", err=True)
        short = disk.shortage(root)
        if short is not None:
            click.echo(f"  It waits: {disk.told(short)}.", err=True)


@task.command("ls")
@click.option("--json", "as_json", is_flag=True)
def ls(as_json: bool) -> None:
    """All tasks with their attempts."""
    from agentdeck.services.queue import queue

    found = output.query(lambda conn: [] if conn is None else [queue.as_json(conn, one) for one in queue.tasks(conn)])
    if as_json:
        output.data(found)
        return
    output.table(
        ("ID", "STATE", "AGENT", "TRIES", "TITLE", "REASON"),
        (
            (str(t["id"]), t["state"], t["agent"] or "", str(len(t["attempts"])), t["title"][:48], t["reason"][:60])
            for t in found
        ),
    )


@task.command("show")
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True)
def show(number: int, as_json: bool) -> None:
    """One task: what came of every attempt, what the gate found, and what verify printed last."""
    from agentdeck.services.queue import queue, task_page

    def look(conn: sqlite3.Connection | None) -> dict[str, Any]:
        if conn is None:
            raise UsageError(f"there is no task {number}", "`agentdeck task ls` lists them.")
        return queue.as_json(conn, queue.task(conn, number))

    found: dict[str, Any] = output.query(look)
    if as_json:
        output.data(found)
        return
    click.echo(task_page.page(found))


@task.command("why")
@click.argument("number", type=int)
def why(number: int) -> None:
    """Why a task does not run now."""
    from agentdeck import config
    from agentdeck.services import fleet
    from agentdeck.services.budgets import budget_report
    from agentdeck.services.queue import queue, queue_rules
    from agentdeck.services.status.standing import candidates
    from agentdeck.services.trees import disk

    def look(conn: sqlite3.Connection | None) -> str:
        if conn is None:
            raise UsageError(f"there is no task {number}", "`agentdeck task ls` lists them.")
        task = queue.task(conn, number)
        short = disk.shortage(task.repo) if task.state == "queued" else None
        if short is not None:
            return f"the disk is nearly full: {disk.told(short)}"
        if spent := budget_report.spent_task(conn, number):
            return f"its budget is spent: {spent}"
        rules, load = queue_rules.read(conn, config.load())
        return queue.why(task, candidates(conn, fleet.load(conn).rows), rules, load)

    click.echo(output.query(look))


def _change(number: int, verb: str, *words: object) -> None:
    from agentdeck.services.queue import task_verbs

    task_verbs.change(verb, number, *words)


@task.command("cancel")
@click.argument("number", type=int)
def cancel(number: int) -> None:
    """Take a task out of the queue; its agent is not touched."""
    _change(number, "cancel")


@task.command("retry")
@click.argument("number", type=int)
def retry(number: int) -> None:
    """Queue a failed or cancelled task again, as a new attempt."""
    from agentdeck.services.lives import summon

    _change(number, "retry")
    output.run(summon.ensure_engine())


@task.command("approve")
@click.argument("number", type=int)
def approve(number: int) -> None:
    """You have read the text of a task from a watched folder: it may run."""
    from agentdeck.services.lives import summon

    _change(number, "approve")
    output.run(summon.ensure_engine())


@task.command("priority")
@click.argument("number", type=int)
@click.argument("priority", type=int)
def priority(number: int, priority: int) -> None:
    """Tasks of a higher priority start first."""
    _change(number, "prioritise", priority)


@task.command("edit")
@click.argument("number", type=int)
@click.argument("source", metavar="[SPEC|-]", default="")
def edit(number: int, source: str) -> None:
    """Give a task a new text: a file, standard input, or your editor. An attempt that runs keeps its own."""
    from agentdeck.services.queue import queue, specs

    def look(conn: sqlite3.Connection | None) -> tuple[str, str]:
        if conn is None:
            raise UsageError(f"there is no task {number}", "`agentdeck task ls` lists them.")
        found = queue.task(conn, number)
        return queue.text(conn, found.spec_version), found.path

    text, path = output.query(look)
    if source and source != "-":
        found = specs.load(Path(source).absolute())
    else:
        new = output.text_or_stdin("-") if source else click.edit(text, extension=".md")
        if not (new or "").strip() or new == text:
            click.echo("nothing changed", err=True)
            return
        found = specs.parse(str(new), path)
    _change(number, "revise", found)


@task.command("resume")
def resume() -> None:
    """Let harnesses and specs go on that pause after too many attempts that died or never started."""
    from agentdeck import config, paths
    from agentdeck.adapters.database import store
    from agentdeck.services import requests
    from agentdeck.services.queue import breaker

    conn = store.write(paths.database_file())
    try:
        with store.transaction(conn):
            found = breaker.resume(conn, config.load().queue.breaker)
    finally:
        conn.close()
    requests.wake()
    click.echo(f"goes on: {', '.join(found)}" if found else "nothing pauses", err=True)


@task.command("accept")
@click.argument("number", type=int)
@click.option("--note", default="")
@click.option("--land", "also", is_flag=True, help="And bring it onto its base branch.")
def accept(number: int, note: str, also: bool) -> None:
    """You are content with what is in review."""
    _change(number, "accept", note)
    if also:
        _land(number)
    else:
        click.echo(f"  Bring it onto its base: agentdeck task land {number}", err=True)


@task.command("reject")
@click.argument("number", type=int)
@click.option("--note", default="", help="Why; a retry tells it to the next agent.")
def reject(number: int, note: str) -> None:
    """You are not: the task counts as failed until it is retried."""
    _change(number, "reject", note)
    click.echo(f"  Have it tried again: agentdeck task retry {number}", err=True)


@task.command("land")
@click.argument("number", type=int)
def land(number: int) -> None:
    """Bring accepted work onto its base branch: a fast-forward, or one merge commit."""
    _land(number)


def _land(number: int) -> None:
    from agentdeck.services.queue import task_verbs

    done = task_verbs.land(number)
    how = "was there already" if done.already else "by a merge" if done.merged else "by fast-forward"
    click.echo(f"task {number} is on {done.branch} as {done.commit[:10]}, {how}", err=True)


@task.command("diff")
@click.argument("number", type=int)
@click.option("--stat", is_flag=True, help="Only which files, and how much.")
@click.pass_context
def diff(ctx: click.Context, number: int, stat: bool) -> None:
    """What a task's last finished attempt changed, from where it began."""
    from agentdeck.adapters import git_merge, git_page
    from agentdeck.services.gate import landing
    from agentdeck.services.queue import queue

    def look(conn: sqlite3.Connection | None) -> Any:
        if conn is None:
            raise UsageError(f"there is no task {number}", "`agentdeck task ls` lists them.")
        return queue.task(conn, number)

    found = output.query(look)
    last = landing.judged(found)
    options = ["--stat"] if stat else []
    start = git_merge.counted_from(Path(found.repo), last.base_oid, last.head_oid)
    ctx.exit(git_page.show(Path(found.repo), "diff", *options, start, last.head_oid, "--", env={}))


@click.command()
@click.option("--for", "seconds", type=float, default=None, help="End after this many seconds.")
@click.option("--until-empty", is_flag=True, help="End when no task is queued, running or verifying.")
@click.pass_context
def run(ctx: click.Context, seconds: float | None, until_empty: bool) -> None:
    """The engine in the foreground; follows the one that lives, and takes over when it ends."""
    from agentdeck.engine.foreground import run_foreground

    ctx.exit(output.run(run_foreground(seconds, until_empty)))


@click.command(hidden=True)
@click.pass_context
def engine(ctx: click.Context) -> None:
    """The engine of a hidden window."""
    from agentdeck.engine.background import run_background

    ctx.exit(output.run(run_background()))


COMMANDS = (task, run, engine)
