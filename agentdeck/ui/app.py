"""Wires the dashboard together: bridge, deck, live screens, theme, keys. What a key does is elsewhere.

Nothing is done before the first paint that can wait for it: the engine, tmux and the
database are called from workers that start afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import App
from textual.binding import Binding
from textual.events import Event, Key, MouseDown, Resize
from textual.message_pump import MessagePump
from textual.notifications import Notify
from textual.screen import Screen

from agentdeck import config, paths
from agentdeck.errors import AgentDeckError
from agentdeck.models.status import Status
from agentdeck.services.fleet import AgentRow, Fleet
from agentdeck.ui import attention, themes
from agentdeck.ui.actions import check_keymap
from agentdeck.ui.bridge import Bridge, FleetChanged, Trouble
from agentdeck.ui.held_keys import KeysWanted
from agentdeck.ui.screens.deck import DeckScreen
from agentdeck.ui.screens.too_small import LEAST, TooSmall
from agentdeck.ui.sizes import SizeWatch
from agentdeck.ui.toolbox import clashes

if TYPE_CHECKING:
    from agentdeck.ui.live import Live

STORE = 2.0  # seconds that leaving waits for the view to be stored
SETTLE = 0.05  # seconds after a resize until every screen has heard of it
STRAYS = 2.0  # seconds after an engine was called for until one looks for agents without a row
GROWN = 5.0  # seconds until a dashboard has loaded what it uses all the time
RECALL = 5.0  # seconds between two calls for an engine that is not there


def _live(socket: Path, rates: config.Grid) -> Live:
    from agentdeck.ui.live import Live

    return Live(socket, rates=rates)


class DeckApp(App[int], inherit_bindings=False):
    """`bridge` and `live` make what connects to the deck; tests give their own, or no `live` at all."""

    CSS_PATH = "deck.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "agentdeck"
    # Textual's own Ctrl+Q and Ctrl+P are not inherited; Ctrl+C must not end agents' work by habit either.
    BINDINGS = [Binding("ctrl+c", "hint_leave", show=False)]

    def __init__(
        self,
        view: str = "default",
        repo: Path | None = None,
        *,
        settings: config.Config | None = None,
        bridge: Callable[[MessagePump, str], Bridge] = Bridge,
        live: Callable[[Path, config.Grid], Live] | None = _live,
    ) -> None:
        super().__init__()
        self.settings = settings or config.Config()
        self._problems = check_keymap(self.settings.keys)
        self.bridge = bridge(self, view)
        self._make_live = live
        self._sizes = SizeWatch()
        self._calling = False
        self._strays: set[str] = set()
        self._quiet_until = 0.0
        self._terminal_title = ""
        self._needing: dict[str, Status] | None = None  # None before the first look: what needs a human then is no news
        self._ringing: list[tuple[str, Status]] = []  # what the next bell tells of
        self._rang = 0.0
        keymap = {} if self._problems else self.settings.keys
        self.set_keymap(keymap)
        self.deck = DeckScreen(self.bridge, repo, keymap, self.settings)
        # before the first style is read: a later theme would have all of them read again
        theme, problems = themes.find(self.settings.theme)
        self.register_theme(theme)
        self.theme = theme.name
        self._problems += [*problems, *clashes(self.settings.tools, keymap).values()]

    def get_default_screen(self) -> Screen[None]:
        return self.deck

    def on_mount(self) -> None:
        self.call_after_refresh(self._connect)

    def _connect(self) -> None:
        """After the first paint."""
        self.bridge.start()
        self.run_worker(self.deck.look_around(), group="tools", description="look for tools")
        for problem in self._problems:
            self.notify(problem, title="config.toml", severity="warning", timeout=10, markup=False)
        if self._make_live is not None:
            self.deck.live = self._make_live(paths.tmux_socket(), self.settings.grid)
            self.deck.live.watch(self.deck.stage)
            self.deck.live.start()
        self._call_engine()
        # what is there by now stays: a collection that walks through all of it stops the screen for 50 ms
        self.set_timer(GROWN, gc.freeze)

    # -- the engine

    def _call_engine(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self._calling and now >= self._quiet_until:
            self._calling = True
            self.run_worker(self._ensure_engine(), group="engine", description="ensure the engine")

    async def _ensure_engine(self) -> None:
        try:
            await self.bridge.ensure_engine()
        except AgentDeckError as error:
            self.on_trouble(Trouble(error.title, error.hint))
            self._quiet_until = asyncio.get_running_loop().time() + RECALL * 6
        else:
            self._quiet_until = asyncio.get_running_loop().time() + RECALL
            self.set_timer(STRAYS, self._look_for_strays)
        finally:
            self._calling = False

    def _look_for_strays(self) -> None:
        self.run_worker(self._tell_strays(), group="strays", description="look for agents without a row")

    async def _tell_strays(self) -> None:
        """Once: a human decides about agents that survived their rows."""
        with contextlib.suppress(AgentDeckError, OSError, sqlite3.Error):
            found = set(await self.bridge.strays())
            if found - self._strays:
                self._strays |= found
                names = ", ".join(sorted(found))
                more = f"{names}. `agentdeck adopt` lists them, `agentdeck adopt --yes` brings them back."
                self.deck.tell("Agents without a row in the deck's database", more, "warning", seconds=20)
                self.deck.note(f"without a row: {names}", "agentdeck adopt", "$text-warning")

    # -- what arrives

    async def on_event(self, event: Event) -> None:
        """Keys act in the order in which they were typed, whatever a key before them opens."""
        if isinstance(event, Key | MouseDown) and not event.is_forwarded:
            self._present(event)
        if self.deck.held.take(event):
            return
        # Textual would send the key through the queue of the grid, and the next one might overtake what it does.
        fresh = event if isinstance(event, Key) and not event.is_forwarded and self._on_tiles else None
        if fresh is None or not await self._check_bindings(fresh.key):
            await super().on_event(event)

    def _present(self, event: Key | MouseDown) -> None:
        """The human is here. A list that came up by itself under their hands gives way."""
        self.deck.presence.acts()
        if isinstance(event, Key) and self.screen_stack and getattr(self.screen, "gives_way", False):
            self.screen.dismiss(None)

    @property
    def _on_tiles(self) -> bool:
        """Whether keys are the deck's own: no dialog, no panel and no line to type in has them."""
        shown = bool(self.screen_stack) and self.screen is self.deck
        return shown and self.deck.is_mounted and self.focused in (None, self.deck.stage)

    async def on_keys_wanted(self, event: KeysWanted) -> None:
        for typed in self.deck.held.release(event.token):
            await self.on_event(typed)

    def on_fleet_changed(self, event: FleetChanged) -> None:
        self.deck.take(event.fleet)
        self._call_attention(event.fleet)
        self._sizes.hear(self.deck.live, event.fleet.leases)
        if not event.fleet.engine.alive:
            self._call_engine()

    def _call_attention(self, fleet: Fleet) -> None:
        """The terminal's title says how many need a human; its bell rings once for those that newly do."""
        place = self.deck.repo.name if self.deck.repo else ""
        title, needing = attention.title(fleet, place), attention.needing(fleet)
        if title != self._terminal_title:
            self._write_terminal(("" if self._terminal_title else attention.PUSH) + attention.sequence(title))
            self._terminal_title = title
        if self.settings.bell and self._needing is not None:
            self._plan_bell(attention.news(self._needing, needing))
        self._needing = needing

    def _plan_bell(self, news: list[tuple[str, Status]]) -> None:
        """Soon, but not within BELL_SECONDS of the last one: many at once are told by one."""
        looked_at = self._looked_at
        for row in (self.deck.newest(agent) for agent, _ in news if agent == looked_at):
            if row is not None:
                self.deck.saw(row)
        news = [(agent, status) for agent, status in news if agent != looked_at]
        if news and not self._ringing:
            wait = self._rang + attention.BELL_SECONDS - asyncio.get_running_loop().time()
            self.set_timer(max(0.01, wait), self._ring)
        self._ringing += news

    @property
    def _looked_at(self) -> str:
        """The agent that fills the screen, whose waits are seen as they come; '' for none."""
        row = getattr(self.screen, "row", None) if self.screen_stack else None
        return row.agent.id if isinstance(row, AgentRow) and getattr(self.screen, "fills", False) else ""

    def _ring(self) -> None:
        told, self._ringing = self._ringing, []
        self._rang = asyncio.get_running_loop().time()
        self.run_worker(self._ring_once(told), group="bell", description="the bell")

    async def _ring_once(self, told: list[tuple[str, Status]]) -> None:
        """Of several dashboards the first one rings."""
        with contextlib.suppress(AgentDeckError, OSError, sqlite3.Error):
            if await self.bridge.claim_bell(told):
                self.bell()

    def _write_terminal(self, text: str) -> None:
        """As Textual's own `bell` does."""
        if not self.is_headless and self._driver is not None:
            self._driver.write(text)

    def on_trouble(self, event: Trouble) -> None:
        self.deck.note(event.title, event.hint, "$foreground-muted")
        self.deck.tell(event.title, event.hint, "error", seconds=15)

    def on_resize(self, event: Resize) -> None:
        # Not at once: a screen that comes up while Textual still hands out the new size is laid
        # out for both sizes in turn, for ever.
        self.set_timer(SETTLE, self._judge_size)

    def _judge_size(self) -> None:
        """A terminal too small for a deck says so, whatever stood on it before."""
        if not self.screen_stack:
            return  # on the way out
        small = self.size.width < LEAST[0] or self.size.height < LEAST[1]
        if small and not isinstance(self.screen, TooSmall):
            self.push_screen(TooSmall())
        elif not small and isinstance(self.screen, TooSmall):
            self.pop_screen()

    @on(Notify)
    def say_once(self, event: Notify) -> None:
        """The same words again while they stand there add no second toast."""
        new = event.notification
        if any((old.message, old.title) == (new.message, new.title) for old in self._notifications):
            event.prevent_default()

    # -- leaving

    def action_hint_leave(self) -> None:
        self.notify("q leaves; agents and engine go on", timeout=3)

    def action_leave(self) -> None:
        self.exit(0)

    async def on_unmount(self) -> None:
        if self._terminal_title:
            self._write_terminal(attention.POP)
        await self._sizes.stop()
        if self.deck.live is not None:
            await self.deck.live.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(STORE):
                await self.deck.keeper.flush()
        await asyncio.to_thread(self.bridge.stop)


def repository(directory: Path) -> Path | None:
    """The repository that `directory` is in, by looking alone: git itself is asked after the first paint."""
    for place in (directory, *directory.parents):
        if (place / ".git").exists() or ((place / "HEAD").is_file() and (place / "objects").is_dir()):
            return place
    return None


def run_dashboard(view: str, directory: Path) -> int:
    """Show the deck of the repository around `directory` until the human leaves; the exit code.

    Raises UsageError for a malformed config file.
    """
    app = DeckApp(view, repository(directory.absolute()), settings=config.load())
    app.run()
    return app.return_code or 0
