"""Between the dashboard and the deck's rows: watches them in a thread, asks the engine, keeps the view's own marks."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.errors import AgentDeckError
from agentdeck.models.clock import now_ms
from agentdeck.models.delivery import Delivery
from agentdeck.models.status import Status
from agentdeck.models.view import View, ViewChange
from agentdeck.services import away as absences
from agentdeck.services import fleet as fleets
from agentdeck.services.asking import attention
from agentdeck.ui import reads

if TYPE_CHECKING:
    from agentdeck.models.trash import TrashEntry
    from agentdeck.services.queue.board import Board
    from agentdeck.services.trees.loss_report import Report
    from agentdeck.services.usage.stats import AgentStats
    from agentdeck.services.usage.usage_view import By, Quarters, Span, UsageView
    from agentdeck.services.views import ViewNote

TICK = 0.03  # seconds between looks at the database's change counter
CALM, CALM_TICK = 2.0, 0.1  # after so many seconds without a change, so many between looks
GAP = 12  # so many times as long as a reading of the fleet takes is waited until the next
LONGEST_GAP = 0.1
REFRESH = 1.0  # seconds after which the fleet is read again although nothing changed: ages and notes run out
HEARTBEAT = 5.0  # seconds between signs of life of this dashboard
SETTLED = ("acknowledged", "refused", "uncertain")


class FleetChanged(Message):
    """The whole fleet as it is now; of several that wait, only the newest is handled."""

    def __init__(self, fleet: fleets.Fleet) -> None:
        super().__init__()
        self.fleet = fleet

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, FleetChanged)


class Trouble(Message):
    """Something the dashboard needs does not work; `title` and `hint` as in AgentDeckError."""

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__()
        self.title = title
        self.hint = hint


class Bridge:
    """Posts FleetChanged and Trouble to `target`. No method blocks the caller's loop."""

    def __init__(self, target: MessagePump, view: str = "default") -> None:
        self.target = target
        self.view = view
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last_trouble = ""
        self._file: tuple[int, int] | None = None
        self.seen: int | None = None  # when this view was last seen before us (UTC ms, 0: never), once it is known
        self._told: fleets.Fleet | None = None
        self._quarters: Quarters | None = None
        self._pace, self._paced = fleets.Pace(), -REFRESH

    def start(self) -> None:
        self._thread = threading.Thread(target=self._watch, name="bridge", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the thread take this dashboard off the list; waits for it briefly."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)

    # -- asking -------------------------------------------------------------------------------------------

    async def ask(self, kind: str, agent: str = "", *, timeout: float = 30.0, **args: object) -> dict[str, object]:
        """One request to the engine; raises AgentDeckError with title and hint when it is refused."""
        from agentdeck.services import requests

        return await requests.ask(kind, agent, timeout=timeout, **args)

    async def ask_with_environment(self, kind: str, agent: str = "", **args: object) -> dict[str, object]:
        """The same for requests that start a client: this dashboard's environment goes along in a private file."""
        from agentdeck.services.lives.environment import save_environment

        file = await asyncio.to_thread(save_environment)
        try:
            return await self.ask(kind, agent, timeout=120.0, env_file=str(file), **args)
        finally:
            await asyncio.to_thread(Path(file).unlink, missing_ok=True)

    async def change_view(self, view: str, change: ViewChange) -> int:
        """Store a change of a view; the revision that has it."""
        from agentdeck.services import views

        return await asyncio.to_thread(views.change, view, change)

    async def views(self) -> list[ViewNote]:
        """All named views, and how many dashboards show each."""
        from agentdeck.services import views

        return await asyncio.to_thread(views.everything)

    async def show_view(self, name: str) -> View:
        """Go over to another view; one that there is not yet begins as a copy of this one."""
        from agentdeck.services import views

        def go() -> View:
            view = views.opened(name, like=self.view)
            self.view = name
            self._beat()
            return view

        return await asyncio.to_thread(go)

    async def losses(self, agents: Sequence[str]) -> list[Report]:
        """What removing each of these agents would take away. Asks git: 100 ms and more an agent."""
        return [await asyncio.to_thread(reads.loss, agent) for agent in agents]

    async def trash(self) -> list[TrashEntry]:
        """What can be brought back, newest first."""
        return await asyncio.to_thread(reads.trash)

    async def stats(self, agent: str) -> AgentStats:
        """What one agent used, for its panel."""
        return await asyncio.to_thread(reads.stats, agent)

    async def usage_view(self, by: By, span: Span) -> tuple[UsageView, int]:
        """All of the usage screen, and the lines that landed tasks merged."""
        from agentdeck.services.usage.usage_view import Quarters

        self._quarters = self._quarters or Quarters()
        return await asyncio.to_thread(reads.usage_view, by, span, self._quarters)

    async def away(self, since: int, patience: float = 0.0) -> absences.Absence | None:
        """What came about since then (UTC ms), by statuses that an engine has just confirmed.

        None when none has within `patience` seconds; without patience, by what there is.
        """
        deadline = time.monotonic() + patience
        while True:
            found, fresh = await asyncio.to_thread(reads.away, self.view, since)
            if fresh or not patience:
                return found
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(0.2)

    async def note_seen(self, *seen: tuple[str, Status]) -> None:
        """A human has seen what these agents wait for: every dashboard knows it."""
        with contextlib.suppress(AgentDeckError, OSError, sqlite3.Error):  # it is told again
            await asyncio.to_thread(attention.note_seen, seen, now_ms())

    async def claim_bell(self, told: Sequence[tuple[str, Status]]) -> bool:
        """Whether it is this dashboard's bell that tells of these waits."""
        return await asyncio.to_thread(attention.claim_bell, told, now_ms())

    async def retry(self, task: int) -> None:
        """Put a failed task back into the queue."""
        from agentdeck.services import requests

        await asyncio.to_thread(requests.retry_task, task)

    async def board(self) -> Board:
        """All tasks by state."""
        from agentdeck.services.queue import task_verbs

        return await asyncio.to_thread(task_verbs.read_board)

    async def change_task(self, verb: str, task: int, *words: object) -> None:
        """One of the verbs of `services.task_verbs`; an engine is there afterwards to act on it."""
        from agentdeck.services.queue import task_verbs

        await asyncio.to_thread(task_verbs.change, verb, task, *words)

    async def revise_task(self, task: int, text: str) -> None:
        from agentdeck.services.queue import task_verbs

        await asyncio.to_thread(task_verbs.revise, task, text)

    async def queue_task(self, repo: str, *, path: str = "", text: str = "") -> int:
        """Queue a spec for whoever is free; its number."""
        from agentdeck.services.queue import task_verbs

        return await asyncio.to_thread(lambda: task_verbs.add(repo, path=path, text=text))

    async def land(self, task: int) -> str:
        """Bring accepted work onto its base; what came of it, in words."""
        from agentdeck.services.queue import task_verbs

        done = await asyncio.to_thread(task_verbs.land, task)
        return f"is on {done.branch} as {done.commit[:10]}"

    async def task_page(self, task: int) -> str:
        from agentdeck.services.queue import task_verbs

        return await asyncio.to_thread(task_verbs.page, task)

    async def task_diff(self, task: int) -> str:
        from agentdeck.services.queue import task_verbs

        return await asyncio.to_thread(task_verbs.diff, task)

    async def spec_text(self, task: int) -> str:
        from agentdeck.services.queue import task_verbs

        return await asyncio.to_thread(task_verbs.text, task)

    async def receipt(self, delivery: str, seconds: float) -> tuple[str, str]:
        """State and reason of a delivery once it is settled, or as it stands after `seconds`."""
        deadline, pause = time.monotonic() + seconds, 0.1
        while True:
            state, reason = await asyncio.to_thread(reads.receipt, delivery)
            if state in SETTLED or time.monotonic() > deadline:
                return state, reason
            await asyncio.sleep(pause)
            pause = min(1.0, pause * 1.3)

    async def waiting(self, agents: Sequence[str]) -> list[Delivery]:
        """The texts that wait for these agents and can be taken back, oldest first."""
        return await asyncio.to_thread(reads.waiting, frozenset(agents))

    async def ensure_engine(self) -> None:
        """Start the tmux server and the engine when none lives."""
        await asyncio.to_thread(importlib.import_module, "agentdeck.services.lives.summon")
        from agentdeck.services.lives import summon

        await summon.ensure_engine()

    async def strays(self) -> list[str]:
        """The names of agents that survived their rows. Reads only."""
        await asyncio.to_thread(importlib.import_module, "agentdeck.services.lives.adoption")
        from agentdeck.services.lives import adoption

        found = await asyncio.to_thread(adoption.find_in, paths.database_file(), paths.tmux_socket())
        return [one.agent.name for one in found]

    # -- watching, in the thread ----------------------------------------------------------------------------

    def _watch(self) -> None:
        conn: sqlite3.Connection | None = None
        version, loaded, beaten, rested, changed = -1, -REFRESH, -HEARTBEAT, 0.0, 0.0
        while not self._stop.is_set():
            now = time.monotonic()
            try:
                conn = self._current(conn)
                if self.seen is None and conn is not None:  # before our own first beat
                    self.seen = absences.last_seen(conn, self.view)
                found = conn.execute("PRAGMA data_version").fetchone()[0] if conn else 0
                if (found != version and now >= rested) or now - loaded >= REFRESH:
                    version, loaded = found, now
                    changed = now if self._tell(self._load(conn)) else changed
                    rested = now + min(LONGEST_GAP, GAP * (time.monotonic() - now))
                if now - beaten >= HEARTBEAT:
                    beaten = now
                    self._beat()
            except (sqlite3.Error, AgentDeckError, OSError) as error:
                self._told = None
                self._report(error)
                if conn is not None:
                    with contextlib.suppress(sqlite3.Error):
                        conn.close()
                conn = None
                self._stop.wait(REFRESH)
            self._stop.wait(TICK if now - changed < CALM else CALM_TICK)
        if conn is not None:
            conn.close()
        self._leave()

    def _current(self, conn: sqlite3.Connection | None) -> sqlite3.Connection | None:
        """The connection, or a fresh one: a file that was moved away or replaced is not the deck's any more."""
        file = store.identity(paths.database_file())
        if conn is not None and file != self._file:
            conn.close()
            conn = None
        self._file = file
        return conn or store.read(paths.database_file())

    def _load(self, conn: sqlite3.Connection | None) -> fleets.Fleet:
        from agentdeck.services.foreign import foreign
        from agentdeck.services.trees import disk
        from agentdeck.services.usage import pace

        fleet = fleets.load(conn, self.view)
        short = disk.shortage(*{row.agent.repo for row in fleet.rows})
        left = f"{disk.size(short.free)} left" if short else ""
        if time.monotonic() - self._paced >= REFRESH:
            self._paced, self._pace = time.monotonic(), pace.read(conn, now_ms())
        return replace(fleet, low_disk=left, foreign=foreign.load(conn), pace=self._pace)

    def _tell(self, fleet: fleets.Fleet) -> bool:
        """The fleet, when it looks different (whether it does); and as long as no engine lives, to call for one."""
        looks = fleets.settled(fleet)
        different = looks != self._told
        if different or not fleet.engine.alive:
            self._told = looks
            self.target.post_message(FleetChanged(looks))
        self._last_trouble = ""
        return different

    def _report(self, error: Exception) -> None:
        """Tell a lasting trouble once, not ten times a second."""
        title = error.title if isinstance(error, AgentDeckError) else f"the deck's database cannot be used: {error}"
        hint = error.hint if isinstance(error, AgentDeckError) else f"Look at {paths.database_file()}; agents go on."
        if title != self._last_trouble:
            self._last_trouble = title
            self.target.post_message(Trouble(title, hint))

    def _beat(self) -> None:
        with contextlib.closing(store.write(paths.database_file())) as conn:
            conn.execute(
                "INSERT OR REPLACE INTO dashboards (pid, pid_start, view, heartbeat) VALUES (?, ?, ?, ?)",
                (os.getpid(), _started(), self.view, now_ms()),
            )
            absences.see(conn, self.view, now_ms())

    def _leave(self) -> None:
        with (
            contextlib.suppress(sqlite3.Error, AgentDeckError, OSError),
            contextlib.closing(store.write(paths.database_file())) as conn,
        ):
            conn.execute("DELETE FROM dashboards WHERE pid = ?", (os.getpid(),))
            absences.see(conn, self.view, now_ms())


def _started() -> float:
    """When this process started, as the engine will compare it."""
    from agentdeck.adapters import processes

    found = processes.identify(os.getpid())
    return found.start if found else 0.0
