"""A diff, a log, a prompt or what a proposer says just now: a text to scroll through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from agentdeck.errors import AgentDeckError
from agentdeck.ui.held_keys import KeysWanted
from agentdeck.ui.screens.standing import stands

LONGEST = 200_000  # characters: the end of a text
AGAIN = 0.5  # seconds between two looks at a text that grows
_LOOKS = {"+": "$text-success", "-": "$text-error", "@": "$text-accent", "=": "bold", "▸": "$text-accent"}


class ResearchPage(Screen[None], inherit_bindings=False):
    """`read` gives the text, in a thread; with `follow` it is read again and again, and its end stays in sight."""

    CSS_PATH = "research.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, show=False)
        for keys, action in (
            ("down,j", "go('scroll_down')"), ("up,k", "go('scroll_up')"), ("pagedown,space", "go('page_down')"),
            ("pageup,b", "go('page_up')"), ("home,g", "go('scroll_home')"), ("end,G", "go('scroll_end')"),
            ("q,escape,d,l,i,o,ctrl+q,ctrl+right_square_bracket", "leave"),
        )
    ]  # fmt: skip

    def __init__(self, title: str, read: Callable[[], str], *, follow: bool = False) -> None:
        super().__init__()
        self._title, self._read, self._follow = title, read, follow
        self._shown = ""

    def compose(self) -> ComposeResult:
        yield Static(Content(self._title), id="research-tabs")
        with VerticalScroll(id="research-page", can_focus=False):
            yield Static("reading", id="research-text")
        keys = " ↑ ↓ PgUp PgDn g G scroll   q back"
        yield Static(Content.styled(keys, "$foreground-muted"), id="research-keys")

    def on_mount(self) -> None:
        self.run_worker(self._fetch)
        if self._follow:
            self.set_interval(AGAIN, lambda: self.run_worker(self._fetch, exclusive=True))

    def on_screen_resume(self) -> None:
        self.post_message(KeysWanted())

    async def _fetch(self) -> None:
        try:
            text = await asyncio.to_thread(self._read)
        except (AgentDeckError, OSError) as error:
            text = f"{error.title}\n{error.hint}" if isinstance(error, AgentDeckError) else str(error)
        if not stands(self) or text == self._shown:
            return
        page = self.query_one("#research-page", VerticalScroll)
        at_end = page.scroll_offset.y >= page.max_scroll_y
        self._shown = text
        lines = [_coloured(line) for line in text[-LONGEST:].splitlines()]
        self.query_one("#research-text", Static).update(Content("\n").join(lines))
        if self._follow and at_end:
            self.call_after_refresh(page.scroll_end, animate=False)

    def action_go(self, how: str) -> None:
        page = self.query_one("#research-page", VerticalScroll)
        if how.startswith("page"):
            page.scroll_relative(y=(page.size.height - 1) * (1 if how == "page_down" else -1), animate=False)
        else:
            getattr(page, how)(animate=False)

    def action_leave(self) -> None:
        self.dismiss(None)


def _coloured(line: str) -> Content:
    """As git colours a diff; control characters of a log are left out."""
    clean = "".join(c for c in line.expandtabs() if c >= " ")
    return Content.styled(clean, _LOOKS.get(line[:1], ""))
