"""Makes, stops, resumes and removes agents. Whatever fails half-way is undone before the error leaves here."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import signal
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters import processes, tmux
from agentdeck.adapters.database.store import Writer
from agentdeck.errors import AgentDeckError, TryAgain, UsageError
from agentdeck.harnesses import loader
from agentdeck.harnesses.schema import Harness
from agentdeck.models.agent import NAME, NAME_RULE, Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.trash import TrashEntry
from agentdeck.services import rows
from agentdeck.services.lives import launch, lives
from agentdeck.services.lives.lives import Order
from agentdeck.services.reading import conversations
from agentdeck.services.tools import companions
from agentdeck.services.trash.trash import Trash
from agentdeck.services.trees import disk, trees, warm, worktrees

WATCH_BIRTH_SECONDS = 0.8  # a client that ends within this time was never started
TERM_SECONDS = 3.0
SETUP = re.compile(r"ask|skip|approve(:[0-9a-f]{8,64})?")
DIGEST = 16  # hexadecimal digits by which a human's approval names the text that was read
EXIT_PAUSE_SECONDS = 0.15


class Supervisor:
    """The one maker of agents in this process; `writer` is the engine's."""

    def __init__(self, writer: Writer, socket: Path) -> None:
        self.writer = writer
        self.socket = socket
        self.trash = Trash(writer)

    # -- new

    async def new(self, order: Order, environ: Mapping[str, str]) -> Agent:
        """Make an agent and return once its process runs in its pane."""
        harness, repo, base = await asyncio.to_thread(check, order, environ)
        order = replace(order, base=base)
        setup, digest = await self._setup(order)
        agent = await self.writer.run(lambda conn: lives.reserve(conn, order, harness, repo, environ))
        made: worktrees.Created | None = None
        try:
            if order.here:
                agent = await asyncio.to_thread(_in_place, harness, agent, order)
            else:
                ready = await asyncio.to_thread(warm.take, self.writer, agent.name, repo, order.base)
                setup = "" if ready is not None and ready.digest == digest else setup
                made = (
                    ready.made
                    if ready is not None
                    else await asyncio.to_thread(worktrees.create, Path(order.repo), agent.name, 1, order.base)
                )
                agent = replace(agent, worktree=made.worktree, branch=made.branch, base_oid=made.base_oid)
            agent = await self._start(harness, agent, environ, resume=bool(order.session), setup=setup)
        except AgentDeckError as error:
            if await self._unmake(agent, made):
                raise
            kept = f"Work was found in its worktree, which is kept: {agent.worktree}."
            raise AgentDeckError(error.title, f"{error.hint} {kept}".strip(), error.exit_code) from error
        except BaseException:
            await self._unmake(agent, made)
            raise
        await self.writer.run(lambda conn: lives.born(conn, agent, order.prompt, harness, order.limits))
        return agent

    async def _setup(self, order: Order) -> tuple[str, str]:
        """The repository's set-up command and its digest, once a human has approved this very text."""
        if order.here or order.setup == "skip":
            return "", ""
        found = await asyncio.to_thread(worktrees.setup_command, Path(order.repo), order.base)
        if found is None:
            return "", ""
        word, _, seen = order.setup.partition(":")
        if word == "approve" and found.digest.startswith(seen):
            await self.writer.run(lambda conn: lives.approve(conn, found.digest, found.text))
            return found.text, found.digest
        if not await self.writer.run(lambda conn: lives.approved(conn, found.digest)):
            raise UsageError(
                f"this repository wants to run `{found.text}` in each new worktree, and nobody has approved that",
                f"Read it, then use --setup approve:{found.digest[:DIGEST]} (or --setup skip to do without it).",
            )
        return found.text, found.digest

    async def _start(
        self, harness: Harness, agent: Agent, environ: Mapping[str, str], *, resume: bool, setup: str = ""
    ) -> Agent:
        argv = await asyncio.to_thread(launch.prepare, harness, agent, environ, resume=resume, setup=setup)
        pane, window, pid = await asyncio.to_thread(
            tmux.spawn_agent, self.socket, deck_id=agent.id, directory=Path(agent.worktree), argv=argv,
            cols=agent.cols, rows=agent.rows,
        )  # fmt: skip
        found = await asyncio.to_thread(processes.identify, pid)
        agent = replace(agent, life="live", pane=pane, window=window, pid=pid, pid_start=found.start if found else 0.0)
        if not setup:
            await self._watch_birth(harness, agent)
        return agent

    async def _watch_birth(self, harness: Harness, agent: Agent) -> None:
        deadline = asyncio.get_running_loop().time() + WATCH_BIRTH_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            pane = (await asyncio.to_thread(tmux.panes_now, self.socket)).get(agent.pane)
            if pane is None or pane.dead:
                break
            await asyncio.sleep(0.1)
        else:
            return
        if harness.own_command and pane is not None and pane.dead_status == 0 and not pane.dead_signal:
            return  # a short command that did its work
        screen = await asyncio.to_thread(self._last_words, agent)
        await asyncio.to_thread(tmux.kill_window, self.socket, agent.window)
        how = "vanished" if pane is None else f"ended at once ({_how(pane.dead_status, pane.dead_signal)})"
        words = f"Its last words: {screen}" if screen else "It printed nothing."
        raise AgentDeckError(f"{harness.title} {how}", f"{words} Start it by hand in {agent.repo} to see more.")

    def _last_words(self, agent: Agent) -> str:
        try:
            shown = tmux.capture_now(self.socket, agent.pane, ansi=False)
        except AgentDeckError:
            return ""
        return " / ".join(line.strip() for line in shown if line.strip())[-300:]

    async def undo_birth(self, agent: Agent) -> None:
        """After a crash in the midst of a birth: nothing of it has been shown to anybody, so it is taken back."""
        await asyncio.to_thread(_close_windows, self.socket, agent.id)
        await self._end_all(agent, [])
        made = None if agent.here else await asyncio.to_thread(worktrees.made_before, Path(agent.repo), agent.name, 1)
        await self._unmake(agent, made, young=False)

    async def _unmake(self, agent: Agent, made: worktrees.Created | None, *, young: bool = True) -> bool:
        """Undo a birth: window, worktree, branch, row. False when work was found in the tree: tree and branch stay."""
        if agent.window:
            await asyncio.to_thread(tmux.kill_window, self.socket, agent.window)
        await self._end_all(agent, [])  # a server that died in the midst of it has told of no window
        gone = made is None or await asyncio.to_thread(worktrees.unmake, Path(agent.repo), made, young=young)
        await asyncio.to_thread(_forget_files, agent.id)

        def forget(conn: sqlite3.Connection) -> None:
            conn.execute("DELETE FROM agents WHERE id = ? AND life = 'creating'", (agent.id,))
            if not gone:
                rows.event(conn, now_ms(), "agent", agent.id, action="kept", worktree=agent.worktree, name=agent.name)

        await self.writer.run(forget)
        return gone

    # -- stop, resume, remove

    async def stop(self, agent: Agent, client: tmux.ControlClient | None) -> None:
        """The ladder over the whole tree: with a `client` (it is at its composer) the own exit, TERM, KILL."""
        harness = loader.get(agent.harness)
        root = processes.Process(agent.pid, agent.pid_start)
        family = await asyncio.to_thread(processes.kin, root, launch.AGENT_ID, agent.id)
        if client is not None and harness.keys.exit_text and family:
            await self._say_exit(client, agent, harness.keys.exit_text)
            await self._until_gone(family, TERM_SECONDS)
        left = await self._end_all(agent, family)
        await asyncio.to_thread(_reap_private_servers, agent)
        if left:
            pids = ", ".join(str(p.pid) for p in left)
            raise AgentDeckError(
                f"processes of '{agent.name}' outlived KILL: {pids}", "Look at them by hand; the agent stays listed."
            )
        await self.writer.run(lambda conn: lives.ended(conn, agent.id))

    async def lingers(self, agent: Agent) -> bool:
        """Whether something of an agent that ended goes on: its screen is gone, and it did not care."""
        root = processes.Process(agent.pid, agent.pid_start)
        return bool(await asyncio.to_thread(processes.kin, root, launch.AGENT_ID, agent.id))

    async def _end_all(self, agent: Agent, family: Sequence[processes.Process]) -> list[processes.Process]:
        """TERM, then KILL, to `family` and whatever else is the agent's; returns what outlived both."""
        root = processes.Process(agent.pid, agent.pid_start)
        for signum in (signal.SIGTERM, signal.SIGKILL):
            grown = await asyncio.to_thread(processes.kin, root, launch.AGENT_ID, agent.id)
            family = list({p.pid: p for p in [*family, *grown]}.values())
            left = await asyncio.to_thread(processes.survivors, family)
            if not left:
                break
            await asyncio.to_thread(processes.send, left, signum)
            await self._until_gone(left, TERM_SECONDS)
        return await asyncio.to_thread(processes.survivors, family)

    async def _say_exit(self, client: tmux.ControlClient, agent: Agent, text: str) -> None:
        with contextlib.suppress(tmux.TmuxError):  # the next rung of the ladder needs no tmux
            await tmux.check_writable(client, agent.pane, agent.id)
            await tmux.send_bytes(client, agent.pane, text.encode())
            await asyncio.sleep(EXIT_PAUSE_SECONDS)
            await tmux.send_bytes(client, agent.pane, b"\r")

    async def _until_gone(self, family: Sequence[processes.Process], seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            if not await asyncio.to_thread(processes.survivors, family):
                return
            await asyncio.sleep(0.05)

    async def resume(self, agent: Agent, environ: Mapping[str, str]) -> tuple[Agent, int]:
        """Start a stopped agent again in its worktree and its own conversation; the agent, and when (UTC ms)."""
        root = processes.Process(agent.pid, agent.pid_start)
        if agent.pid and await asyncio.to_thread(processes.alive, root):
            raise TryAgain(f"'{agent.name}' is running", "Stop it first.")
        await asyncio.to_thread(disk.require_room, agent.worktree)
        await asyncio.to_thread(trees.require, agent)
        harness = loader.get(agent.harness)
        await asyncio.to_thread(_check_binary, harness, agent.argv, environ)
        moved = launch.config_home(harness, environ)
        agent = replace(agent, home=environ.get("HOME", agent.home), config_home=moved, ended=0, exit_code=None)
        others = await self.writer.run(lambda conn, key=agent: conversations.of_others(conn, key))
        agent = await asyncio.to_thread(conversations.found, harness, agent, others)
        known = await asyncio.to_thread(conversations.exists, harness, agent)
        began = now_ms()
        agent = await self._start(harness, agent, environ, resume=known)
        await asyncio.to_thread(_close_windows, self.socket, agent.id, agent.window)
        columns = rows.agent_columns(agent)
        columns.pop("id")
        await self.writer.run(lambda conn: lives.resumed(conn, agent, columns, began))
        return agent, began

    async def remove(self, agent: Agent, shown: str = "") -> TrashEntry:
        """Move a stopped agent with its tree into the trash; `shown` as in Trash.take."""
        terminals = await self.writer.run(lambda conn: companions.release(conn, agent))
        entry = await self.trash.take(agent, shown)
        await self._tidy(entry)
        for terminal in terminals:
            await self.close(terminal)
        return entry

    async def close(self, companion: Agent) -> None:
        """Take a companion that has ended off the deck. No file was its own, so nothing goes to the trash."""
        if companion.life != "stopped":
            raise AgentDeckError(f"'{companion.name}' is running", "Leave it (exit), or stop it first.")
        await asyncio.to_thread(_close_windows, self.socket, companion.id)
        await self.writer.run(lambda conn: lives.removed(conn, companion))
        await asyncio.to_thread(_forget_files, companion.id)

    async def _tidy(self, entry: TrashEntry) -> None:
        """What only a present agent needs: its dead windows, and files that a start writes anew."""
        await asyncio.to_thread(_close_windows, self.socket, entry.agent)
        await asyncio.to_thread(_forget_files, entry.agent)

    async def recover(self) -> None:
        """After a crash: bring removals and their undoing to an end."""
        for entry in await self.trash.recover():
            if entry.state == "moving" and not await self.writer.run(
                lambda conn, one=entry: lives.present(conn, one.agent)
            ):
                await self._tidy(entry)


def check(order: Order, environ: Mapping[str, str]) -> tuple[Harness, str, str]:
    """Everything that can be known to be wrong before anything is made. Blocks: run it in a thread.

    Returns the harness, the repository's root, and the base as it is kept.
    """
    if not NAME.match(order.name):
        raise UsageError(f"'{order.name}' cannot be an agent's name", f"A name is {NAME_RULE}.")
    if not SETUP.fullmatch(order.setup):
        raise UsageError(f"--setup takes no '{order.setup}'", "Use ask, skip, approve, or approve:DIGEST.")
    harness = loader.get(order.harness, strict=True)
    argv = order.args
    if harness.own_command and not argv:
        argv = (environ.get("SHELL") or "/bin/sh",)
    _check_binary(harness, argv, environ)
    root = worktrees.repository(Path(order.repo))
    base = worktrees.kept_base(Path(order.repo), order.base)
    disk.require_room(root)
    return harness, str(root), base


def _check_binary(harness: Harness, argv: Sequence[str], environ: Mapping[str, str]) -> None:
    binary = argv[0] if harness.own_command and argv else harness.binary
    if not binary or shutil.which(binary, path=environ.get("PATH", "/usr/bin:/bin")):
        return
    if harness.own_command:
        raise UsageError(
            f"the command '{binary}' is not on your PATH", "Give its full path, or a command that is installed."
        )
    raise UsageError(
        f"{harness.title} is not installed: '{binary}' is not on your PATH", f"Install it: {harness.install}"
    )


def _in_place(harness: Harness, agent: Agent, order: Order) -> Agent:
    where = worktrees.in_place(Path(order.repo))
    agent = replace(agent, worktree=where.worktree, branch=where.branch, base_oid=where.base_oid)
    if not order.session:
        return agent
    agent = replace(agent, worktree=order.repo)  # clients find a conversation by the directory it began in
    if not conversations.exists(harness, agent):
        raise AgentDeckError(
            "there is nothing to go on with: no record of that conversation is to be found",
            "A client records nothing before its first prompt. Start a new agent there: `agentdeck new --here`.",
        )
    return agent


def _forget_files(agent_id: str) -> None:
    """Scratch that can be made again; never a worktree, a transcript or the database."""
    for directory in (paths.agent_dir(agent_id), paths.spool_dir(agent_id), paths.runtime_dir() / agent_id):
        shutil.rmtree(directory, ignore_errors=True)


def _close_windows(socket: Path, agent_id: str, keep: str = "") -> None:
    """End an agent's windows, found by their mark: a server started anew gives a stored window id to somebody else."""
    with contextlib.suppress(tmux.TmuxError):
        for pane in tmux.survivors(socket):
            if pane.deck_id == agent_id and pane.window != keep:
                tmux.kill_window(socket, pane.window)


def _reap_private_servers(agent: Agent) -> None:
    """End the tmux servers that an agent started for itself behind its decoy."""
    for found in (paths.runtime_dir() / agent.id).rglob("*"):
        if found.is_socket():
            tmux.kill_server(found)


def _how(code: int | None, signum: int | None) -> str:
    return f"signal {signum}" if signum else f"exit code {code or 0}"
