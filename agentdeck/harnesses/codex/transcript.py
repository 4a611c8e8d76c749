"""Reads usage out of Codex's rollouts. The format is internal to the client: nothing here may crash on it.

What was observed with 0.169.0 and, where said, told of older versions:
- A `token_usage_record` is one response: thread, turn and response id, and what this response used. It comes before
  the `token_count` event that repeats it, and is also there for a compaction, which no event tells.
- Older versions wrote only `token_count` events, some twice: what counts is by how much the thread's total grew.
- `input_tokens` includes what was read from and written to the cache, `output_tokens` the reasoning.
- The model stands in the `turn_context` of the same turn, above the usage.
- A fork or subagent starts from its parent's total: totals are never anybody's spending. Versions around 0.144 also
  copied the parent's whole history into it, under the time of the fork.
"""

from __future__ import annotations

import os

from agentdeck.harnesses.codex import parents
from agentdeck.harnesses.codex.kin import kin
from agentdeck.harnesses.codex.rows import amounts, limits, tokens_of, told_rows
from agentdeck.harnesses.codex.state import State
from agentdeck.harnesses.jsonl import Row, count, mapping, moment, text
from agentdeck.models.usage import ClientTotal, Found, Limit, Tokens, UsageRecord

__all__ = ["PARSER", "kin", "read"]

PARSER = 2
HARNESS = "codex"
TIERS = {"fast", "priority", "flex", "batch"}


def read(chunk: bytes, path: str, state: str) -> Found:
    """What whole lines of the rollout `path` tell; `state` as in Reader."""
    reading = _Reading(path, State.parse(state))
    rows, damaged = told_rows(chunk)
    for row in rows:
        reading.take(row)
    total = reading.total()
    kept = list(reading.limits.values())
    window = reading.state.window
    return Found(reading.records, damaged, reading.state.dump(), [total] if total else [], kept, window)


class _Reading:
    """One piece of a rollout on its way through the rows that matter."""

    def __init__(self, path: str, state: State) -> None:
        self.path = path
        self.state = state
        self.records: list[UsageRecord] = []
        self.limits: dict[str, Limit] = {}
        self._told = 0  # the time of the last record
        if not state.thread:
            state.thread = state.session = _thread(path)

    def take(self, row: Row) -> None:
        payload = mapping(row.get("payload"))
        kind = row.get("type")
        if kind == "event_msg" or kind in ("token_count", "thread_settings_applied"):
            payload = payload or row
            kind = payload.get("type")
        if kind == "session_meta":
            self._meta(payload, moment(payload.get("timestamp")) or moment(row.get("timestamp")))
        elif kind == "turn_context":
            self.state.turn(text(payload.get("turn_id")), text(payload.get("model")), text(payload.get("cwd")))
        elif kind == "thread_settings_applied":
            self.state.tier = text(mapping(payload.get("thread_settings")).get("service_tier"))
        elif kind == "token_usage_record":
            self._record(row, payload)
        elif kind == "token_count":
            self._event(row, payload)

    def _meta(self, told: Row, at: int) -> None:
        """The first row is the thread's own; a copied history brings its parent's along."""
        if self.state.known:
            return
        self.state.known = True
        self.state.thread = text(told.get("id")) or self.state.thread
        self.state.session = text(told.get("session_id")) or self.state.thread
        self.state.cwd = text(told.get("cwd"))
        self.state.born = at
        spawned = mapping(mapping(mapping(told.get("source")).get("subagent")).get("thread_spawn"))
        self.state.parent = text(told.get("forked_from_id")) or text(spawned.get("parent_thread_id"))
        if spawned and self.state.session == self.state.thread:
            self.state.session, self.state.side = self.state.parent, True

    def _record(self, row: Row, told: Row) -> None:
        state = self.state
        used, whole = mapping(told.get("usage")), mapping(told.get("thread_token_usage"))
        thread = text(told.get("thread_id")) or state.thread
        tokens, total = tokens_of(used), count(whole.get("total_tokens"))
        response = text(told.get("response_id")) or f"{text(told.get('turn_id'))}.{count(row.get('ordinal'))}"
        at = moment(row.get("timestamp"))
        if state.parent and at <= state.settled and (response, tokens) in parents.responses(self.path, state.parent):
            return  # a copied history
        if not total and tuple(state.count_used) == amounts(used):
            total = state.count_total  # the event that repeats it came first
        state.records = True
        if whole and not state.base_known:
            state.base, state.base_known = tokens_of(whole) - tokens, True
        if whole:
            state.last, self._told = tokens_of(whole), at
        model = state.model_of(text(told.get("turn_id")))
        session = text(told.get("session_id")) or (state.session if thread == state.thread else thread)
        self._add(f"{thread}#{total or ''}", response, session, thread, at, model, tokens)

    def _event(self, row: Row, told: Row) -> None:
        at = moment(row.get("timestamp"))
        for limit in limits(mapping(told.get("rate_limits")), at):
            self.limits[limit.window] = limit
        info = mapping(told.get("info"))
        self.state.window = count(info.get("model_context_window")) or self.state.window
        total, last = mapping(info.get("total_token_usage")), mapping(info.get("last_token_usage"))
        if not info or self.state.records:
            return
        spent = self.state.grown(total, last, at, lambda: parents.events(self.path, self.state.parent))
        if spent is None:
            return
        mark = self.state.count_total if not self.state.resets else f"{self.state.resets}.{self.state.count_total}"
        model = text(info.get("model")) or text(told.get("model")) or self.state.model
        self._add(f"{self.state.thread}#{mark}", "", self.state.session, self.state.thread, at, model, spent)

    def _add(self, name: str, response: str, session: str, thread: str, at: int, model: str, used: Tokens) -> None:
        if not used.total:
            return
        side = thread if thread != session or self.state.side else ""
        self.records.append(
            UsageRecord(
                key=f"{HARNESS}:{name}/{response}",
                message=f"{HARNESS}:{name}",
                harness=HARNESS,
                session=session,
                ts=at,
                model=model,
                tokens=used,
                sidechain=side,
                cwd=self.state.cwd,
                context_tokens=0 if side else used.total - used.output,
                variant=self.state.tier if self.state.tier in TIERS else "",
            )
        )

    def total(self) -> ClientTotal | None:
        """What the client says that this thread has used itself."""
        if not self._told:
            return None
        own = Tokens(*self.state.last) - Tokens(*self.state.base)
        source = f"thread {self.state.thread}"
        return ClientTotal(HARNESS, self.state.session, "", self._told, own, source=source)


def _thread(path: str) -> str:
    """The thread's id: what stands behind the time in the file's name."""
    name = os.path.basename(path).partition(".")[0]
    return name[-36:] if name.startswith("rollout-") else name
