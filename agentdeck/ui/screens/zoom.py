"""One agent alone: its whole screen, and every key but two goes to it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.events import (
    Click,
    Key,
    MouseDown,
    MouseEvent,
    MouseMove,
    MouseScrollDown,
    MouseScrollLeft,
    MouseScrollRight,
    MouseScrollUp,
    MouseUp,
    Paste,
    Resize,
)
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from agentdeck.errors import AgentDeckError
from agentdeck.models.clock import age, now_ms
from agentdeck.models.pane import Pane
from agentdeck.models.scrollback import Scrollback
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.badges import GLYPHS, STYLES, word
from agentdeck.ui.keyboard import Keyboard
from agentdeck.ui.live import Live
from agentdeck.ui.sizes import SizeLoan
from agentdeck.ui.widgets.zoom_view import ZoomView
from agentdeck.ui.zoom_mouse import ZoomMouse

RETURN = frozenset({"ctrl+q", "ctrl+right_square_bracket", "ctrl+]"})
_RETURN_CHARACTERS = frozenset({"\x11", "\x1d"})
NOTCH = 3
"""Rows of one notch of the wheel."""
SETTLE = 0.15
"""Seconds the terminal's size must rest before the agent is given more room."""


class ZoomScreen(Screen[None]):
    """`newest` gives the agent's row as the deck knows it now; without it the one given at the start stays."""

    DEFAULT_CSS = """
    ZoomScreen { background: $surface; }
    ZoomScreen > #zoom-bar { height: 1; background: $panel; color: $foreground; }
    """
    AUTO_FOCUS = None
    ALLOW_SELECT = False
    fills = True  # who looks at it sees whatever its agent asks

    def __init__(self, row: AgentRow, live: Live, newest: Callable[[], AgentRow | None] | None = None) -> None:
        super().__init__()
        self.row = row
        self.view = ZoomView(row, self._observed)
        self.keyboard = Keyboard(live, row.agent.pane, row.agent.id, self._set_trouble)
        self.mouse = ZoomMouse(self.view, lambda: live.pane(self.row.agent.pane), self.keyboard.send)
        self.view.theirs = lambda event: self.view.back.at is None and self.mouse.wants(event)
        self.view.moved = self._moved_back
        self._fetching = False
        self._live = live
        self._newest = newest
        self._trouble = ""
        self._seen = ""
        self._loan = SizeLoan(live)
        self._rest: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="zoom-bar")
        yield self.view

    def on_mount(self) -> None:
        self.keyboard.start()
        self._live.watch(self.view)
        self.set_interval(0.5, self._update)
        self._size_soon()
        self._show_bar()

    async def on_unmount(self) -> None:
        self._live.unwatch(self.view)
        await self.keyboard.stop()
        await self._give_back()

    # -- keys -----------------------------------------------------------------------------------------------

    def on_key(self, event: Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key in RETURN or event.character in _RETURN_CHARACTERS:
            self.dismiss()
        else:
            self.view.back.leave()
            self.keyboard.press(event.key, event.character)

    def on_paste(self, event: Paste) -> None:
        event.stop()
        self.view.back.leave()
        self.keyboard.paste(event.text)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return key not in RETURN

    # -- the mouse ------------------------------------------------------------------------------------------

    @on(MouseDown)
    @on(MouseUp)
    @on(MouseMove)
    @on(MouseScrollUp)
    @on(MouseScrollDown)
    @on(MouseScrollLeft)
    @on(MouseScrollRight)
    def _mouse_acts(self, event: MouseEvent) -> None:
        """To the agent, if its program asked for the mouse; else the wheel goes back in the pane's history."""
        back = self.view.back.at is not None
        if not back and not self.view.picking and self.mouse.take(event):
            event.stop()
        elif isinstance(event, MouseScrollUp | MouseScrollDown):
            event.stop()
            self._scroll(-NOTCH if isinstance(event, MouseScrollUp) else NOTCH)

    def _scroll(self, rows: int) -> None:
        pane = self._live.pane(self.row.agent.pane)
        if pane is None or self.view.picking:
            return
        if not self.view.scroll_back(rows, pane) and rows < 0 and self.view.back.at is None:
            self.notify("nothing has scrolled off this screen; H in the deck reads what was said", timeout=3)

    def _moved_back(self) -> None:
        self._show_bar()
        if not self._fetching and self.view.back.missing() is not None:
            self._fetching = True
            self.run_worker(self._fetch(), group="history")

    async def _fetch(self) -> None:
        try:
            client, agent = self._live.client, self.row.agent
            if client is not None:
                await self.view.back.fetch(client, agent.pane, agent.id)
        finally:
            self._fetching = False

    def on_click(self, event: Click) -> None:
        event.stop()
        if event.widget is self.query_one("#zoom-bar"):
            self.dismiss()

    # -- the bar --------------------------------------------------------------------------------------------

    def set_row(self, row: AgentRow) -> None:
        """Another state of the same agent; after a resume it has another pane."""
        if row.agent.pane != self.row.agent.pane:
            self._trouble = ""
            self.view.back.leave()
            self._size_soon()
        self.row = row
        self.view.set_row(row)
        self.keyboard.pane = row.agent.pane
        self._show_bar()

    def _update(self) -> None:
        newest = self._newest() if self._newest is not None else None
        if self._newest is not None and newest is None and self.row.agent.beside and self.is_current:
            self.dismiss()  # a terminal of the human's own, which they have left
        else:
            self.set_row(newest or self.row)

    def _set_trouble(self, text: str) -> None:
        if text != self._trouble:
            self._trouble = text
            self._show_bar()

    def _observed(self, pane: Pane | None) -> None:
        seen = "its pane is gone" if pane is None else "it has ended" if pane.dead else ""
        if pane is not None and not seen and self._loan.short((pane.cols, pane.rows)):
            seen = "another zoom has less room for it"
        if seen != self._seen:
            self._seen = seen
            self._show_bar()

    def _show_bar(self) -> None:
        if self.is_mounted:
            bar = self.query_one("#zoom-bar", Static)
            bar.update(self._bar(self.size.width), layout=False)

    def _bar(self, width: int) -> Content:
        status, agent = self.row.status, self.row.agent
        since = age(now_ms() - status.since) if status.since else ""
        look = STYLES[status.state]
        left = Content.assemble(
            (f" {GLYPHS[status.state]} ", look),
            (agent.name, "bold"),
            (f"  {word(status)} {since}".rstrip(), look),
            (f"  {self._trouble or self._seen}", "$text-warning"),
            (f"  {_how_far(self.view.back.at)}" if self.view.back.at else "", "$text-accent"),
        )
        for back in (
            "every key goes to the agent; Ctrl+Q or Ctrl+] returns ",
            "Ctrl+Q or Ctrl+] returns ",
            "Ctrl+Q returns ",
        ):
            room = width - left.cell_length - len(back)
            if room > 1:
                return Content.assemble(left, " " * room, (back, "$foreground-muted"))
        keep = max(0, width - len(back) - 1)
        return Content.assemble(left.truncate(keep, ellipsis=True), " ", (back, "$foreground-muted"))

    # -- room -----------------------------------------------------------------------------------------------

    def on_resize(self, event: Resize) -> None:
        self._size_soon()

    def _size_soon(self) -> None:
        """Consider the size once it has rested for a moment."""
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(SETTLE, self._consider_size)

    async def _consider_size(self) -> None:
        """Have all of the view for the agent, when it has more room than the agent's own size and may be resized.

        With less room it holds the agent to its own size, so that no larger zoom elsewhere crops this one further.
        Inline programs print their last rows again at every resize: they keep their size, in a frame.
        """
        agent = self.row.agent
        pane, own, room = self._live.pane(agent.pane), (agent.cols, agent.rows), tuple(self.view.size)
        if not self.is_attached:
            return
        if pane is None or self._live.client is None:
            self._size_soon()
            return
        larger = room[0] >= own[0] and room[1] >= own[1] and room != own
        ours = pane.deck_id == agent.id and not pane.dead
        try:
            if ours and (pane.alternate or await asyncio.to_thread(_resize_safe, agent.harness)):
                await self._loan.hold(agent, pane.window, (room[0], room[1]) if larger else own)
            else:
                await self._loan.end()
        except (AgentDeckError, sqlite3.Error, OSError) as error:
            self._set_trouble(error.title if isinstance(error, AgentDeckError) else f"its size stays: {error}")

    async def _give_back(self) -> None:
        try:
            await self._loan.close()
        except (AgentDeckError, sqlite3.Error, OSError) as error:  # it ends with this process
            self.log.warning(str(error))


def _how_far(at: Scrollback) -> str:
    new = f", {at.live} new" if at.live else ""
    return f"{at.back} rows back{new}; typing returns"


def _resize_safe(harness: str) -> bool:
    from agentdeck.harnesses import loader

    try:
        return loader.get(harness).resize_safe
    except AgentDeckError:
        return False
