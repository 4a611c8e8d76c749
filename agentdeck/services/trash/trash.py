"""Removed agents: into the trash, back out of it, and what becomes of what nobody wants back.

Every move is written down before it begins and after it has ended. What a crash leaves between
is settled by looking where the tree is: there are no two places for it, since a move is one rename.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from agentdeck.adapters.database.store import EpochLost, Writer
from agentdeck.config import Trash as Limits
from agentdeck.errors import AgentDeckError, TryAgain
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.trash import TrashEntry
from agentdeck.services.trash import trash_purge as purge
from agentdeck.services.trash import trash_rows
from agentdeck.services.trash import trash_trees as trees
from agentdeck.services.trees import loss_report
from agentdeck.services.trees.loss_report import Report

log = logging.getLogger("agentdeck.trash")
T = TypeVar("T")
DAY_MS = 86_400_000
YOUNG_MS = 3_600_000  # for so long nothing is thrown away, however full the trash is


@dataclass(frozen=True, slots=True)
class Returned:
    """`notes` say what is not as it was: a branch name somebody else has by now."""

    agent: str
    name: str
    worktree: str
    branch: str
    notes: tuple[str, ...] = ()


class Trash:
    """`checkpoint` is told the name of each step before it begins (for tests that end the world there)."""

    def __init__(self, writer: Writer, checkpoint: Callable[[str], None] = lambda step: None) -> None:
        self.writer = writer
        self.checkpoint = checkpoint
        self._locks: dict[str, asyncio.Lock] = {}
        self._deleting: set[str] = set()

    async def _do(self, step: Callable[..., T], *args: object) -> T:
        self.checkpoint(step.__name__)
        return await asyncio.to_thread(step, *args)

    async def _write(self, change: Callable[..., T], *args: object) -> T:
        self.checkpoint(change.__name__)
        return await self.writer.run(lambda conn: change(conn, *args))

    def _lock(self, repo: str) -> asyncio.Lock:
        """One at a time in a repository: its refs have one lock, and a look must be fresh when the tree moves."""
        return self._locks.setdefault(os.path.realpath(repo), asyncio.Lock())

    # -- in

    async def take(self, agent: Agent, shown: str = "") -> TrashEntry:
        """Look once more, then move a stopped agent with its tree into the trash.

        `shown` is the digest of the report that a human saw: a tree that holds anything else by
        now is refused with the new report.
        """
        async with self._lock(agent.repo):
            report = await asyncio.to_thread(loss_report.look, agent, os.getpid())
            if report.refusal:
                raise AgentDeckError(f"'{agent.name}' is kept: {report.refusal}", report.hint)
            if shown and shown != report.digest:
                raise TryAgain(f"'{agent.name}' holds other things than were shown", "\n".join(report.lines()))
            return await self.put(report)

    async def put(self, report: Report) -> TrashEntry:
        """Move what was just looked at; after an error everything is as it was."""
        entry = _planned(report)
        await self._write(trash_rows.begin, entry)
        try:
            entry = await self._set_aside(entry, report)
            return await self._write(trash_rows.removed, entry)
        except EpochLost:
            raise
        except Exception:
            await self.settle(entry)
            raise

    async def _set_aside(self, entry: TrashEntry, report: Report) -> TrashEntry:
        if not entry.place and not (report.missing and os.path.isdir(entry.repo)):
            return entry
        entry = replace(entry, snapshot=await self._do(trees.save, entry, report))
        await self._do(trees.detach if entry.place else trees.forget_missing, entry)
        await self._do(trees.release, entry)
        if entry.place:
            await self._do(trees.move_in, entry)
        return entry

    # -- back

    async def back(self, wanted: str, name: str = "") -> Returned:
        """Bring an agent back with its tree, byte for byte; under another `name` when its own is taken."""
        entry = await self.writer.run(lambda conn: trash_rows.find(conn, wanted))
        async with self._lock(entry.repo):
            entry = await self.writer.run(lambda conn: trash_rows.find(conn, entry.id))
            await self.writer.run(lambda conn: trash_rows.check_name(conn, entry, name))
            where = await asyncio.to_thread(trees.target, entry, name)
            entry = await self._write(trash_rows.take_back, entry, name, where)
            try:
                if entry.place:
                    await self._do(trees.move_out, entry)
                return await self._arrive(entry)
            except EpochLost:
                raise
            except Exception:
                await self.settle(entry)
                raise

    async def _arrive(self, entry: TrashEntry) -> Returned:
        """What is left to do once the tree is where it was."""
        agent = await self.writer.run(lambda conn: trash_rows.agent_of(conn, entry))
        branch, taken = agent.branch, list[str]()
        if entry.origin and os.path.isdir(entry.repo):
            taken = await self._do(trees.restore, entry)
            if entry.place:
                branch = await self._do(trees.attach, entry, agent.name)
            await self._do(trees.forget_refs, entry, agent.name)
        origin = await self._write(trash_rows.returned, entry, branch or agent.branch)
        return Returned(agent.id, agent.name, agent.worktree, branch, _notes(entry, branch, taken, origin))

    # -- after a crash

    async def recover(self) -> list[TrashEntry]:
        """Settle everything that is half-way; returns what was. What cannot be settled now waits for the next time."""
        found = await self.writer.run(trash_rows.unsettled)
        for entry in found:
            try:
                await self.settle(entry)
            except EpochLost:
                raise
            except (AgentDeckError, OSError) as error:
                log.warning("trash %s of %s is still %s: %s", entry.id, entry.name, entry.state, error)
        return found

    async def settle(self, entry: TrashEntry) -> None:
        """Bring one entry to an end: in the trash or where it was, by where its tree is. (A sweep ends an emptying.)"""
        if entry.state == "restoring":
            entry = await self.writer.run(lambda conn: trash_rows.bound_for(conn, entry))
        at = await asyncio.to_thread(trees.where, entry)
        if entry.state == "restoring" and at == "trash":
            await self._do(trees.mend, entry)
            await self._write(trash_rows.stayed_in, entry)
        elif entry.state == "restoring":
            await self._do(trees.mend, entry)
            await self._arrive(entry)
        elif at == "trash":
            await self._do(trees.mend, entry)
            snapshot = await asyncio.to_thread(trees.snapshot_of, entry)
            await self._write(trash_rows.removed, replace(entry, snapshot=snapshot))
        elif entry.state == "moving":
            await self._do(trees.stay_out, entry)
            await self._write(trash_rows.stayed_out, entry)

    # -- out

    async def empty(self, wanted: Sequence[str]) -> list[TrashEntry]:
        """Delete trees in the trash (entry ids); their commits stay held until their time is over."""
        return [await self._empty(key) for key in wanted]

    async def _empty(self, key: str) -> TrashEntry:
        entry = await self.writer.run(lambda conn: trash_rows.to_empty(conn, key))
        async with self._lock(entry.repo):
            entry = await self.writer.run(lambda conn: trash_rows.to_empty(conn, entry.id))
            await asyncio.to_thread(purge.check, entry)
            entry = await self._write(trash_rows.set_state, entry, "emptying")
        await self._delete(entry)
        return entry

    async def _delete(self, entry: TrashEntry) -> None:
        """Outside the lock: a large tree may take minutes, and nobody else wants anything of it any more."""
        if entry.id in self._deleting:
            raise TryAgain(f"the files of '{entry.name}' are being deleted", "Nothing needs doing.")
        self._deleting.add(entry.id)
        stop = threading.Event()
        try:
            if entry.place:
                await self._do(purge.destroy, entry, stop)
            await self._write(trash_rows.emptied, entry)
        finally:
            stop.set()
            self._deleting.discard(entry.id)

    async def drop(self, entry: TrashEntry) -> None:
        """Let go of the commits of an emptied entry, too."""
        lost = await self._do(purge.drop_refs, entry)
        await self._write(trash_rows.dropped, entry, lost)

    async def sweep(self, limits: Limits, now: int = 0) -> None:
        """Carry out the retention, oldest first. What cannot go now (a process is in it) goes another time."""
        now = now or now_ms()
        held = await self.writer.run(trash_rows.held)
        for entry in [*(one for one in held if one.state == "emptying"), *overdue(held, limits, now)]:
            try:
                await self._empty(entry.id)
            except EpochLost:
                raise
            except (AgentDeckError, OSError) as error:
                log.warning("%s stays in the trash: %s", entry.place, error)
        for entry in await self.writer.run(trash_rows.held):
            if entry.state == "emptied" and now - entry.removed >= max(YOUNG_MS, limits.days * DAY_MS):
                await self.drop(entry)


def overdue(held: Sequence[TrashEntry], limits: Limits, now: int) -> list[TrashEntry]:
    """Which trees have to go, oldest first: too old, or the oldest of too much."""
    there = sorted((one for one in held if one.state == "trashed"), key=lambda one: one.removed)
    size, chosen = sum(one.size for one in there), list[TrashEntry]()
    for entry in there:
        age = now - entry.removed
        if age >= YOUNG_MS and (age >= limits.days * DAY_MS or (entry.size and size > limits.max_gb * 1e9)):
            chosen.append(entry)
            size -= entry.size
    return chosen


def _planned(report: Report) -> TrashEntry:
    agent, key = report.agent, secrets.token_hex(4)
    moves = bool(report.place) and not report.stays
    return TrashEntry(
        id=key, agent=agent.id, name=agent.name, repo=agent.repo, origin="" if agent.here else agent.worktree,
        place=str(trees.place(agent.name, key)) if moves else "", branch=report.head.branch, head=report.head.oid,
        holds=report.summary(), size=report.size if moves else 0, removed=now_ms(), since=now_ms(),
    )  # fmt: skip


def _notes(entry: TrashEntry, branch: str, taken: Sequence[str], origin: str) -> tuple[str, ...]:
    notes = [f"branch {name} belongs to somebody else by now" for name in taken]
    if entry.place and entry.branch and branch != entry.branch:
        notes.append(f"it goes on on {branch}" if branch else f"it stands on {entry.head[:10]}, on no branch")
    if entry.place and entry.origin != origin:
        notes.append(f"{origin} is taken, so its tree is in a new place: its client may not find the conversation")
    return tuple(notes)
