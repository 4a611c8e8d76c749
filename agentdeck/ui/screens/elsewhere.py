"""What runs outside the deck: each session with its status, its directory and what it used. Nothing is sent to any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from agentdeck.models.clock import age, now_ms
from agentdeck.services.fleet import ForeignRow
from agentdeck.ui.badges import GLYPHS, STYLES, dollars, tokens, word
from agentdeck.ui.screens.dialog import Dialog

EVERY = 1.0  # seconds between two looks at the rows


class ElsewhereDialog(Dialog[ForeignRow]):
    """Dismisses with the session to go on with. `rows` gives them as they are now; `wanted` is highlighted first."""

    BINDINGS = [Binding("R,r", "take", "go on with it here", show=False)]
    HEADING = "Sessions started outside the deck"
    KEYS = (("R", "go on with it here"), ("↑ ↓", "choose"))

    def __init__(self, rows: Callable[[], tuple[ForeignRow, ...]], wanted: str = "") -> None:
        super().__init__(classes="-large")
        self._look = rows
        self._rows: tuple[ForeignRow, ...] = ()
        self._wanted = wanted

    def body(self) -> ComposeResult:
        yield OptionList(compact=True, id="choices")
        yield Static(id="about", markup=False)

    def on_mount(self) -> None:
        self._renew()
        self.set_interval(EVERY, self._renew)

    def _renew(self) -> None:
        """The rows as they are now, with the same one highlighted."""
        listed, before = self.query_one(OptionList), self._rows
        self._rows = self._look()
        names = [row.session.session for row in self._rows]
        prompts = [line(row, now_ms()) for row in self._rows]
        if names == [row.session.session for row in before]:
            for at, prompt in enumerate(prompts):
                listed.replace_option_prompt_at_index(at, prompt)
        else:
            here = before[listed.highlighted].session.session if before and listed.highlighted is not None else ""
            wanted = here or self._wanted
            listed.set_options(Option(prompt, id=name) for prompt, name in zip(prompts, names, strict=True))
            listed.highlighted = names.index(wanted) if wanted in names else 0 if names else None
        self._tell()

    def _highlighted(self) -> ForeignRow | None:
        at = self.query_one(OptionList).highlighted
        return self._rows[at] if at is not None and at < len(self._rows) else None

    @on(OptionList.OptionHighlighted)
    def _tell(self) -> None:
        row = self._highlighted()
        self.query_one("#about", Static).update(about(row) if row else "None is left.")

    def action_take(self) -> None:
        row = self._highlighted()
        if row is not None:
            self.dismiss(row)


def line(row: ForeignRow, now: int) -> Content:
    """`● working    4m  claude  fix-login   ~/src/shop   12.3k $0.41`."""
    told, status, used = row.session, row.status, row.usage
    since = age(now - status.since) if status.since else ""
    spent = f"{tokens(used.tokens.total)} {dollars(used.cost, used.unpriced_tokens)}" if used.messages else ""
    return Content.assemble(
        (f"{GLYPHS[status.state]} {word(status)[:22]:<22}", STYLES[status.state]),
        (f"{since:>5}  ", "$foreground-muted"),
        f"{told.harness:<9}",
        (f"{(told.name or Path(told.cwd).name)[:20]:<21}", "bold"),
        (f"{spent:<18}", "$foreground-muted"),
    )


def about(row: ForeignRow) -> str:
    """The rest of what is known of the highlighted one."""
    told = row.session
    has = f"process {told.pid} has it" if told.pid else "its process has ended: R goes on with it here"
    return f"{told.cwd}\nsession {told.session}; {has}\n{row.status.why}"
