"""The ledger as a table: only the lines in sight are made, so that fifty thousand experiments cost what thirty do."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.events import Click, MouseScrollDown, MouseScrollUp, Resize
from textual.message import Message

from agentdeck.models.experiment import Experiment
from agentdeck.ui import places
from agentdeck.ui.widgets import research_text as words
from agentdeck.ui.widgets.lines import LineWidget

HEAD = 1
WHEEL = 3


class ResearchTable(LineWidget):
    """`shown` are its experiments, the newest first; `at` is the chosen one's place among them."""

    class Moved(Message):
        """Another experiment is chosen."""

    class Opened(Message):
        """The chosen experiment was clicked twice."""

    COMPONENT_CLASSES = {"table--head", "table--line", "table--chosen"}
    DEFAULT_CSS = """
    ResearchTable {
        & > .table--head { background: $panel; color: $foreground-muted; }
        & > .table--line { background: $background; color: $foreground; }
        & > .table--chosen { background: $primary-muted; color: $foreground; }
    }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.shown: Sequence[Experiment] = ()
        self.at = 0
        self.total = 0
        self._first = 0

    @property
    def chosen(self) -> Experiment | None:
        return self.shown[self.at] if self.at < len(self.shown) else None

    @property
    def room(self) -> int:
        return max(1, self.size.height - HEAD)

    def fill(self, shown: Sequence[Experiment], total: int) -> None:
        """Other experiments, of `total` in all. Who stands on the newest stays on the newest; else the choice stays."""
        kept = self.chosen
        newest = self.at == 0
        self.shown, self.total = shown, total
        self.at = 0 if newest or kept is None else self._place_of(kept)
        self._scroll()

    def _place_of(self, kept: Experiment) -> int:
        """Where it, or the next older one, stands now: `n` falls from line to line."""
        low, high = 0, len(self.shown)
        while low < high:
            middle = (low + high) // 2
            if self.shown[middle].n > kept.n:
                low = middle + 1
            else:
                high = middle
        return min(low, max(0, len(self.shown) - 1))

    def move(self, step: int) -> None:
        """Choose the one so many lines further down."""
        to = max(0, min(len(self.shown) - 1, self.at + step))
        if to != self.at:
            self.at = to
            self._scroll()
            self.post_message(self.Moved())

    def _scroll(self) -> None:
        self._first = places.scrolled(self._first, self.at, len(self.shown), self.room)
        self.draw()

    # -- drawing

    def on_resize(self, event: Resize) -> None:
        self._scroll()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_attached and self.size.width:
            self.draw()

    def draw(self) -> None:
        width, height = self.size
        if not width or not height:
            return
        self.forget_rows()
        columns = words.columns(width - 2)
        where = f"{self.at + 1 if self.shown else 0} of {len(self.shown)}"
        if self.total != len(self.shown):
            where += f" (all: {self.total})"
        self.put(0, self.text_row(Content(f" {words.header(columns, width - 2, where)}"), "table--head"))
        for y in range(self.room):
            n = self._first + y
            if n < len(self.shown):
                line = Content.assemble(" ", words.line(self.shown[n], columns))
                self.put(y + HEAD, self.text_row(line, "table--chosen" if n == self.at else "table--line"))
        if not self.shown:
            self.put(HEAD + 1, self.text_row(Content(f"  {words.nothing(self.total)}"), "table--line"))

    # -- the mouse

    def on_click(self, event: Click) -> None:
        n = self._first + event.y - HEAD
        if event.y >= HEAD and n < len(self.shown):
            self.move(n - self.at)
            if event.chain == 2:
                self.post_message(self.Opened())

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.move(WHEEL)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.move(-WHEEL)
