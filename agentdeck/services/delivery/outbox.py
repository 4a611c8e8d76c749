"""The one outbox of a deck: every text for an agent, whoever sends it, one at a time to any of them.

At most once: a step is taken only from the state before it (services/deliveries), and done by tmux only if nothing
has changed since it was decided (services/handing). What stays uncertain is settled by the client's own record, later
than everybody waits for it, and never by sending it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from agentdeck.adapters import tmux
from agentdeck.adapters.database.store import EpochLost, Writer
from agentdeck.models.clock import now_ms
from agentdeck.models.delivery import Delivery
from agentdeck.services.delivery import deliveries, receipts
from agentdeck.services.delivery.handing import Handing
from agentdeck.services.status.monitor import Monitor
from agentdeck.services.status.probes import SpoolEvent

log = logging.getLogger("agentdeck.outbox")
END_SECONDS = 3.0  # so long what is in hand is waited for at an orderly end; the next engine takes up the rest
LATE_MS = 2_000  # between two looks for uncertain ones


class Outbox:
    """One worker over all open deliveries."""

    def __init__(self, writer: Writer, monitor: Monitor, socket: Path) -> None:
        self.writer = writer
        self.monitor = monitor
        self.socket = socket
        self.holds: Callable[[str], str] = lambda agent: ""  # why an agent (id) is handed nothing now
        self.ears = receipts.Ears(monitor)
        self._busy: dict[str, asyncio.Task[None]] = {}
        # begun by an engine that ended, or before tmux failed; who listens for a report of each
        self._halfway: dict[str, tuple[Delivery, receipts.Waiter]] = {}
        self._unsure: dict[str, tuple[Delivery, receipts.Waiter]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._looked = 0
        self._last: dict[str, int] = {}  # when each agent was given its last text

    async def recover(self) -> None:
        """After a crash of an engine: note what it left; nothing is sent before each pane has been looked at."""
        for delivery in await self.writer.run(deliveries.halfway):
            self._leave_halfway(delivery)
        for delivery in await self.writer.run(lambda conn: deliveries.unsure(conn, now_ms())):
            self._doubt(delivery)

    def hear(self, events: Sequence[SpoolEvent]) -> None:
        """Hook events of this tick."""
        self.ears.hear(events)

    async def round(self, client: tmux.ControlClient, pending: Sequence[Delivery]) -> None:
        """Start on the next open delivery of every agent that has none in hand, and look after the uncertain ones."""
        for delivery, waiter in list(self._halfway.values()):
            if delivery.agent not in self._busy and delivery.agent in self.monitor.agents:
                del self._halfway[delivery.id]
                self._start(client, delivery, waiter)
        for delivery in deliveries.choose(pending, self._working()):
            if delivery.agent not in self._busy and not self._held(delivery.agent):
                self._start(client, delivery)
        if self._unsure and now_ms() - self._looked > LATE_MS and (self._looking is None or self._looking.done()):
            self._looked = now_ms()
            self._looking = asyncio.create_task(self._settle_late())

    async def settle_all(self) -> None:
        """Wait for deliveries in hand (an orderly end), for a while: what is not done then, the next engine does."""
        tasks = [*self._busy.values(), *([self._looking] if self._looking else [])]
        if tasks:
            await asyncio.wait(tasks, timeout=END_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _working(self) -> frozenset[str]:
        return frozenset(
            key for key in self.monitor.agents if self.monitor.status(key).state in ("working", "retrying")
        )

    def _held(self, agent: str) -> bool:
        return any(delivery.agent == agent for delivery, _ in self._halfway.values())

    def _leave_halfway(self, delivery: Delivery) -> None:
        if delivery.id not in self._halfway:
            waiter = self.ears.wait(delivery.agent, delivery.pasted, delivery.text)
            waiter.stood = True  # a human may have sent it meanwhile, or taken it out: it is not just pasted again
            self._halfway[delivery.id] = (delivery, waiter)

    def _start(self, client: tmux.ControlClient, delivery: Delivery, waiter: receipts.Waiter | None = None) -> None:
        task = asyncio.create_task(self._carry(client, delivery, waiter))
        self._busy[delivery.agent] = task
        task.add_done_callback(lambda _: self._busy.pop(delivery.agent, None))

    async def _carry(self, client: tmux.ControlClient, delivery: Delivery, waiter: receipts.Waiter | None) -> None:
        agent = self.monitor.agents.get(delivery.agent)
        if agent is None:
            return  # not known yet
        if agent.life != "live":
            await self._agent_ended(delivery)
            return
        if waiter is None and (held := self.holds(agent.id)):
            await self.writer.run(lambda conn: deliveries.wait(conn, delivery, held))
            return
        handing = Handing(client, self.socket, self.writer, self.monitor, self.ears, agent, delivery, waiter)
        try:
            if waiter is not None:
                await handing.take_up()
            else:
                await handing.run(self._last.get(agent.id, 0), self._ended(agent.id))
        except tmux.TmuxError as error:
            await self._tmux_failed(handing.delivery, error)
        except EpochLost:
            return  # another engine has the deck; this one's beat finds out by itself
        except Exception:
            log.exception("delivery %s failed", delivery.id)
            await self._begun_again(handing.delivery)
            await asyncio.sleep(1)
        finally:
            if waiter is not None:
                self.ears.drop(agent.id, waiter)
            self._note(handing.delivery)

    def _note(self, delivery: Delivery) -> None:
        """What the rest of the outbox must know of a text that has gone out."""
        if delivery.submitted:
            self._last[delivery.agent] = delivery.submitted
        if delivery.state == "uncertain":
            self._doubt(delivery)

    async def _agent_ended(self, delivery: Delivery) -> None:
        state, reason = "refused", "its process has ended; resume it first"
        if delivery.state == "pasted":
            reason = "its process ended before Enter was sent"
        elif delivery.state == "submitted":
            state, reason = "uncertain", "its process ended just after Enter was sent"
        await self.writer.run(lambda conn: deliveries.step(conn, delivery, [delivery.state], state, reason))
        now = await self.writer.run(lambda conn: deliveries.get(conn, delivery.id))
        if now is not None:
            self._note(now)

    async def _tmux_failed(self, delivery: Delivery, error: tmux.TmuxError) -> None:
        """tmux failed under our hands: whatever was begun is taken up by its marks once tmux answers again."""
        await self._begun_again(delivery)
        await self.writer.run(lambda conn: deliveries.wait(conn, delivery, error.title))

    async def _begun_again(self, delivery: Delivery) -> None:
        now = await self.writer.run(lambda conn: deliveries.get(conn, delivery.id))
        if now is not None and now.state in ("pasted", "submitted"):
            self._leave_halfway(now)

    # -- uncertain ones

    def _doubt(self, delivery: Delivery) -> None:
        if delivery.id not in self._unsure:
            waiter = self.ears.wait(delivery.agent, delivery.submitted, delivery.text)
            self._unsure[delivery.id] = (delivery, waiter)

    async def _settle_late(self) -> None:
        """A report that came late, or the client's own transcript, settles an uncertain delivery."""
        for delivery, waiter in list(self._unsure.values()):
            agent = self.monitor.agents.get(delivery.agent)
            found = waiter.evidence
            if agent is not None and not found:
                found = await receipts.transcribed(agent, delivery.text, delivery.submitted)
            if found:
                await self._acknowledge(delivery, found)
            if found or agent is None or now_ms() - delivery.settled > deliveries.UNSURE_MS:
                self.ears.drop(delivery.agent, waiter)
                self._unsure.pop(delivery.id, None)

    async def _acknowledge(self, delivery: Delivery, evidence: str) -> None:
        await self.writer.run(lambda conn: deliveries.step(conn, delivery, ["uncertain"], "acknowledged", "", evidence))

    def _ended(self, agent_id: str) -> int:
        """When the newest hook that fits idle came in, 0 without one: a turn may be too short to be seen."""
        watched = self.monitor.watched.get(agent_id)
        hook = watched.evidence.get("hook") if watched else None
        return hook.changed if hook is not None and "idle" in hook.states else 0
