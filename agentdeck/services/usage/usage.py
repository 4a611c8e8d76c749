"""Counts what the agents' transcripts gained since the last look.

Files are read in a thread, prices looked up in a thread, and each batch is one transaction of
the writer: rows, rollup, file positions and prices agree at every moment. A look at files that
did not change costs one stat each.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, field, fields, replace
from typing import Any, TypeVar

from agentdeck.adapters.database.store import Writer
from agentdeck.errors import UsageError
from agentdeck.harnesses.readers import reader
from agentdeck.models.usage import ClientTotal, Found, Limit, UsageRecord
from agentdeck.services.usage import usage_limits, usage_prices, usage_sources, usage_store, usage_totals
from agentdeck.services.usage.usage_files import FileState, Piece, new
from agentdeck.services.usage.usage_owner import Owners
from agentdeck.services.usage.usage_places import Places
from agentdeck.services.usage.usage_sources import Source, sources_for

__all__ = ["Ingest", "Source", "sources_for"]

T = TypeVar("T")
SETTLE = 2.0  # seconds after which a last line without its end counts when it is complete
BATCH = 1000  # records in one transaction: about a twentieth of a second, and 2 MB less at once than twice as many
_STATE = [one.name for one in fields(FileState)]


@dataclass(slots=True)
class _Batch:
    records: list[tuple[UsageRecord, str]] = field(default_factory=list)  # with the repository it was met in
    reached: dict[str, tuple[FileState, int, str]] = field(default_factory=dict)
    """By path: state, diagnostics that it does not count yet, what the reader must know"""
    waiting: set[str] = field(default_factory=set)
    sessions: set[tuple[str, str]] = field(default_factory=set)
    contexts: dict[str, UsageRecord] = field(default_factory=dict)  # agent -> its latest main-chain response
    windows: dict[str, int] = field(default_factory=dict)  # agent -> what its context holds, where its client says so
    totals: list[ClientTotal] = field(default_factory=list)
    limits: list[tuple[str, Limit]] = field(default_factory=list)  # with the agent that was told

    def add(self, source: Source, piece: Piece, told: Found, diagnostics: int, places: Places) -> None:
        path = piece.state.path
        self.reached[path] = piece.state, diagnostics, told.state
        self.sessions.add((source.session, source.agent))
        if piece.waits:
            self.waiting.add(path)
        self.totals += told.totals
        self.limits += [(source.agent, limit) for limit in told.limits]
        cwd, repo = "", source.repo or places.of_row(path, "")
        for found in told.records:
            record = found
            if not found.ts or found.harness != source.harness:
                record = found._replace(harness=source.harness, ts=found.ts or piece.state.mtime_ns // 1_000_000)
            if record.cwd != cwd and not source.repo:
                cwd, repo = record.cwd, places.of_row(path, record.cwd)
            self.records.append((record, repo))
            if source.agent and record.context_tokens:
                latest = self.contexts.get(source.agent)
                if latest is None or latest.ts <= record.ts:
                    self.contexts[source.agent], self.windows[source.agent] = record, told.context_window

    def states(self) -> dict[str, FileState]:
        """How far each file is known once this is stored."""
        return {
            path: replace(state, diagnostics=state.diagnostics + diagnostics, told=told)
            for path, (state, diagnostics, told) in self.reached.items()
        }


class Ingest:
    """Reads new usage into the database. `prices`: the human's own, dollars per million tokens by model and class."""

    def __init__(self, writer: Writer, prices: Mapping[str, Mapping[str, float]] | None = None) -> None:
        self._writer = writer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="usage")
        self._prices = usage_prices.Prices(writer, prices or {}, self._thread)
        self._states: dict[str, FileState] = {}
        self._waiting: set[str] = set()
        self._loaded = False
        self._places = Places()
        self._seen: usage_store.Seen | None = None
        self._one_at_a_time = asyncio.Lock()
        self.unreadable: dict[str, str] = {}  # path (or reader) -> why
        self.progress: Callable[[int], None] = lambda read: None  # is told how many bytes were read, in a thread

    @property
    def quotes(self) -> usage_store.Quotes:
        """The prices looked up so far."""
        return self._prices.known

    async def scan(self, sources: Sequence[Source], settle: float = SETTLE) -> set[str]:
        """Count what is new in the files of `sources`. Returns the ids of the agents whose numbers changed.

        `settle` 0 counts a complete last line at once, for files that nobody is writing any more.
        """
        async with self._one_at_a_time:
            try:
                return await self._scan(sources, settle)
            finally:
                await self._aside(self._prices.done)

    async def _scan(self, sources: Sequence[Source], settle: float) -> set[str]:
        changed = set() if self._loaded else await self._load()
        found = await self._aside(self._changed, sources, settle)
        batches = self._batches(found, settle)
        while (batch := await self._aside(next, batches, None)) is not None:
            await self._prices.need(usage_store.price_keys(batch.records))
            states = batch.states()
            changed |= await self._writer.run(lambda conn, batch=batch, states=states: self._store(conn, batch, states))
            self._prices.unsaved.clear()
            self._waiting = self._waiting - states.keys() | batch.waiting
            self._states.update(states)
        return changed

    async def _aside(self, work: Callable[..., T], *given: Any) -> T:
        """Run `work` in this ingest's own thread: several would each keep memory of their own."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)

    async def _load(self) -> set[str]:
        def stored(conn: sqlite3.Connection) -> list[FileState]:
            names = ", ".join(_STATE)
            return [FileState(*row) for row in conn.execute(f"SELECT {names} FROM file_states")]

        self._states = {state.path: state for state in await self._writer.run(stored)}
        self._waiting = {path for path, state in self._states.items() if state.offset < state.size}
        changed = await self._prices.load()
        self._loaded = True
        return changed

    def _changed(self, sources: Sequence[Source], settle: float) -> list[tuple[Source, str]]:
        """The files to read, each once however many names it has."""
        found: dict[tuple[int, int, str], tuple[Source, str]] = {}
        for source in sources:
            try:
                read = reader(source.reader)
            except UsageError as error:  # a harness file of the human's own: its agents are not counted, the others are
                self.unreadable[source.reader] = error.title
                continue
            for path in usage_sources.files(source):
                try:
                    seen = read.seen(path)
                except OSError:
                    continue  # not there yet, or no longer
                state = self._states.get(path)
                due = path in self._waiting and (settle == 0 or seen.mtime_ns / 1e9 + settle <= time.time())
                if state is None or due or not state.same(seen) or state.parser != read.version:
                    found.setdefault((seen.device, seen.inode, path if read.store_of(path) else ""), (source, path))
        return list(found.values())

    def _batches(self, changed: Sequence[tuple[Source, str]], settle: float) -> Iterator[_Batch]:
        batch = _Batch()
        for source, path in changed:
            read, strange, told = reader(source.reader), 0, None
            try:
                for piece in new(read, self._states.get(path, FileState(path)), settle):
                    found = read.read(piece.lines, path, piece.state.told if told is None else told)
                    told, strange = found.state, strange + found.damaged
                    batch.add(source, piece, found, strange, self._places)
                    self.progress(len(piece.lines))
                    if len(batch.records) >= BATCH:
                        yield batch
                        batch = _Batch()
                self.unreadable.pop(path, None)
            except OSError as error:
                self.unreadable[path] = error.strerror or str(error)
        if batch.reached:
            yield batch

    def _store(self, conn: sqlite3.Connection, batch: _Batch, states: Mapping[str, FileState]) -> set[str]:
        owners = Owners(conn)
        owners.add(batch.sessions)
        usage_prices.keep(conn, self._prices.unsaved)
        if self._seen is None:
            self._seen = usage_store.Seen(conn)
        changed = usage_store.store(conn, batch.records, owners, self._prices.known, self._seen)
        usage_totals.keep(conn, batch.totals)
        told = usage_totals.concerned(conn, {record.session for record, _ in batch.records} | _sessions(batch.totals))
        usage_totals.reconcile(conn, told, owners, self._prices.known)
        usage_limits.keep(conn, batch.limits)
        for agent, record in batch.contexts.items():
            window = batch.windows[agent] or self._prices.window(record.model)
            changed |= _store_context(conn, agent, record, window)
        marks = ", ".join("?" * len(_STATE))
        conn.executemany(
            f"INSERT OR REPLACE INTO file_states ({', '.join(_STATE)}) VALUES ({marks})",
            [astuple(state) for state in states.values()],
        )
        return changed


def _sessions(totals: Sequence[ClientTotal]) -> set[str]:
    return {one.session for one in totals}


def _store_context(conn: sqlite3.Connection, agent: str, record: UsageRecord, window: int | None) -> set[str]:
    done = conn.execute(
        "INSERT INTO context (agent, used_tokens, window_tokens, at) VALUES (?, ?, ?, ?) ON CONFLICT (agent) DO UPDATE "
        "SET used_tokens = excluded.used_tokens, window_tokens = excluded.window_tokens, at = excluded.at "
        "WHERE excluded.at >= context.at",
        (agent, record.context_tokens, window, record.ts),
    )
    return {agent} if done.rowcount else set()
