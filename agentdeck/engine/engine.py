"""One beat after another: look at the rows, watch the agents, judge, store, and start what is due.

Nothing slow happens in a beat: births, stops, deliveries and reading of transcripts are
tasks of their own, which wake the next beat when they end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from agentdeck import config, paths
from agentdeck.adapters import notify
from agentdeck.adapters.database.store import EpochLost, Replaced, Writer
from agentdeck.engine import ledger
from agentdeck.engine.handlers import Handlers
from agentdeck.engine.link import Link
from agentdeck.engine.lock import EngineLock
from agentdeck.engine.wake import Waker
from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.budget import Act
from agentdeck.models.clock import now_ms
from agentdeck.services import rows
from agentdeck.services.asking import attention
from agentdeck.services.asking.herald import Herald, Known, Notice
from agentdeck.services.asking.police import Police
from agentdeck.services.budgets import budget_keeper
from agentdeck.services.budgets.budget_keeper import BudgetKeeper
from agentdeck.services.budgets.park_keeper import ParkKeeper
from agentdeck.services.budgets.parking import Park
from agentdeck.services.delivery.outbox import Outbox
from agentdeck.services.foreign.foreign_watch import ForeignWatch
from agentdeck.services.gate.gatekeeper import Gatekeeper
from agentdeck.services.gate.judging import Judging
from agentdeck.services.lives import adoption
from agentdeck.services.lives.supervisor import Supervisor
from agentdeck.services.queue.dispatcher import Dispatcher
from agentdeck.services.queue.spec_watch import SpecWatch
from agentdeck.services.radar.radar import Radar
from agentdeck.services.records import Records
from agentdeck.services.rounds import forever
from agentdeck.services.sizes import SizeKeeper
from agentdeck.services.status import probes
from agentdeck.services.status.monitor import Monitor, Report
from agentdeck.services.trees.disk import Gauge
from agentdeck.services.trees.tree_watch import TreeWatch
from agentdeck.services.usage.meter import Meter

log = logging.getLogger("agentdeck.engine")
BEAT_SECONDS = 0.25
SHORTEST_BEAT_SECONDS = 0.03
HEARTBEAT_SECONDS = 1.0
SWEEP_SECONDS = 600.0
THREADS = 32
LINGER_MS = 60_000  # with no agent, no task and no view, this long


class Engine:
    """Wires the parts and owns their order. `background`: ends by itself when nobody needs it."""

    def __init__(self, *, background: bool) -> None:
        self.background = background
        self.writer = Writer(paths.database_file())
        self.lock = EngineLock(self.writer)
        self.reader = ledger.Reader(paths.database_file())
        self.settings = config.load()
        self.monitor = Monitor()
        self.link = Link(paths.tmux_socket(), paths.tmux_conf())
        self.supervisor = Supervisor(self.writer, paths.tmux_socket())
        self.outbox = Outbox(self.writer, self.monitor, paths.tmux_socket())
        self.radar = Radar(self.writer, self.monitor, paths.state_dir() / "radar")
        prices = {name: asdict(price) for name, price in self.settings.prices.items()}
        self.meter = Meter(self.writer, self.monitor, prices, self.radar.hear)
        self.foreign = ForeignWatch(self.writer, self.monitor, self.meter.ingest.scan)
        self.trees = TreeWatch(self.writer, self.monitor, self.meter.mark)
        self.gauge = Gauge(self.writer, self.monitor)
        self.records = Records()
        self.sizes = SizeKeeper(self.writer)
        keeper = Gatekeeper(self.writer, paths.state_dir() / "verify")
        self.judging = Judging(self.writer, self.monitor, keeper, self.meter.count)
        self.dispatcher = Dispatcher(self.writer, self.monitor, self.judging, self.meter.count)
        self.specs = SpecWatch(self.writer)
        self.herald = Herald(self.settings.notify_on)
        self.handlers = Handlers(self.writer, self.monitor, self.supervisor, self.link, self.foreign)
        self.dispatcher.spawner.environ = self.handlers.lent.take
        self.handlers.halt, self.handlers.go_on = self._halt, self._go_on
        self.police = Police(self.writer, self.monitor, self.handlers.lock)
        self.waker = Waker(paths.wake_socket(), paths.state_dir() / "spool")
        limits = budget_keeper.rules(self.settings.budgets)
        self.budgets = BudgetKeeper(self.writer, self.monitor, limits, self.waker.set, self._over_budget)
        self.meter.counted = self.budgets.judge
        self.parking = ParkKeeper(self.writer, self.monitor, self.settings.limit_resume, self._parked)
        self.outbox.holds = self.budgets.holds
        self.dispatcher.holds = lambda agent: self.budgets.holds(agent) or self.parking.holds(agent)
        self.dispatcher.pauses = self.parking.pauses
        self.dispatcher.held_tasks = lambda: self.budgets.spent_tasks
        self.ended = asyncio.Event()
        self.failure: BaseException | None = None
        self._tasks: set[asyncio.Task[object]] = set()
        self._needed = now_ms()

    async def start(self) -> bool:
        """Take the lock and take up what an earlier engine left; False when another engine lives."""
        # A disk that does not answer keeps the threads that read from it: there must be others for the rest.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="engine"))
        await asyncio.to_thread(ledger.open_store, self.writer.path)
        if not await self.lock.take():
            self.writer.close()
            return False
        paths.make_private(paths.runtime_dir())
        paths.make_private(paths.state_dir() / "spool")
        halfway = await self.writer.run(ledger.orphaned)
        for agent in await asyncio.to_thread(adoption.take_up, self.writer, paths.tmux_socket()):
            log.warning("%s runs although its row said otherwise: taken up in %s", agent.name, agent.pane)
        await self.writer.run(lambda conn: ledger.restore(conn, self.monitor))
        await self.outbox.recover()
        for agent in halfway:
            await self.supervisor.undo_birth(agent)
        await self.supervisor.recover()
        await self.dispatcher.spawner.pool.recover()
        await self.waker.open()
        self._spawn(self._heart())
        self._spawn(self._beats())
        self._spawn(self.meter.run())
        self._spawn(self.meter.measure())
        self._spawn(forever(self.budgets.round, budget_keeper.ROUND_SECONDS, "judging budgets", log))
        self._spawn(self.trees.run())
        self._spawn(self.gauge.run())
        self._spawn(self._sweeps())
        self._spawn(self.radar.run())
        self._spawn(self.specs.run())
        self._spawn(self.foreign.run())
        return True

    async def stop(self) -> None:
        """An orderly end: work in hand is finished, the lock is given back."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.judging.settle()
        await self.dispatcher.spawner.pool.settle()
        await self.outbox.settle_all()
        await self.link.close()
        await self.waker.close()
        await self.lock.leave()
        self.reader.close()
        self.writer.close()

    async def _halt(self) -> None:
        self.dispatcher.halted = True
        await self.judging.halt()

    def _go_on(self) -> None:
        self.dispatcher.halted = False
        self.judging.go_on()

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception() is None:
            return
        self.failure = task.exception()
        if not isinstance(self.failure, EpochLost):
            log.error("a part of the engine failed", exc_info=self.failure)
        self.ended.set()

    async def _heart(self) -> None:
        """One commit a second: every commit has all dashboards look at the database."""
        while True:
            if self.writer.replaced():
                log.warning("the database was moved or replaced: this engine ends")
                raise Replaced
            await asyncio.to_thread(self.handlers.lent.look)
            await self.lock.beat(lambda conn: ledger.refresh(conn, self.monitor))
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _sweeps(self) -> None:
        """Throw away what has been in the trash for long enough."""
        while True:
            try:
                await self.supervisor.trash.sweep(config.load().trash)
            except EpochLost:
                raise
            except (AgentDeckError, OSError) as error:  # a malformed config, a repository that is gone
                log.warning("the trash could not be swept: %s", error)
            await asyncio.sleep(SWEEP_SECONDS)

    async def _beats(self) -> None:
        while True:
            started = asyncio.get_running_loop().time()
            await self._beat()
            left = BEAT_SECONDS - (asyncio.get_running_loop().time() - started)
            await self.waker.wait(max(SHORTEST_BEAT_SECONDS, left))

    async def _beat(self) -> None:
        book = await asyncio.to_thread(self.reader.book)
        self.monitor.know(book.agents)
        if changed := self.records.changed(book.agents):
            await asyncio.to_thread(self.records.sync, changed)
        client = await self.link.client()
        self.budgets.step()
        report = await self.monitor.tick(client, server_gone=self.link.server_gone)
        await self._store(report)
        self.outbox.hear(report.events)
        for watcher in (self.meter, self.trees, self.gauge):
            watcher.hear(report)
        for request in book.requests:
            if self.handlers.begin(request):
                self._spawn(self._carry_out(request))
        for agent in self.handlers.spent(book.agents):
            self._spawn(self.handlers.close(agent))
        if not self.monitor.hears:
            client = None  # tmux does not answer: nobody waits for it in a beat
        if client is not None:
            for agent, ask in self.police.due():
                self._spawn(self.police.judge(client, agent, ask))
        if client is not None and book.leases:
            await self.sizes.round(client)
        if client is not None:
            await self.outbox.round(client, book.deliveries)
        if book.open_tasks or book.open_attempts:
            await self.dispatcher.round()
        await self.parking.look()
        self._announce(book)
        self._consider_ending(book)

    def _known(self, agent: Agent, book: ledger.Book) -> Known:
        status = self.monitor.status(agent.id)
        wanted = agent.id in self.handlers.ending or self.parking.hushed(agent.id)
        return Known(agent.id, agent.name, status, wanted, attention.seen_at(book.noted.get(agent.id), status) > 0)

    def _announce(self, book: ledger.Book) -> None:
        """Tell the human, by their own command, what came up while nobody may be looking."""
        now, agents = now_ms(), self.monitor.agents.values()
        known = (self._known(agent, book) for agent in agents)
        self.herald.look(known, now)
        notice = self.herald.due(now)
        if notice is not None and self.settings.notify_command:
            self._spawn(self._notify(notice))

    def _over_budget(self, agent_id: str, act: Act) -> None:
        """An agent was interrupted or stopped by its budget: a human should know."""
        agent = self.monitor.agents.get(agent_id)
        done = "stopped" if act.level == "stop" else "interrupted"
        log.warning("%s is %s: %s", agent.name if agent else agent_id, done, act.why)
        if agent is not None and self.settings.notify_command:
            self._spawn(self._notify(Notice(f"{agent.name} was {done} by its budget", act.why)))

    def _parked(self, park: Park) -> None:
        """Several agents met one limit or outage: one notice for all."""
        log.warning("%d agents are parked: %s", len(park.parked), park.words)
        if self.settings.notify_command:
            names = ", ".join(
                sorted(self.monitor.agents[key].name for key in park.parked if key in self.monitor.agents)
            )
            self._spawn(self._notify(Notice(park.words, f"parked until then: {names}")))

    async def _notify(self, notice: Notice) -> None:
        trouble = await notify.run(self.settings.notify_command, notice.title, notice.text)
        if trouble:
            log.warning("notify_command: %s", trouble)
        await self.writer.run(lambda conn: rows.event(conn, now_ms(), "notice", title=notice.title, trouble=trouble))

    async def _store(self, report: Report) -> None:
        dirty = any(watched.dirty for watched in self.monitor.watched.values())
        if report.changed or report.events or dirty:
            epoch = self.writer.epoch or 0
            await self.writer.run(lambda conn: ledger.record(conn, self.monitor, report, epoch))
        if report.events or report.broken:
            await asyncio.to_thread(probes.discard, [event.file for event in report.events] + list(report.broken))

    async def _carry_out(self, request: ledger.Ordered) -> None:
        await self.handlers.carry_out(request)
        self.waker.set()

    @property
    def unneeded(self) -> bool:
        """Whether nobody has needed this engine for LINGER_MS."""
        return now_ms() - self._needed > LINGER_MS

    def _consider_ending(self, book: ledger.Book) -> None:
        now = now_ms()
        lives = any(agent.life in ("live", "creating") for agent in book.agents)
        if lives or book.open_tasks or book.requests or book.deliveries or book.views or self.handlers.busy:
            self._needed = now
        if self.background and self.unneeded:
            log.info("no agent, no task, no view: the engine and its tmux server end")
            self.ended.set()
