"""`agentdeck demo`: the whole deck on a sample repository, with a script for a model. Leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from agentdeck.commands import output
from agentdeck.errors import AgentDeckError

READY_SECONDS = 15.0
NOTICE = "The models' words in this demo are scripted; the agents, their edits, tests and commits are real."


def run_demo(seconds: float | None) -> int:
    """With `seconds`, headless: prints the summary JSON of the contract. Without: the dashboard."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _leave)
    outer = os.environ.get("DECK_HOME")
    if outer:
        Path(outer).mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="deck-demo-", dir=outer or None))
    os.environ["DECK_HOME"] = str(home)
    click.echo(NOTICE, err=True)
    try:
        repo = set_up(home)
        if seconds is None:
            code = _dashboard(repo)
            click.echo(farewell(sys.argv[0]), err=True)
            return code
        output.data(_headless(seconds))
        return 0
    finally:
        clean_up(home)
        if outer:
            os.environ["DECK_HOME"] = outer
        else:
            del os.environ["DECK_HOME"]


def farewell(program: str) -> str:
    """What to do after the demo, with the command under which `program` is found from anywhere."""
    found = shutil.which("agentdeck")
    here = Path(program).resolve()
    command = "agentdeck" if found and Path(found).resolve() == here else str(here)
    return f"The demo ends its agents and deletes its files. For your own work: cd YOUR-REPOSITORY && {command}"


def _leave(signum: int, frame: object) -> None:
    raise SystemExit(128 + signum)


def set_up(home: Path) -> Path:
    """The sample repository, the scripted model in a hidden window, four agents and a research loop."""
    from agentdeck import paths
    from agentdeck.adapters import tmux
    from agentdeck.demo import sample, scenario

    tmux.version()
    repo = sample.make_sample(home / "wordkit")
    ready = home / "model.json"
    tmux.ensure_server(paths.tmux_socket(), paths.tmux_conf())
    tmux.spawn_hidden(paths.tmux_socket(), "model", scenario.server_argv(ready))
    url = _url(ready)
    environ = {**os.environ, **scenario.environment(url)}
    asyncio.run(_start([*scenario.agents(), _loop(home)], repo, environ))
    return repo


def _loop(home: Path) -> dict[str, Any]:
    """An AutoResearch loop on a task of its own; chance proposes, so that it needs no model."""
    from agentdeck.demo import laboratory
    from agentdeck.research import start

    place = start.begin("curve", laboratory.make_laboratory(home / "curve"))
    return {"name": "curve", "harness": "loop", "repo": str(home / "curve"), "here": True, "args": [str(place.root)]}


def _url(ready: Path) -> str:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            return str(json.loads(ready.read_text())["url"])
        except (OSError, ValueError, KeyError):
            time.sleep(0.03)
    raise AgentDeckError(
        "the demo's scripted model did not start", "Run it by hand: python -m agentdeck.demo.server --scenario demo"
    )


async def _start(agents: list[dict[str, Any]], repo: Path, environ: dict[str, str]) -> None:
    from agentdeck.services import requests
    from agentdeck.services.lives import summon
    from agentdeck.services.lives.environment import save_environment

    await summon.ensure_engine()
    await asyncio.gather(
        *(
            requests.ask("new", timeout=60, env_file=str(save_environment(environ)), **{"repo": str(repo), **agent})
            for agent in agents
        )
    )


def _dashboard(repo: Path) -> int:
    from agentdeck.ui.app import run_dashboard

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise AgentDeckError("the demo's dashboard needs a terminal", "Run it in one, or with --headless SECONDS.")
    return run_dashboard("default", repo)


def _headless(seconds: float) -> dict[str, Any]:
    from agentdeck.services import fleet
    from agentdeck.services.queue import queue
    from agentdeck.services.usage import usage_report

    started = time.monotonic()
    time.sleep(seconds)

    def summary(conn: Any) -> dict[str, Any]:
        found = fleet.load(conn)
        failed = [r.agent.name for r in found.rows if r.status.state in ("exited", "failed", "unknown", "hung")]
        return {
            "seconds": round(time.monotonic() - started, 3),
            "agents": [fleet.as_json(row) for row in found.rows],
            "tasks": [queue.as_json(conn, task) for task in queue.tasks(conn)],
            "usage": usage_report.report(conn),
            "errors": [f"{name} is not well" for name in failed]
            + ([] if found.engine.alive else ["the engine is not alive"]),
        }

    return dict(output.query(summary))


def clean_up(home: Path) -> None:
    from agentdeck import paths
    from agentdeck.adapters import tmux
    from agentdeck.services.lives import shutdown

    try:
        asyncio.run(shutdown.halt(paths.tmux_socket()))
    except AgentDeckError as error:
        click.echo(f"agentdeck: {error.title}", err=True)
    tmux.kill_server(paths.tmux_socket())
    shutil.rmtree(paths.runtime_dir(), ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
