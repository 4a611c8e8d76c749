"""While you were away: a list worked off by one key an item; it goes on to the next by itself."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.events import Resize
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from agentdeck.models.clock import age, now_ms
from agentdeck.services.away import KINDS, NEVER_MS, Absence, Item, Kind, over
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.badges import CLASH, GLYPHS, dollars, tokens
from agentdeck.ui.screens.choosing import LETTERS
from agentdeck.ui.screens.dialog import Dialog
from agentdeck.ui.widgets.lines import fit

GIVES_WAY = 0.6  # seconds in which a key was meant for the deck, when this came up by itself
DETAIL = 5  # lines of it
DONE = {"answer": "answered", "zoom": "seen", "diff": "seen", "resume": "resumed", "retry": "tried again"}
HEADINGS: dict[Kind, str] = {
    "needs": "Needs you", "failed": "Failed", "collides": "In each other's way", "finished": "Finished",
}  # fmt: skip
SIGNS: dict[Kind, tuple[str, str]] = {
    "needs": (GLYPHS["needs_input"], "bold $status-needs_input"), "failed": (GLYPHS["failed"], "$status-failed"),
    "collides": (CLASH, "$text-error"), "finished": (GLYPHS["idle"], "$status-idle"),
}  # fmt: skip


def line(item: Item, done: str, width: int, now: int) -> Content:
    """`? bo        permission: bash: git push          4m   $0.12`; `done` says why nothing is left to do."""
    sign, style = ("✓", "$text-success") if done else SIGNS[item.kind]
    cost = dollars(item.usage.cost, item.usage.unpriced_tokens) if item.usage.messages else ""
    right = f"{age(now - item.at):>5} {cost:>8}"
    room = width - len(right) - 15
    muted = "$foreground-muted" if done else ""
    what = fit([(item.what, muted), (f"  {done}" if done else "", "$text-success")], room)
    name = fit([(item.name or "-", muted or "bold")], 11)
    return Content.assemble(
        (f" {sign} ", style), name, " " * (12 - name.cell_length), what, " " * max(0, room - what.cell_length),
        (right, "$foreground-muted"),
    )  # fmt: skip


def keys_for(item: Item, more: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Key and words of what can be done about an item; `more` are ids of other actions that the deck has."""
    able: list[tuple[str, str]] = []
    if item.kind == "needs":
        able.append(("a", "answer"))
    if item.kind == "failed" and (item.ended or item.task):
        able.append(("R", "retry" if item.task else "resume"))
    if item.agent:
        able.append(("Enter", "zoom"))
        if "diff" in more and item.kind in ("finished", "failed", "collides"):
            able.append(("d", "diff"))
    return (*able, ("Space", "next"), ("Esc", "leave"))


class TriageScreen(Dialog[int]):
    """Dismisses with how many items are left, None for Esc.

    `act` does one of answer, zoom, diff, resume or retry and says whether the item is dealt with;
    `current` gives an agent's row as it is now; `dealt` is where what was dealt with is kept, for
    the next time it is shown. `unasked`: it came up by itself, so a key
    pressed at that very moment was meant for the deck and closes it.
    """

    BINDINGS = [
        Binding("a", "act('a')", show=False),
        Binding("R", "act('R')", show=False),
        Binding("d", "act('d')", show=False),
        Binding("space,delete", "done", show=False),
        *LETTERS,
    ]

    def __init__(
        self,
        found: Absence,
        act: Callable[[Item, str], Awaitable[bool]],
        current: Callable[[str], AgentRow | None],
        dealt: dict[tuple[str, str, int, int], str],
        more: frozenset[str] = frozenset(),
        *,
        unasked: bool = False,
    ) -> None:
        super().__init__(classes="-large")
        self._found = found
        self._act = act
        self._current = current
        self._more = more
        self._dealt = dealt
        # place in the list: why nothing is left to do
        self._done = {n: dealt[item.key] for n, item in enumerate(found.items) if item.key in dealt}
        self._busy = False
        self._until = time.monotonic() + GIVES_WAY if unasked else 0.0

    @property
    def gives_way(self) -> bool:
        """Whether a key that comes now closes this and goes to the deck."""
        return time.monotonic() < self._until

    def heading(self) -> str:
        used, since = self._found.usage, age(self._found.until - self._found.since)
        cost = f", {tokens(used.tokens.total)} tokens, {dollars(used.cost, used.unpriced_tokens)}"
        when = "Within a day" if self._found.until - self._found.since >= NEVER_MS else f"While you were away: {since}"
        return f"{when}{cost if used.messages else ', no tokens'}"

    def body(self) -> ComposeResult:
        yield OptionList(*self._options(70), compact=True, id="choices")
        yield Static(id="detail")

    # -- what is shown

    def on_mount(self) -> None:
        self._look()
        if len(self._done) < len(self._found.items):
            self._go_on(-1)
        else:  # all was dealt with before: to look back
            self.query_one(OptionList).highlighted = 1
            self._redraw()
        self.set_interval(1.0, self._redraw)

    def on_resize(self, event: Resize) -> None:
        self.call_after_refresh(self._redraw)

    def _options(self, width: int) -> list[Option]:
        options, kind, now = [], "", now_ms()
        counts = {one: sum(item.kind == one for item in self._found.items) for one in KINDS}
        for place, item in enumerate(self._found.items):
            if item.kind != kind:
                kind = item.kind
                title = Content.styled(f"{HEADINGS[item.kind]} ({counts[item.kind]})", "bold $text-secondary")
                options.append(Option(title, disabled=True))
            options.append(Option(line(item, self._done.get(place, ""), width, now), id=str(place)))
        return options

    def _look(self) -> None:
        """What has solved itself meanwhile is ticked off."""
        for place, item in enumerate(self._found.items):
            why = over(item, self._current(item.agent)) if place not in self._done else ""
            if why:
                self._done[place] = why

    def _redraw(self) -> None:
        if not self.is_mounted or not self._found.items:
            return
        self._look()
        choices, now = self.query_one(OptionList), now_ms()
        width = (choices.size.width or 72) - 2
        for place, item in enumerate(self._found.items):
            choices.replace_option_prompt(str(place), line(item, self._done.get(place, ""), width, now))
        self._tell()

    def _tell(self) -> None:
        """What the highlighted item is about in full, and the keys for it."""
        item = self._item
        self.KEYS = keys_for(item, self._more)[:-1] if item else ()
        self.query_one("#keys", Static).update(self.key_words())
        row = self._current(item.agent) if item else None
        lines = item.detail.splitlines() if item and item.detail != item.what else []
        shown = "\n".join(lines[:DETAIL]) + (f"\nand {len(lines) - DETAIL} more lines" if len(lines) > DETAIL else "")
        branch = row.agent.branch if row else ""
        place = self._place
        done = self._done.get(place, "") if place is not None else ""
        self.query_one("#detail", Static).update(
            Content.assemble(
                (item.what if item else "", "bold"),
                (f"\n{branch}" if branch else "", "$foreground-muted"),
                f"\n{shown}" if shown else "",
                (f"\n✓ {done}" if done else "", "$text-success"),
            )  # fmt: skip
        )

    def key_words(self) -> Content:
        pairs = [*self.KEYS, ("Esc", "leave")]
        return Content("   ").join(
            Content.assemble((key, "bold $text-accent"), (f" {words}", "$foreground-muted")) for key, words in pairs
        )

    # -- where we are

    @property
    def _place(self) -> int | None:
        option = self.query_one(OptionList).highlighted_option
        return int(option.id) if option is not None and option.id is not None else None

    @property
    def _item(self) -> Item | None:
        return self._found.items[self._place] if self._place is not None else None

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        self._tell()

    def _go_on(self, place: int) -> None:
        """To the next item that is left, going round; close when there is none."""
        count = len(self._found.items)
        left = [(place + step) % count for step in range(1, count + 1) if (place + step) % count not in self._done]
        if not left:
            self.dismiss(0)
            return
        choices = self.query_one(OptionList)
        choices.highlighted = choices.get_option_index(str(left[0]))
        self._redraw()

    # -- keys

    def action_done(self) -> None:
        place = self._place
        if place is not None and not self._busy:
            self._tick(place, "seen")
            self._go_on(place)

    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        self.action_act("Enter")

    def action_act(self, key: str) -> None:
        """Do what the key means for this item; nothing for an item it means nothing to."""
        item, place = self._item, self._place
        words = dict(keys_for(item, self._more)).get(key) if item else None
        if item is None or place is None or words is None or self._busy:
            return
        if place in self._done and key in ("a", "R"):
            self._go_on(place)
            return
        self._busy = True
        self.run_worker(self._carry_out(item, place, words), description=words)

    async def _carry_out(self, item: Item, place: int, words: str) -> None:
        try:
            dealt = await self._act(item, words)
        finally:
            self._busy = False
        if self.is_attached and dealt:
            self._tick(place, DONE[words])
            self._go_on(place)
        elif self.is_attached:
            self._redraw()

    def _tick(self, place: int, why: str) -> None:
        self._done.setdefault(place, why)
        self._dealt[self._found.items[place].key] = self._done[place]

    def action_cancel(self) -> None:
        self.dismiss(len(self._found.items) - len(self._done))
