"""A pool of worktrees that are set up before anybody works in them, so that an agent the queue starts need not wait.

Each is made as any agent's is, under the name of the agent that will have it, and the repository's approved set-up
command is run in it. Its row says so before it is made: what a crash leaves half-made is taken back.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters import git, processes, shell_run
from agentdeck.adapters.database.store import Writer
from agentdeck.errors import AgentDeckError
from agentdeck.services import rows
from agentdeck.services.lives import lives
from agentdeck.services.trees import disk, worktrees
from agentdeck.services.trees.worktrees import Created

log = logging.getLogger("agentdeck.warm")
SETUP_SECONDS = 1800.0
MARK = "DECK_WARM"  # in the environment of a set-up command that runs ahead of its agent
AGAIN_SECONDS = 60.0  # after one could not be made


@dataclass(frozen=True, slots=True)
class Warm:
    """`digest` is that of the set-up command that was run in it, '' for none; `state` is making or ready."""

    name: str
    repo: str
    worktree: str
    branch: str
    base_oid: str
    digest: str
    state: str

    @property
    def made(self) -> Created:
        return Created(self.repo, self.worktree, self.branch, self.base_oid)


def pool(conn: sqlite3.Connection, repo: str = "") -> list[Warm]:
    """What there is, of one repository or all."""
    found = conn.execute("SELECT * FROM warm_trees WHERE repo = ? OR ? = '' ORDER BY name", (repo, repo))
    return [Warm(**dict(row)) for row in found]


def names(repo: str) -> set[str]:
    """The names under which trees of this repository lie, whosever they are. Blocks."""
    try:
        return {path.name for path in worktrees.place(git.find(repo), "x").parent.iterdir()}
    except (OSError, AgentDeckError):
        return set()


def take(writer: Writer, name: str, repo: str, base: str) -> Warm | None:
    """The ready tree of this name, brought to `base` (or the HEAD of the repository); it is the agent's from here on.

    None when there is none, or none that is as it was made. Blocks.
    """
    found = next((one for one in writer.run_sync(lambda conn: pool(conn, repo)) if one.name == name), None)
    if found is None or found.state != "ready":
        return None
    writer.run_sync(lambda conn: conn.execute("DELETE FROM warm_trees WHERE name = ?", (name,)))
    tree = Path(found.worktree)
    try:
        worktrees.linked(tree, Path(repo))
        if git.head(tree) == git.Head(found.base_oid, found.branch):
            oid = git.resolve(Path(repo), base or "HEAD")
            if oid != found.base_oid:
                git.run(tree, "reset", "--quiet", "--keep", oid)  # what is installed in it stays
            return Warm(name, repo, found.worktree, found.branch, oid, found.digest, "taken")
    except AgentDeckError as error:
        log.warning("the prepared tree %s is not used: %s", tree, error.title)
    worktrees.unmake(repo, found.made)
    return None


class WarmPool:
    """Makes one tree after the other, beside everything else."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self._work: asyncio.Task[None] | None = None
        self._not_before = 0.0

    async def recover(self) -> None:
        """After a crash: end set-up commands that go on for nobody, and take back what is half-made."""
        half = [one for one in await self.writer.run(pool) if one.state == "making"]
        if half:
            await asyncio.to_thread(_end_setups, {one.name for one in half})
        for one in half:
            await self._unmake(one)

    async def look(self, repo: str, name: str, count: int, environ: Mapping[str, str]) -> None:
        """Have `count` trees of this repository; the next one is called `name`."""
        if self._work is not None and not self._work.done():
            return
        found = await self.writer.run(pool)
        mine = [one for one in found if one.repo == repo]
        surplus = [*(one for one in found if one.repo != repo), *mine[count:]]
        if surplus:
            self._work = asyncio.create_task(self._unmake(surplus[-1]))
        elif len(mine) < count and asyncio.get_running_loop().time() >= self._not_before:
            self._work = asyncio.create_task(self._make(repo, name, environ))

    async def settle(self) -> None:
        """An orderly end: what is being made is given up."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _make(self, repo: str, name: str, environ: Mapping[str, str]) -> None:
        tree = Warm(name, repo, "", "", "", "", "making")
        try:
            setup = await asyncio.to_thread(worktrees.setup_command, repo)
            if setup is not None and not await self.writer.run(lambda conn: lives.approved(conn, setup.digest)):
                raise AgentDeckError("nobody has approved its set-up command")
            await asyncio.to_thread(disk.require_room, repo)
            place = str(worktrees.place(await asyncio.to_thread(git.find, repo), name))
            tree = Warm(name, repo, place, worktrees.branch_name(name, 1), "", setup.digest if setup else "", "making")
            await self._put(tree)
            made = await asyncio.to_thread(worktrees.create, repo, name)
            tree = Warm(name, repo, made.worktree, made.branch, made.base_oid, tree.digest, "making")
            await self._put(tree)
            if setup is not None:
                env = {**environ, MARK: name}
                said = await shell_run.run(setup.text, Path(made.worktree), env, SETUP_SECONDS)
                if said:
                    raise AgentDeckError(f"its set-up command failed: {said}")
            await self._put(Warm(name, repo, made.worktree, made.branch, made.base_oid, tree.digest, "ready"))
        except (AgentDeckError, asyncio.CancelledError) as error:
            self._not_before = asyncio.get_running_loop().time() + AGAIN_SECONDS
            if isinstance(error, asyncio.CancelledError):
                raise  # the next engine takes it back
            log.warning("no worktree is prepared in %s: %s", repo, error.title)
            await self._unmake(tree)

    async def _put(self, tree: Warm) -> None:
        columns = {name: getattr(tree, name) for name in Warm.__slots__}
        await self.writer.run(lambda conn: rows.insert(conn, "warm_trees", columns, verb="INSERT OR REPLACE"))

    async def _unmake(self, tree: Warm) -> None:
        """Take a tree back in which nobody has worked; one with somebody's work in it stays, and can be adopted."""
        try:
            made = await asyncio.to_thread(worktrees.made_before, tree.repo, tree.name)
            if made is not None:
                await asyncio.to_thread(worktrees.unmake, tree.repo, made)
        except AgentDeckError as error:
            log.warning("the prepared tree %s stays: %s", tree.worktree, error.title)
        await self.writer.run(lambda conn: conn.execute("DELETE FROM warm_trees WHERE name = ?", (tree.name,)))


def _end_setups(mine: set[str]) -> None:
    for pid, name in processes.marked(MARK).items():
        if name in mine:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
