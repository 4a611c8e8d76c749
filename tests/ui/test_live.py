"""The capture loop against a tmux made by hand: what it asks for, how often, and what it survives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from agentdeck.adapters.tmux import ControlClient, TmuxError, rows
from agentdeck.config import Grid
from agentdeck.models.pane import Pane
from agentdeck.models.screen import PaneScreen, plain
from agentdeck.ui.live import Live, Want
from agentdeck.ui.tiers import Tier
from tests.waiting import wait_until

TICK = 0.02
RATES = Grid(focused_hz=1 / TICK, visible_hz=5.0, overview_hz=1.0)


class FakeTmux:
    """Panes with a text each; `activity` is the wall clock's second of the last change."""

    def __init__(self, names: str) -> None:
        self.texts = {f"%{name}": f"screen of {name}" for name in names}
        self.owners = {f"%{name}": name for name in names}
        self.activity = {f"%{name}": 0 for name in names}
        self.captured: list[str] = []
        self.listed = 0
        self.dead: set[str] = set()
        self.delay = 0.0
        self.reaped: set[str] = set()
        self.closed = asyncio.Event()

    def write(self, pane: str, text: str) -> None:
        self.texts[pane] = text
        self.activity[pane] = int(time.time())

    def _row(self, pane: str) -> str:
        values = {
            "pane_id": pane,
            "window_id": "@1",
            "@deck_id": self.owners[pane],
            "pane_width": 80,
            "pane_height": 24,
        }
        values |= {
            "cursor_flag": 1,
            "window_activity": self.activity[pane],
            "pane_dead": int(pane in self.dead),
            "pane_dead_status": 0,
            "pane_pid": 7,
        }
        names = rows.FORMAT.replace("#{", "").replace("}", "").split("\u241f")
        return "\u241f".join(str(values.get(name, "")) for name in names)

    async def command(self, *argv: str, timeout: float | None = None) -> list[str]:
        if self.closed.is_set():
            raise TmuxError("closed")
        await asyncio.sleep(self.delay)
        self.listed += 1
        if argv[-1] != rows.FORMAT:
            return [f"{pane} {self.activity[pane]} {int(pane in self.dead)}" for pane in self.texts]
        return [self._row(pane) for pane in self.texts]

    async def batch(self, commands: Sequence[Sequence[str]]) -> list[list[str] | TmuxError]:
        await asyncio.sleep(self.delay)
        return [self._one(argv) for argv in commands]

    def _one(self, argv: Sequence[str]) -> list[str] | TmuxError:
        pane = argv[argv.index("-t") + 1]
        if pane not in self.texts:
            return TmuxError("gone")
        if argv[0] == "list-panes":
            return [self._row(pane)]
        self.captured.append(pane)
        return [self.texts[pane]]

    async def close(self) -> None:
        self.closed.set()


class Watcher:
    def __init__(self, *panes: str, tier: Tier = "focused") -> None:
        self.wants = {pane: Want(pane[1:], tier) for pane in panes}
        self.shown: dict[str, str] = {}
        self.times = 0
        self.panes: list[Mapping[str, Pane] | None] = []
        self.fault = False

    def wanted(self) -> dict[str, Want]:
        return self.wants

    def show(self, pane: str, picture: PaneScreen) -> None:
        if self.fault:
            raise ZeroDivisionError
        self.times += 1
        self.shown[pane] = plain(picture.lines[0])

    def observe(self, panes: Mapping[str, Pane] | None) -> None:
        self.panes.append(panes)


@asynccontextmanager
async def running(*servers: FakeTmux) -> AsyncIterator[Live]:
    """A Live that meets one server after the other; between them it is refused once."""
    waiting = [each for server in servers for each in (None, server)][1:]

    async def connect(socket: Path) -> ControlClient:
        server = waiting.pop(0) if waiting else None
        if server is None:
            raise TmuxError("no server")
        return cast(ControlClient, server)

    live = Live(Path("/nowhere"), connect, rates=RATES, tick=TICK)
    live.start()
    try:
        yield live
    finally:
        await live.stop()


async def test_screens_come_and_quiet_panes_are_left_alone() -> None:
    server, watcher = FakeTmux("123"), Watcher("%1", "%2")
    async with running(server) as live:
        live.watch(watcher)
        await wait_until(lambda: len(watcher.shown) == 2)
        assert watcher.shown == {"%1": "screen of 1", "%2": "screen of 2"}
        assert "%3" not in server.captured
        before, ticks = len(server.captured), live.ticks
        await wait_until(lambda: live.ticks > ticks + 10)
        assert len(server.captured) == before
        assert watcher.times == 2


async def test_a_change_in_the_second_of_the_last_capture_is_not_missed() -> None:
    server, watcher = FakeTmux("1"), Watcher("%1")
    async with running(server) as live:
        live.watch(watcher)
        await wait_until(lambda: watcher.shown)
        for n in range(40):
            server.write("%1", f"text {n}")
            await asyncio.sleep(0.013)
        await wait_until(lambda: watcher.shown["%1"] == "text 39", 2.0)
        # once its second is over, one more capture settles it, and then there is peace
        await wait_until(lambda: time.time() > server.activity["%1"] + 1.2)
        before, ticks = len(server.captured), live.ticks
        await wait_until(lambda: live.ticks > ticks + 10)
        assert len(server.captured) == before


async def test_each_pane_at_its_own_rate() -> None:
    server, slow = FakeTmux("12"), Watcher("%1", tier="visible")
    fast = Watcher("%2")
    async with running(server) as live:
        live.watch(slow)
        live.watch(fast)
        started = time.monotonic()
        while time.monotonic() - started < 0.8:
            server.write("%1", f"{time.monotonic()}")
            server.write("%2", f"{time.monotonic()}")
            await asyncio.sleep(0.005)
        counts = server.captured.count("%1"), server.captured.count("%2")
        assert counts[0] <= 6 < counts[1]


async def test_a_key_is_looked_after_at_once() -> None:
    server, watcher = FakeTmux("1"), Watcher("%1", tier="overview")
    async with running(server) as live:
        live._tick_seconds = 5.0  # no tick helps
        live.watch(watcher)
        live.nudge()
        await wait_until(lambda: watcher.shown)
        server.texts["%1"] = "echo"
        started = time.monotonic()
        live.poke("%1")
        await wait_until(lambda: watcher.shown["%1"] == "echo", 1.0, interval=0.001)
        assert time.monotonic() - started < 0.5
        live.poke("%1")
        before = len(server.captured)
        await wait_until(lambda: not live._keys["%1"])  # nothing changed: all the looks were taken
        assert len(server.captured) > before


async def test_late_ticks_are_dropped() -> None:
    server, watcher = FakeTmux("1"), Watcher("%1")
    async with running(server) as live:
        live.watch(watcher)
        await wait_until(lambda: live.ticks > 2)
        server.delay = 0.3
        await wait_until(lambda: server.listed and live.ticks, 1.0)
        await asyncio.sleep(0.7)
        server.delay = 0.0
        ticks = live.ticks
        await asyncio.sleep(0.1 + TICK * 4)
        assert live.ticks - ticks <= 20  # 35 ticks were missed and are not made up for


async def test_another_agents_pane_is_not_shown() -> None:
    server, watcher = FakeTmux("1"), Watcher("%1")
    server.owners["%1"] = "stranger"
    async with running(server) as live:
        live.watch(watcher)
        await wait_until(lambda: live.ticks > 5)
        assert not watcher.shown and not server.captured


async def test_the_server_goes_and_another_comes() -> None:
    first, second, watcher = FakeTmux("1"), FakeTmux("1"), Watcher("%1")
    second.texts["%1"] = "second life"
    async with running(first, second) as live:
        live.watch(watcher)
        await wait_until(lambda: watcher.shown == {"%1": "screen of 1"})
        await first.close()
        await wait_until(lambda: None in watcher.panes)
        await wait_until(lambda: watcher.shown == {"%1": "second life"})
        assert watcher.panes[-1] is not None and live.client is not None


async def test_a_faulty_viewer_ends_nothing() -> None:
    first, second, watcher = FakeTmux("1"), FakeTmux("1"), Watcher("%1")
    async with running(first, second) as live:
        watcher.fault = True
        live.watch(watcher)
        await wait_until(first.closed.is_set)
        watcher.fault = False
        await wait_until(lambda: watcher.shown)


async def test_paused_it_asks_nothing() -> None:
    server, watcher = FakeTmux("1"), Watcher("%1")
    async with running(server) as live:
        live.watch(watcher)
        await wait_until(lambda: live.ticks > 2)
        live.pause()
        await asyncio.sleep(TICK * 2)
        listed = server.listed
        await asyncio.sleep(TICK * 10)
        assert server.listed == listed
        live.resume()
        await wait_until(lambda: server.listed > listed)


async def test_a_new_viewer_gets_what_is_known_without_a_capture() -> None:
    server, one, two = FakeTmux("1"), Watcher("%1"), Watcher("%1")
    async with running(server) as live:
        live.watch(one)
        await wait_until(lambda: one.shown)
        before = len(server.captured)
        live.watch(two)
        await wait_until(lambda: two.shown)
        assert len(server.captured) == before
        live.unwatch(one)
        server.write("%1", "news")
        await wait_until(lambda: two.shown["%1"] == "news")
        assert one.shown["%1"] != "news"


async def test_who_lets_a_screen_out_of_sight_gets_it_again_when_it_comes_back() -> None:
    tmux, watcher = FakeTmux("12"), Watcher("%1", "%2")
    async with running(tmux) as live:
        live.watch(watcher)
        await wait_until(lambda: len(watcher.shown) == 2)
        both, watcher.wants = watcher.wants, {"%2": watcher.wants["%2"]}
        watcher.shown.clear()  # as a tile forgets that goes away
        at = live.ticks
        await wait_until(lambda: live.ticks > at + 2)
        watcher.wants = both
        await wait_until(lambda: watcher.shown.get("%1") == "screen of 1")
        assert "%2" not in watcher.shown, "what stayed in sight is not given again"


async def test_what_comes_into_sight_is_looked_at_before_the_next_tick() -> None:
    server, watcher = FakeTmux("12"), Watcher("%1", tier="overview")
    async with running(server) as live:
        live.watch(watcher)
        await wait_until(lambda: watcher.shown)
        live._tick_seconds = 60.0
        ticks = live.ticks
        await wait_until(lambda: live.ticks > ticks)
        watcher.wants = {"%2": Want("2", "overview")}
        live.nudge()
        await wait_until(lambda: "%2" in watcher.shown, 1.0)
        assert live.ticks == ticks + 1


async def test_many_slow_screens_take_turns() -> None:
    names = [str(number) for number in range(20)]
    server = FakeTmux("")
    for name in names:
        server.texts[f"%{name}"], server.owners[f"%{name}"], server.activity[f"%{name}"] = "x", name, 0
    watcher = Watcher(*server.texts, tier="visible")
    async with running(server) as live:
        live.watch(watcher)
        await wait_until(lambda: len(watcher.shown) == 20)  # all at once, at first
        most, seen = 0, set()
        started, before = time.monotonic(), len(server.captured)
        while time.monotonic() - started < 1.0:
            for pane in server.texts:
                server.write(pane, f"{time.monotonic()}")
            taken, ticks = len(server.captured), live.ticks
            await wait_until(lambda ticks=ticks: live.ticks > ticks, interval=0.002)
            most = max(most, len(server.captured) - taken)
            seen |= set(server.captured[taken:])
        assert most <= 8 and len(seen) == 20  # 20 panes at 5 Hz are 2 of each tick of 20 ms
        assert len(server.captured) - before <= 20 * 5 * 1.3


async def test_who_comes_goes_or_dies_is_told_at_the_next_tick() -> None:
    server, watcher = FakeTmux("12"), Watcher("%1")
    async with running(server) as live:
        live.watch(watcher)
        await wait_until(lambda: watcher.shown)
        live._whole_due = time.monotonic() + 3600  # no whole list is due

        def told() -> dict[str, bool]:
            panes = watcher.panes[-1] or {}
            return {pane: known.dead for pane, known in panes.items()}

        server.dead.add("%1")
        await wait_until(lambda: told() == {"%1": True, "%2": False})
        live._whole_due = time.monotonic() + 3600
        server.texts["%3"], server.owners["%3"], server.activity["%3"] = "x", "3", 0
        await wait_until(lambda: set(told()) == {"%1", "%2", "%3"})
        live._whole_due = time.monotonic() + 3600
        del server.texts["%2"]
        await wait_until(lambda: set(told()) == {"%1", "%3"})
