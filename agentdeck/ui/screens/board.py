"""The board: every task by state, what can be done about it by one key, and who is free for the next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.events import Resize
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from agentdeck.models.clock import age, now_ms
from agentdeck.services.queue.board import ORDER, Board, Card, able
from agentdeck.services.queue.dependencies import UNAPPROVED
from agentdeck.ui.badges import dollars
from agentdeck.ui.screens.choosing import LETTERS
from agentdeck.ui.screens.dialog import Dialog
from agentdeck.ui.screens.standing import stands
from agentdeck.ui.widgets.lines import fit

EVERY = 1.0  # seconds between looks
SIGNS: dict[str, tuple[str, str]] = {
    "review": ("◆", "bold $status-needs_input"), "failed": ("✗", "$status-failed"), "blocked": ("⊘", "$text-warning"),
    "verifying": ("⚙", "$status-working"), "running": ("●", "$status-working"), "queued": ("○", "$status-idle"),
    "accepted": ("✓", "$text-success"), "landed": ("✓", "$text-success"), "cancelled": ("–", "$foreground-muted"),
}  # fmt: skip
HEADINGS = {
    "review": "For you to judge", "failed": "Failed", "blocked": "Blocked", "verifying": "Being verified",
    "running": "Running", "queued": "Queued", "accepted": "Accepted", "landed": "Landed", "cancelled": "Cancelled",
}  # fmt: skip
KEYS = {
    "accept": ("y", "accept"), "reject": ("x", "reject"), "retry": ("R", "retry"), "approve": ("y", "approve"),
    "edit": ("e", "edit"), "cancel": ("x", "cancel"), "priority": ("+ -", "priority"), "land": ("y", "land"),
}  # fmt: skip


def keys_for(card: Card) -> tuple[tuple[str, str], ...]:
    """Key and words of what can be done about a task."""
    verbs = able(card.state, card.reason != UNAPPROVED)
    diff = (("d", "diff"),) if card.tries else ()
    return (("Enter", "read"), *(KEYS[verb] for verb in verbs), *diff, ("n", "new task"), ("s", "spec"))


def line(card: Card, width: int, now: int) -> Content:
    """`◆ #12  Mend the parser  protected: check.sh was changed   ada  2 tries   4m   $0.12`."""
    sign, style = SIGNS[card.state]
    tries = f"{card.tries} tries" if card.tries > 1 else ""
    cost = dollars(card.cost, 0) if card.cost else ""
    right = f" {card.agent[:12]:12} {tries:8} {age(now - card.since):>5} {cost:>7}"
    left = f" {sign} #{card.id:<4} "
    rank = f"{card.priority:+d} " if card.priority else ""
    reason = card.step if card.state == "verifying" else card.reason
    room = max(10, width - len(right) - len(left))
    what = fit([(rank, "$text-accent"), (card.title, ""), (f"  {reason}" if reason else "", "$foreground-muted")], room)
    return Content.assemble(
        (left, style), what, " " * max(0, room - what.cell_length), (right, "$foreground-muted")
    )  # fmt: skip


def idle_words(board: Board) -> Content:
    """`free: ada → #12 Mend the parser, bo (nothing is ready for it)`."""
    if not board.idle:
        return Content.styled("no agent is free", "$foreground-muted")
    parts = [
        f"{one.agent} → #{one.task} {one.title}" if one.task else f"{one.agent} (nothing is ready for it)"
        for one in board.idle
    ]
    return Content.assemble(("free: ", "bold $status-idle"), ", ".join(parts))


class BoardScreen(Dialog[None]):
    """`load` reads the board; `act` does one of the verbs of `services.board.able`, or read, diff, new and spec."""

    BINDINGS = [
        *(Binding(key, f"press('{key}')", show=False) for key in ("y", "x", "R", "e", "d", "n", "s")),
        Binding("plus,equals_sign", "press('+')", show=False),
        Binding("minus", "press('-')", show=False),
        *LETTERS,
    ]

    def __init__(self, board: Board, load: Callable[[], Awaitable[Board]], act: Callable[..., Awaitable[None]]) -> None:
        super().__init__(classes="-large")
        self._board = board
        self._load = load
        self._act = act
        self._busy = False
        self._shown: tuple[object, ...] = ()

    def heading(self) -> str:
        return "Tasks"

    def body(self) -> ComposeResult:
        yield Static(id="idle")
        yield OptionList(compact=True, id="choices")
        yield Static(id="detail")

    def on_mount(self) -> None:
        self._show()
        self.set_interval(EVERY, self._refresh)

    def on_resize(self, event: Resize) -> None:
        self.call_after_refresh(self._show, True)

    async def _refresh(self) -> None:
        if not self._busy:
            await self.look()

    async def look(self) -> None:
        """Read the board anew; what is highlighted stays so."""
        board = await self._load()
        if stands(self) and board != self._board:
            self._board = board
            self._show(True)
        elif stands(self):
            self._tell()

    # -- what is shown

    def _show(self, again: bool = False) -> None:
        choices, now = self.query_one(OptionList), now_ms()
        width = (choices.size.width or 90) - 2
        kept = choices.highlighted_option.id if choices.highlighted_option else None
        place = choices.highlighted
        choices.clear_options()
        choices.add_options(self._options(width, now))
        ids = [choices.get_option_at_index(n).id for n in range(choices.option_count)]
        if kept and kept in ids:
            choices.highlighted = ids.index(kept)
        elif ids:
            enabled = [n for n, one in enumerate(ids) if one]
            choices.highlighted = min(enabled, key=lambda n: abs(n - (place or 0)), default=None)
        self._tell()

    def _options(self, width: int, now: int) -> list[Option]:
        options: list[Option] = []
        for state in ORDER:
            cards = [card for card in self._board.cards if card.state == state]
            if not cards:
                continue
            count = self._board.counts.get(state, len(cards))
            more = f", the first {len(cards)}" if count > len(cards) else ""
            title = Content.styled(f"{HEADINGS[state]} ({count}{more})", "bold $text-secondary")
            options.append(Option(title, disabled=True))
            options += [Option(line(card, width, now), id=str(card.id)) for card in cards]
        return options

    def _tell(self) -> None:
        card = self.card
        self.KEYS = keys_for(card) if card else (("n", "new task"), ("s", "spec"))
        self.query_one("#keys", Static).update(self.key_words())
        self.query_one("#idle", Static).update(
            Content("\n").join(
                [idle_words(self._board), *(Content.styled(p, "$text-warning") for p in self._board.paused)]
            )
        )
        empty = "" if self._board.cards else "nothing is in the queue: n writes a task, s picks a spec"
        self.query_one("#detail", Static).update(
            Content.assemble((card.title, "bold"), f"\n{card.reason}") if card else Content(empty)
        )

    @property
    def card(self) -> Card | None:
        """The task that is highlighted."""
        option = self.query_one(OptionList).highlighted_option
        wanted = int(option.id) if option is not None and option.id else 0
        return next((card for card in self._board.cards if card.id == wanted), None)

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        self._tell()

    # -- keys

    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        self.action_press("Enter")

    def action_press(self, key: str) -> None:
        """Do what the key means for the highlighted task; nothing when it means nothing."""
        card = self.card
        pairs = keys_for(card) if card else self.KEYS
        words = next((words for keys, words in pairs if key in keys.split()), None)
        if words is None or self._busy:
            return
        self._busy = True
        self.run_worker(self._carry_out(words, card, key), description=words)

    async def _carry_out(self, words: str, card: Card | None, key: str) -> None:
        try:
            await self._act(words, card, key)
        finally:
            self._busy = False
        if stands(self):
            await self.look()
