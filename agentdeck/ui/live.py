"""Live screens: one control client, one sign of each pane per tick, captures of what is visible and changed.

A tick that comes late is dropped, never made up for. While nothing changes a tick is one
command, and the cheapest there is. When the server goes, the loop waits and connects again; nothing ends it but `stop`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from agentdeck.config import Grid
from agentdeck.errors import AgentDeckError
from agentdeck.models.screen import PaneScreen, Parsed, parse_next
from agentdeck.ui import tiers
from agentdeck.ui.tiers import Tier

if TYPE_CHECKING:
    from agentdeck.adapters.tmux import ControlClient
    from agentdeck.adapters.tmux.signs import Sign
    from agentdeck.models.pane import Pane

TICK = 0.1
WHOLE = 10
"""Ticks after which every pane's facts are read, though none has come, gone or died."""
AFTER_KEY = (0.004, 0.016, 0.046)
"""Seconds after a key at which the pane is looked at, until it has changed."""
LIVELY = 0.5
"""Seconds after a change or a key during which a pane may be looked at between ticks."""
BACKOFF = (0.1, 1.0)
"""First and longest wait between two tries to connect, in seconds."""
PATIENCE = 1.0
"""Seconds without a server before viewers are told."""
_CLOCK_SLACK = 0.05  # tmux's second may begin a little later than ours

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Want:
    """The screen of agent `deck_id` is visible, and how closely it is watched."""

    deck_id: str
    tier: Tier


class Viewer(Protocol):
    """Something that shows panes."""

    def wanted(self) -> dict[str, Want]:
        """Pane ids that are visible right now; never the same object with other contents."""
        ...

    def show(self, pane: str, picture: PaneScreen) -> None:
        """A pane's screen; only called when it is another one than before."""
        ...

    def observe(self, panes: Mapping[str, Pane] | None) -> None:
        """Every pane of the server, once a second and whenever one comes, goes or dies; None without a server."""
        ...


@dataclass(slots=True)
class _Seen:
    """What is known of one pane: its last capture, when that was, and when it last changed."""

    rows: list[str] = field(default_factory=list)
    parsed: Parsed = field(default_factory=dict)
    picture: PaneScreen | None = None
    second: int = -1  # wall clock, as tmux dates activity
    slot: float = -1e9  # monotonic, like the following: when that capture was planned
    changed: float = -1e9
    dead: bool = False


class Live:
    """Owns the dashboard's control client. `client` is None while there is no server."""

    def __init__(
        self,
        socket: Path,
        connect: Callable[[Path], Awaitable[ControlClient]] | None = None,
        *,
        rates: Grid | None = None,
        tick: float = TICK,
    ) -> None:
        self.socket = socket
        self.client: ControlClient | None = None
        self.ticks = 0
        self.captures = 0
        self._connect = connect or _open
        self._tick_seconds = tick
        self._periods = tiers.periods(rates or Grid())
        self._viewers: dict[int, tuple[Viewer, dict[str, PaneScreen]]] = {}
        self._wanted: dict[int, dict[str, Want]] = {}
        self._watched: dict[str, float] = {}
        self._fresh: set[str] = set()
        self._signs: Mapping[str, Sign] = {}
        self._whole_due = 0.0
        self._seen: dict[str, _Seen] = {}
        self._panes: dict[str, Pane] = {}
        self._keys: dict[str, list[float]] = {}
        self._wake = asyncio.Event()
        self._running = asyncio.Event()
        self._running.set()
        self._task: asyncio.Task[None] | None = None

    # -- for the dashboard ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look. Needs a running event loop; returns at once."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="live")

    async def stop(self) -> None:
        """End the loop and leave the tmux server; agents notice nothing."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def pause(self) -> None:
        """Look at nothing, as while another program has the terminal."""
        self._running.clear()

    def resume(self) -> None:
        self._running.set()
        self._wake.set()

    def watch(self, viewer: Viewer) -> None:
        self._viewers[id(viewer)] = (viewer, {})
        self._wake.set()

    def unwatch(self, viewer: Viewer) -> None:
        self._viewers.pop(id(viewer), None)

    def poke(self, pane: str) -> None:
        """Something was typed to a pane: look soon, three times, until it changes."""
        now = time.monotonic()
        self._keys[pane] = [now + delay for delay in AFTER_KEY]
        self._wake.set()

    def nudge(self) -> None:
        """What is visible has changed: look now rather than at the next tick."""
        self._wake.set()

    def pane(self, pane: str) -> Pane | None:
        """What the last tick said of a pane."""
        return self._panes.get(pane)

    # -- the loop -------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        wait, since = BACKOFF[0], time.monotonic()
        while True:
            try:
                self.client = await self._connect(self.socket)
            except (AgentDeckError, OSError):
                if time.monotonic() - since >= PATIENCE:
                    self._tell(None)
                await asyncio.sleep(wait)
                wait = min(wait * 2, BACKOFF[1])
                continue
            wait = BACKOFF[0]
            try:
                await self._look(self.client)
            except (AgentDeckError, OSError) as error:
                log.info("lost tmux: %s", error)
            except Exception:
                log.exception("the live loop met a fault and goes on")
                await asyncio.sleep(BACKOFF[0])
            finally:
                client, self.client = self.client, None
                self._forget()
                if client is not None:
                    await client.close()
            self._tell(None)
            since = time.monotonic()

    def _forget(self) -> None:
        """A new server gives the same pane ids to other agents."""
        self._seen.clear()
        self._panes.clear()
        self._keys.clear()
        self._watched.clear()
        self._signs, self._whole_due = {}, 0.0
        for _, given in self._viewers.values():
            given.clear()

    async def _look(self, client: ControlClient) -> None:
        due = 0.0
        while not client.closed.is_set():
            await self._running.wait()
            self._wake.clear()
            self._ask_viewers()
            now = time.monotonic()
            if now >= due:
                await self._tick(client)
                due = max(due + self._tick_seconds, time.monotonic() + self._tick_seconds / 4)
            else:
                await self._glance(client, self._urgent(now))
            await self._sleep(min([due, *self._deadlines()]))

    async def _sleep(self, until: float) -> None:
        """Until `until`, or until something was typed. Never less than a moment: others need the loop too."""
        alarm = asyncio.get_running_loop().call_later(max(until - time.monotonic(), 0.001), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            alarm.cancel()

    async def _tick(self, client: ControlClient) -> None:
        from agentdeck.adapters.tmux.signs import signs

        before, self._signs = self._signs, await signs(client)
        self.ticks += 1
        if time.monotonic() >= self._whole_due or self._moved(before):
            await self._list(client)
        await self._glance(client, self._due(time.monotonic()))

    def _moved(self, before: Mapping[str, Sign]) -> bool:
        """Has a pane come, gone or died? While nothing has changed at all, it is the very same answer."""
        if self._signs is before:
            return False
        gone = self._signs.keys() != before.keys()
        return gone or any(sign.dead != before[pane].dead for pane, sign in self._signs.items())

    async def _list(self, client: ControlClient) -> None:
        from agentdeck.adapters.tmux import list_panes

        self._panes = await list_panes(client)
        self._whole_due = time.monotonic() + self._tick_seconds * WHOLE
        self._seen = {pane: seen for pane, seen in self._seen.items() if pane in self._panes}
        self._tell(self._panes)
        self._match()

    def _ask_viewers(self) -> None:
        before, self._wanted = self._wanted, {key: viewer.wanted() for key, (viewer, _) in self._viewers.items()}
        if before.keys() == self._wanted.keys() and all(before[key] is now for key, now in self._wanted.items()):
            return
        for key, (_, given) in self._viewers.items():
            for pane in given.keys() - self._wanted[key].keys():
                del given[pane]  # what a viewer lets out of sight it may forget: it gets it anew
        self._match()

    def _match(self) -> None:
        """Visible panes that are those of their agents, each with the shortest period that any viewer asks."""
        before, self._watched = self._watched, {}
        for wanted in self._wanted.values():
            for pane, want in wanted.items():
                known = self._panes.get(pane)
                if known is not None and known.deck_id == want.deck_id:
                    period = self._periods[want.tier]
                    self._watched[pane] = min(period, self._watched.get(pane, period))
        self._fresh = (self._fresh | (self._watched.keys() - before.keys())) & self._watched.keys()

    def _due(self, now: float) -> list[str]:
        """Panes never seen or just come into sight; and of those that changed, whose turn it is."""
        late = self._tick_seconds / 10
        turns = [
            (seen.slot, pane)
            for pane, period in self._watched.items()
            if (seen := self._seen.get(pane)) is not None and now + late >= seen.slot + period and self._news(pane)
        ]
        chosen = tiers.in_turn(turns, self._watched.values(), self._tick_seconds)
        return list(dict.fromkeys([*self._unseen(), *chosen]))

    def _unseen(self) -> list[str]:
        """Panes that have just come into sight, if what is known of them is old."""
        fresh = [pane for pane in self._watched if pane in self._fresh or pane not in self._seen]
        self._fresh.clear()
        return [pane for pane in fresh if pane not in self._seen or self._news(pane)]

    def _news(self, pane: str) -> bool:
        """Has it changed since its last capture, as far as tmux's clock of whole seconds can tell?"""
        seen, known, sign = self._seen[pane], self._panes[pane], self._signs.get(pane)
        if seen.picture is None or sign is None:
            return True
        size = (seen.picture.cols, seen.picture.rows)
        return sign.activity >= seen.second or size != (known.cols, known.rows) or seen.dead != sign.dead

    # -- between ticks --------------------------------------------------------------------------------------

    def _deadlines(self) -> list[float]:
        """When the next look at a single pane is due."""
        keys = [times[0] for times in self._keys.values() if times]
        return keys + [self._seen[pane].slot + period for pane, period in self._lively().items()]

    def _lively(self) -> dict[str, float]:
        """Panes that changed a moment ago, of those that are looked at more often than there are ticks."""
        now = time.monotonic()
        close = {pane: period for pane, period in self._watched.items() if period < self._tick_seconds}
        return {
            pane: period
            for pane, period in close.items()
            if (seen := self._seen.get(pane)) is not None and now - seen.changed < LIVELY
        }

    def _urgent(self, now: float) -> list[str]:
        urgent = {pane for pane, period in self._lively().items() if now >= self._seen[pane].slot + period}
        urgent.update(self._unseen())
        for pane, times in self._keys.items():
            if times and times[0] <= now:
                self._keys[pane] = [each for each in times if each > now]
                urgent.add(pane)
        return sorted(urgent & self._watched.keys())

    async def _glance(self, client: ControlClient, panes: list[str]) -> None:
        """Cursor and screen of a few panes, in one batch."""
        from agentdeck.adapters.tmux import look

        if panes:
            second = int(time.time() - _CLOCK_SLACK)
            for pane, (known, rows) in (await look(client, panes)).items():
                self._panes[pane] = known
                self._take(pane, known, rows, second)
        self._deliver()

    # -- what came --------------------------------------------------------------------------------------------

    def _take(self, pane: str, known: Pane, rows: list[str], second: int) -> None:
        self.captures += 1
        seen = self._seen.setdefault(pane, _Seen())
        now = time.monotonic()
        seen.slot = tiers.next_slot(seen.slot, self._watched.get(pane, self._tick_seconds), now)
        seen.second, seen.dead = second, known.dead
        cursor = (known.cursor_x, known.cursor_y) if known.cursor_visible and not known.dead else (-1, -1)
        old = seen.picture
        if old is not None and rows == seen.rows:
            lines = old.lines
        else:
            lines, seen.parsed = parse_next(rows, seen.parsed)
        new = PaneScreen(lines, known.cols, known.rows, *cursor, known.alternate)
        if old is not None and lines is old.lines and new == old:
            return
        seen.rows, seen.changed, seen.picture = rows, now, new
        self._keys.pop(pane, None)

    def _deliver(self) -> None:
        """Give each viewer what it shows and has not got yet."""
        for key, (viewer, given) in list(self._viewers.items()):
            for pane, want in self._wanted.get(key, {}).items():
                seen, known = self._seen.get(pane), self._panes.get(pane)
                if seen is None or seen.picture is None or known is None or known.deck_id != want.deck_id:
                    continue
                if given.get(pane) is not seen.picture:
                    given[pane] = seen.picture
                    viewer.show(pane, seen.picture)

    def _tell(self, panes: Mapping[str, Pane] | None) -> None:
        for viewer, _ in list(self._viewers.values()):
            viewer.observe(panes)


async def _open(socket: Path) -> ControlClient:
    from agentdeck.adapters.tmux import ControlClient

    return await ControlClient.open(socket)
