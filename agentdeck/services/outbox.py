"""Hands texts to agents: at most once, never into a dialog or a draft, each with a receipt.

`submitted` is written before Enter is sent. So after a crash a row still `pasted` was
certainly not submitted, and one that is `submitted` is `uncertain` until the client itself
shows that it took the text; neither is ever sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentdeck.adapters import tmux
from agentdeck.adapters.database.store import Writer
from agentdeck.harnesses import loader
from agentdeck.harnesses.schema import Harness
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.delivery import Delivery
from agentdeck.models.pane import Pane
from agentdeck.models.screen import parse
from agentdeck.services import composer, gate, rows
from agentdeck.services.monitor import Monitor
from agentdeck.services.probes import SpoolEvent

ARRIVE_SECONDS = 5.0
ENTER_AFTER_SECONDS = 0.12  # a client takes an Enter too close behind a burst for a newline
PASTES = 3  # at most; Enter follows the one that shows
ACKNOWLEDGE_SECONDS = 10.0
COMMAND_SECONDS = 0.2  # between two looks whether a `/command` has left the composer
NOTICE_SECONDS = 0.05


@dataclass
class _Waiter:
    """A submitted text whose acknowledgement is awaited."""

    since: int
    text: str
    evidence: str = ""
    heard: asyncio.Event = field(default_factory=asyncio.Event)


class Outbox:
    """One worker over all open deliveries; one delivery at a time to any agent."""

    def __init__(self, writer: Writer, monitor: Monitor, socket: Path) -> None:
        self.writer = writer
        self.monitor = monitor
        self.socket = socket
        self.holds: Callable[[str], str] = lambda agent: ""  # why an agent (id) is handed nothing now
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._waiters: dict[str, _Waiter] = {}
        self._interrupted: set[str] = set()
        self._dropped: Counter[str] = Counter()  # how often a text was pasted and never showed

    async def recover(self) -> None:
        """After a crash of an engine: settle what it left half-way, without sending anything."""
        await self.writer.run(_recover)

    def hear(self, events: Sequence[SpoolEvent]) -> None:
        """Hook events of this tick: an acknowledging one settles the text that waits for it."""
        for event in events:
            waiter, agent = self._waiters.get(event.agent), self.monitor.agents.get(event.agent)
            if agent is None or event.name not in loader.get(agent.harness).acknowledge:
                continue
            if (
                waiter is not None
                and event.at >= waiter.since - 1000
                and same_words(str(event.payload.get("prompt", "")), waiter.text)
            ):
                waiter.evidence = f"{event.name} hook"
                waiter.heard.set()

    async def round(self, client: tmux.ControlClient, pending: Sequence[Delivery]) -> None:
        """Start on the oldest open delivery of every agent that has none in hand."""
        first: dict[str, Delivery] = {}
        for delivery in pending:
            first.setdefault(delivery.agent, delivery)
        for agent_id, delivery in first.items():
            if agent_id not in self._busy:
                task = asyncio.create_task(self._deliver(client, delivery))
                self._busy[agent_id] = task
                task.add_done_callback(lambda _, key=agent_id: self._busy.pop(key, None))

    async def settle_all(self) -> None:
        """Wait for deliveries in hand (an orderly end); each has its own deadlines."""
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _deliver(self, client: tmux.ControlClient, delivery: Delivery) -> None:
        agent = self.monitor.agents.get(delivery.agent)
        if agent is None:
            return  # not known yet
        if agent.life != "live":
            await self._mark(delivery, "refused", "its process has ended; resume it first")
            return
        if held := self.holds(agent.id):
            await self._wait(delivery, held)
            return
        try:
            await self._try(client, agent, delivery)
        except tmux.TmuxError as error:
            await self._tmux_failed(delivery, error)

    async def _tmux_failed(self, delivery: Delivery, error: tmux.TmuxError) -> None:
        """tmux failed under our hands: what happened before Enter is queued again, what came after is uncertain."""

        def change(conn: sqlite3.Connection) -> None:
            state = conn.execute("SELECT state FROM deliveries WHERE id = ?", (delivery.id,)).fetchone()[0]
            if state == "queued":
                rows.update(conn, "deliveries", "id", delivery.id, reason=error.title)
            elif state in ("pasted", "submitted"):
                _settle(conn, delivery, "uncertain", error.title)

        await self.writer.run(change)

    async def _try(self, client: tmux.ControlClient, agent: Agent, delivery: Delivery) -> None:
        harness = loader.get(agent.harness)
        pane, typed = await self._look(client, agent, harness)
        final = gate.refuse(pane, agent.id)
        if final or pane is None:
            await self._mark(delivery, "refused", final)
            return
        status = self.monitor.status(agent.id)
        if (
            delivery.mode == "interrupt"
            and status.state in ("working", "retrying")
            and delivery.id not in self._interrupted
        ):
            self._interrupted.add(delivery.id)
            for key in harness.keys.interrupt:
                await tmux.send_key(client, agent.pane, key)
        mode = "queue" if delivery.mode == "queue" else "idle"
        reason = gate.wait(status, pane, typed, mode, now_ms(), int(harness.settle_seconds * 1000))
        if reason:
            await self._wait(delivery, reason)
            return
        await self._mark(delivery, "pasted")
        await tmux.paste(client, self.socket, agent.pane, delivery.text)
        if not await self._arrived(client, agent, harness, typed):
            await self._lost(client, agent, harness, delivery)
            return
        await asyncio.sleep(ENTER_AFTER_SECONDS)
        if self.monitor.status(agent.id).state == "needs_input":
            await self._mark(delivery, "refused", "a question came up under our hands; Enter was not sent")
            return
        await self._enter(client, agent, harness, delivery)

    async def _look(
        self, client: tmux.ControlClient, agent: Agent, harness: Harness
    ) -> tuple[Pane | None, composer.Typed]:
        """The pane and its composer as they are now."""
        panes = await tmux.list_panes(client)
        pane = panes.get(agent.pane)
        if pane is None or harness.composer.kind == "none":
            return pane, composer.Typed("none")
        lines = (await tmux.capture(client, [agent.pane])).get(agent.pane, [])
        return pane, composer.read(harness.composer, parse(lines), pane.cursor_y)

    async def _arrived(
        self, client: tmux.ControlClient, agent: Agent, harness: Harness, before: composer.Typed
    ) -> bool:
        """Whether the pasted text shows. A client without a composer shows nothing to wait for."""
        if before.state == "none":
            return True
        deadline = asyncio.get_running_loop().time() + ARRIVE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(NOTICE_SECONDS)
            _, typed = await self._look(client, agent, harness)
            if typed.state == "draft":
                return True
        return False

    async def _lost(self, client: tmux.ControlClient, agent: Agent, harness: Harness, delivery: Delivery) -> None:
        """A client that has only just painted its composer may drop what is pasted: then it is pasted once more."""
        _, typed = await self._look(client, agent, harness)
        self._dropped[delivery.id] += 1
        if typed.state == "empty" and self._dropped[delivery.id] < PASTES:
            await self._mark(delivery, "queued", "its composer did not take the text; it is tried again")
        else:
            why = f"the text did not show in its composer within {ARRIVE_SECONDS:g} s; Enter was not sent"
            await self._mark(delivery, "refused", why)

    async def _enter(self, client: tmux.ControlClient, agent: Agent, harness: Harness, delivery: Delivery) -> None:
        waiter = self._waiters[agent.id] = _Waiter(now_ms(), delivery.text)
        try:
            await tmux.check_writable(client, agent.pane, agent.id)
            await self._mark(delivery, "submitted")
            await tmux.send_bytes(client, agent.pane, b"\r")
            await self._conclude(delivery, await self._taken(client, agent, harness, waiter))
        finally:
            del self._waiters[agent.id]

    async def _taken(self, client: tmux.ControlClient, agent: Agent, harness: Harness, waiter: _Waiter) -> str:
        """What shows that the client took the text, '' when nothing did in time.

        A `/command` that the client carries out itself reports no prompt, and some clients report none at all:
        there it is the emptied composer, or that it has begun to work.
        """
        if harness.composer.kind == "none" and not harness.acknowledge:
            return "its terminal took the line"
        emptied, gone = waiter.text.startswith("/") or not harness.acknowledge, 0
        deadline = asyncio.get_running_loop().time() + ACKNOWLEDGE_SECONDS
        while not waiter.evidence and asyncio.get_running_loop().time() < deadline:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(COMMAND_SECONDS if emptied else ACKNOWLEDGE_SECONDS):
                    await waiter.heard.wait()
            if emptied and not waiter.evidence:
                _, typed = await self._look(client, agent, harness)
                gone = gone + 1 if typed.state in ("empty", "absent") else 0
                waiter.evidence = self._begun(agent, waiter) or ("its composer took the text" if gone > 1 else "")
        return waiter.evidence

    def _begun(self, agent: Agent, waiter: _Waiter) -> str:
        status = self.monitor.status(agent.id)
        works = status.state in ("working", "retrying", "needs_input") and status.since >= waiter.since
        return f"it is {status.state}: {status.why}" if works else ""

    async def _conclude(self, delivery: Delivery, evidence: str) -> None:
        if evidence:
            await self._mark(delivery, "acknowledged", evidence=evidence)
        else:
            await self._mark(delivery, "uncertain", f"no sign within {ACKNOWLEDGE_SECONDS:g} s that it took the text")

    async def _wait(self, delivery: Delivery, reason: str) -> None:
        if reason == delivery.reason:
            return

        def change(conn: sqlite3.Connection) -> None:
            rows.update(conn, "deliveries", "id", delivery.id, reason=reason)
            rows.event(conn, now_ms(), "delivery", delivery.agent, id=delivery.id, state="queued", reason=reason)

        await self.writer.run(change)

    async def _mark(self, delivery: Delivery, state: str, reason: str = "", evidence: str = "") -> None:
        await self.writer.run(lambda conn: _settle(conn, delivery, state, reason, evidence))


def _settle(conn: sqlite3.Connection, delivery: Delivery, state: str, reason: str = "", evidence: str = "") -> None:
    now = now_ms()
    column = {"pasted": "pasted", "submitted": "submitted", "queued": "pasted"}.get(state, "settled")
    moment = 0 if state == "queued" else now
    rows.update(
        conn, "deliveries", "id", delivery.id, state=state, reason=reason, evidence=evidence, **{column: moment}
    )
    rows.event(conn, now, "delivery", delivery.agent, id=delivery.id, state=state, reason=reason, evidence=evidence)


def _recover(conn: sqlite3.Connection) -> None:
    for row in conn.execute("SELECT * FROM deliveries WHERE state IN ('pasted', 'submitted')").fetchall():
        delivery = rows.delivery(row)
        if delivery.state == "pasted":
            _settle(conn, delivery, "refused", "the engine ended before Enter; the text may stand in its composer")
        else:
            _settle(conn, delivery, "uncertain", "the engine ended before the client answered")


def pending(conn: sqlite3.Connection) -> list[Delivery]:
    """Open deliveries that nobody has begun on, oldest first."""
    found = conn.execute("SELECT * FROM deliveries WHERE state = 'queued' ORDER BY created, rowid")
    return [rows.delivery(row) for row in found]


def same_words(prompt: str, text: str) -> bool:
    """Whether a client's report of a prompt is this text: clients wrap, tag and re-flow what was pasted."""
    if not prompt.strip():
        return True  # a client that does not say which prompt it took
    wanted, heard = " ".join(text.split()), " ".join(prompt.split())
    return wanted in heard or heard in wanted or wanted[:200] in heard
