"""Find a text in everything that all agents' screens showed and that was said, as it is typed; Enter goes there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from agentdeck.models.document import Match
from agentdeck.services.fleet import AgentRow
from agentdeck.services.reading.search import Found, Searcher
from agentdeck.ui.badges import GLYPHS, STYLES
from agentdeck.ui.held_keys import KeysWanted
from agentdeck.ui.screens.choosing import ARROWS, move
from agentdeck.ui.screens.history import TITLES, Spotlight

LISTED = 50
"""Lines listed of one text: the newest."""
COUNTED = 500
"""Lines with a match that are counted in one text."""
LEAST = 2
"""Letters of a text that is worth looking for."""
PAUSE = 0.1
"""Seconds without another letter after which the search begins."""
_AROUND = 4  # lines shown above and below the highlighted one
KEYS = (("Enter", "go there"), ("↑ ↓ PgUp PgDn", "choose"), ("Esc", "back"))


class Hit(NamedTuple):
    """One line that holds the text, and where the first time."""

    found: Found
    match: Match


class SearchScreen(Screen[None], inherit_bindings=False):
    """`go` shows a hit and returns when the human comes back; `leave` hears the last text."""

    CSS_PATH = "search.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *ARROWS,
        Binding("pagedown", "page(1)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("escape,ctrl+q,ctrl+right_square_bracket", "leave", show=False, priority=True),
    ]

    def __init__(
        self,
        searcher: Searcher,
        rows: Sequence[AgentRow],
        go: Callable[[AgentRow, Spotlight], Awaitable[None]],
        text: str = "",
    ) -> None:
        super().__init__()
        self.text = text
        self.hits: dict[str, Hit] = {}
        self._searcher = searcher
        self._rows = {row.agent.id: row for row in rows}
        self._go = go
        self._told = ""

    def compose(self) -> ComposeResult:
        yield Static(id="search-bar")
        with Horizontal(id="search-line"):
            yield Label("find everywhere")
            yield Input(self.text, placeholder="a text; a capital letter makes case count", compact=True)
        yield OptionList(compact=True, id="search-hits")
        yield Static(id="search-around")
        yield Static(_key_words(), id="search-keys")

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self._tell("")
        if self.text:
            self._begin(self.text)

    def on_screen_resume(self) -> None:
        self.set_focus(self.query_one(Input))
        self.post_message(KeysWanted())

    # -- searching ------------------------------------------------------------------------------------------

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self.text:
            self._begin(event.value)

    def _begin(self, text: str) -> None:
        self.text = text
        self.run_worker(self._search(text), group="search", exclusive=True)

    async def _search(self, text: str) -> None:
        await asyncio.sleep(PAUSE)
        self.hits = {}
        self.query_one(OptionList).clear_options()
        self.query_one("#search-around", Static).update("")
        if len(text.strip()) < LEAST:
            self._tell("")
            return
        self._tell("searching ...")
        start = time.monotonic()
        trouble = await self._searcher.search(text, [row.agent for row in self._rows.values()], self._add)
        took = f"in {time.monotonic() - start:.1f} s"
        agents = len({hit.found.agent.id for hit in self.hits.values()})
        self._tell(trouble or (f"{agents} agent{'s' * (agents != 1)} {took}" if agents else f"nothing found {took}"))

    def _add(self, found: Found) -> None:
        """The hits of one text, the newest first, under the agent's name."""
        row = self._rows.get(found.agent.id)
        if row is None:
            return
        first: dict[int, Match] = {}
        for match in found.matches:
            first.setdefault(match.line, match)
        hits = [Hit(found, match) for match in reversed(first.values())][:LISTED]
        options = [Option(_heading(row, found.source, len(first), len(hits)), disabled=True)]
        for hit in hits:
            name = str(len(self.hits))
            self.hits[name] = hit
            options.append(Option(_line(hit), id=name))
        choices = self.query_one(OptionList)
        choices.add_options(options)
        if choices.highlighted is None:
            choices.action_first()

    # -- choosing -------------------------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        move(self, step)

    def action_page(self, step: int) -> None:
        choices = self.query_one(OptionList)
        if step > 0:
            choices.action_page_down()
        else:
            choices.action_page_up()

    @property
    def _highlighted(self) -> Hit | None:
        choices = self.query_one(OptionList)
        if choices.highlighted is None:
            return None
        return self.hits.get(choices.get_option_at_index(choices.highlighted).id or "")

    @on(OptionList.OptionHighlighted)
    def _show_around(self) -> None:
        hit = self._highlighted
        self.query_one("#search-around", Static).update(_around(hit) if hit else "")

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        hit = self._highlighted
        if hit is not None:
            found, match = hit
            spot = Spotlight(found.source, match.line, found.texts[match.line], self.text)
            self.run_worker(self._go(self._rows[found.agent.id], spot), group="go", exclusive=True)

    def action_leave(self) -> None:
        self.dismiss()

    # -- words ----------------------------------------------------------------------------------------------

    def _tell(self, words: str) -> None:
        where = f"in the screens and transcripts of {len(self._rows)} agents   "
        bar = Content.assemble((" Find ", "bold"), where, (words, "$text-accent"))
        self.query_one("#search-bar", Static).update(bar, layout=False)


def _heading(row: AgentRow, source: str, lines: int, listed: int) -> Content:
    state = row.status.state
    count = f"{lines}+" if lines >= COUNTED else str(lines)
    more = f", the newest {listed}" if listed < lines else ""
    words = f"  {TITLES[source]}  {count} line{'s' * (lines != 1)}{more}"
    return Content.assemble(
        (f"{GLYPHS[state]} ", STYLES[state]), (row.agent.name, "bold"), (words, "$foreground-muted")
    )


def _line(hit: Hit) -> Content:
    """The line's number, and of the line what is around the match."""
    text, match = hit.found.texts[hit.match.line], hit.match
    blank = len(text) - len(text.lstrip())
    start = match.start - 40 if match.start - blank > 60 else min(blank, match.start)
    return Content.assemble(
        (f"{match.line + 1:>7}  {'…' if start > blank else ''}", "$foreground-muted"),
        text[start : match.start],
        (text[match.start : match.end], "bold $text-warning"),
        text[match.end : match.end + 300],
    )


def _around(hit: Hit) -> Content:
    texts, at = hit.found.texts, hit.match.line
    lines = [
        Content.styled(texts[number][:400] or " ", "bold" if number == at else "$foreground-muted")
        for number in range(max(0, at - _AROUND), min(len(texts), at + _AROUND + 1))
    ]
    return Content("\n").join(lines)


def _key_words() -> Content:
    pairs = [((f" {key}", "bold $text-accent"), (f" {words}  ", "$foreground-muted")) for key, words in KEYS]
    return Content.assemble(*(part for pair in pairs for part in pair))
