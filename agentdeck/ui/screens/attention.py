"""Who needs a human: a list, what the highlighted one asks or shows, and the keys that answer it from here."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from agentdeck.models.clock import now_ms
from agentdeck.services.asking.attention import NEEDS_YOU
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.badges import WORDS
from agentdeck.ui.screens.answer import question, worded
from agentdeck.ui.screens.choosing import ARROWS, LETTERS, move
from agentdeck.ui.screens.dialog import Dialog
from agentdeck.ui.widgets.peek import Peek
from agentdeck.ui.widgets.waiting_text import keys_for, line, question_of

if TYPE_CHECKING:
    from agentdeck.ui.live import Live

READ = 0.4  # seconds that a question must have stood here before a key answers it: it may have just replaced another


class AttentionScreen(Dialog[int]):
    """Dismisses with how many still need somebody; it stands while others come and go below its first ones.

    `rows` gives those that need a human now; `current` the newest row of an agent; `answer` carries out allow, deny,
    the number of an option or a text, and raises nothing: it returns what went wrong, '' when it went out. `zoom` shows
    the agent alone, `saw` notes that it was looked at.
    """

    BINDINGS = [
        Binding("y", "say('allow', 'y')", show=False),
        Binding("n", "say('deny', 'n')", show=False),
        *(Binding(str(number), f"say('{number}', '1-9')", show=False) for number in range(1, 10)),
        Binding("t", "write", show=False),
        Binding("p", "turn", show=False),
        Binding("space,w", "walk(1)", show=False),
        Binding("W", "walk(-1)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown", "scroll(10)", show=False),
        *ARROWS,
        *LETTERS,
    ]
    AUTO_FOCUS = "#choices"

    def __init__(
        self,
        rows: Callable[[], tuple[AgentRow, ...]],
        current: Callable[[str], AgentRow | None],
        answer: Callable[[AgentRow, str], Awaitable[str]],
        zoom: Callable[[AgentRow], Awaitable[None]],
        saw: Callable[[AgentRow], None],
        live: Live | None = None,
    ) -> None:
        super().__init__()
        self._rows, self._current = rows, current
        self._answer, self._zoom, self._saw, self._live = answer, zoom, saw, live
        self._ids: list[str] = [row.agent.id for row in rows()]
        self._known = {row.agent.id: row for row in rows()}
        self._waits = {row.agent.id: row.status.since for row in rows()}
        self._said: dict[str, str] = {}  # what was answered, until the agent goes on
        self._shown: AgentRow | None = None
        self._since = 0.0  # when the question on show came up
        self._turned = False
        self._peek = Peek(id="peek")

    def heading(self) -> str:
        left = [row for row in self._known.values() if not self._done(row)]
        new = sum(not row.seen for row in left)
        who = "nobody needs you any more" if not left else f"{len(left)} need{'s' * (len(left) == 1)} you"
        return f"{who}{f', {new} not seen yet' if new else ''}"

    def body(self) -> ComposeResult:
        yield OptionList(*(Option("", id=key) for key in self._ids), compact=True, id="choices")
        with VerticalScroll(id="scroll", can_focus=False):
            yield Static(id="text")
        yield self._peek
        yield Input(placeholder="in your own words; Enter sends it, Esc does not", compact=True, id="line")

    def on_mount(self) -> None:
        if self._live is not None:
            self._live.watch(self._peek)
        self.query_one(OptionList).highlighted = 0
        self.refresh_rows()
        self.set_interval(0.25, self.refresh_rows)

    def on_unmount(self) -> None:
        if self._live is not None:
            self._live.unwatch(self._peek)

    def on_resize(self, event: Resize) -> None:
        self.call_after_refresh(self.refresh_rows)

    # -- what is shown

    def _done(self, row: AgentRow) -> str:
        """Why nobody is needed any more, '' while somebody is."""
        now = self._current(row.agent.id)
        if now is None:
            return "removed"
        return "" if now.status.state in NEEDS_YOU else f"{WORDS[now.status.state]} now"

    def refresh_rows(self) -> None:
        """Nobody moves: who comes stands below, who needs nobody any more is ticked off."""
        if not self.is_mounted:
            return
        choices, now = self.query_one(OptionList), now_ms()
        for row in self._rows():
            key = row.agent.id
            if key not in self._known:
                self._ids.append(key)
                choices.add_option(Option("", id=key))
            if self._waits.get(key) != row.status.since:
                self._said.pop(key, None)
            self._known[key], self._waits[key] = row, row.status.since
        width = (choices.size.width or 94) - 2
        for key in self._ids:
            row = self._known[key] = self._current(key) or self._known[key]
            choices.replace_option_prompt(key, line(row, self._done(row) or self._said.get(key, ""), width, now))
        self.query_one("#heading", Static).update(Content.styled(self.heading(), "bold"))
        self._tell()

    def _tell(self) -> None:
        row = self.row
        if row is None:
            return
        before, self._shown = self._shown, row
        if before is None or question_of(before) != question_of(row):
            self._since = time.monotonic()
            self.query_one("#text", Static).update(question(row))
            if before is None or before.agent.id != row.agent.id:
                self._turned = False
            self.KEYS = keys_for(row)
            self.query_one("#keys", Static).update(self.key_words())
        if not row.seen:
            self._saw(row)
        screen = self._turned != (row.status.ask is None)
        self.query_one("#scroll").display = not screen
        self._peek.display = screen
        if screen and (self._peek.row is None or self._peek.row.agent != row.agent):
            self._peek.look_at(row)
            if self._live is not None:
                self._live.nudge()

    @property
    def row(self) -> AgentRow | None:
        """The highlighted agent as it is now."""
        option = self.query_one(OptionList).highlighted_option
        return self._known.get(option.id) if option is not None and option.id else None

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        self._tell()

    # -- keys

    def action_walk(self, step: int) -> None:
        """To the next that still needs somebody, going round."""
        self.say("")
        option = self.query_one(OptionList).highlighted
        start = option if option is not None else -step
        for distance in range(1, len(self._ids) + 1):
            place = (start + step * distance) % len(self._ids)
            key = self._ids[place]
            if not self._done(self._known[key]) and key not in self._said:
                self.query_one(OptionList).highlighted = place
                return

    def action_move(self, step: int) -> None:
        self.say("")
        move(self, step)

    def action_turn(self) -> None:
        self._turned = not self._turned
        self._tell()

    def action_scroll(self, lines: int) -> None:
        self.query_one("#scroll", VerticalScroll).scroll_relative(y=lines, animate=False)

    def _able(self, key: str) -> bool:
        return any(key == shown for shown, _ in self.KEYS)

    def _asked(self) -> AgentRow | None:
        """The row whose question the human has read and that still asks it; None, with the reason told."""
        shown = self._shown
        now = self._current(shown.agent.id) if shown is not None else None
        if shown is None or now is None or question_of(now) != question_of(shown):
            self.say("The question has changed or is answered already.", "Nothing was sent: look again.")
        elif shown.agent.id in self._said:
            self.say("It is answered already.", self._said[shown.agent.id])
        elif time.monotonic() - self._since < READ:
            self.say("This question has only just come up.", "Nothing was sent: read it first.")
        else:
            return shown
        return None

    def action_say(self, answer: str, key: str) -> None:
        row = self.row
        options = row.status.ask.options if row is not None and row.status.ask else ()
        if not self._able(key) or (answer.isdigit() and int(answer) > len(options)):
            return
        asked = self._asked()
        if asked is not None:
            self._send(asked, answer)

    def action_write(self) -> None:
        if self._able("t"):
            field = self.query_one(Input)
            field.add_class("-shown")
            field.focus()

    @on(Input.Submitted)
    def _written(self, event: Input.Submitted) -> None:
        asked = self._asked() if event.value.strip() else None
        if asked is not None:
            self._put_away()
            self._send(asked, worded(asked.status, event.value.strip()))

    def _put_away(self) -> None:
        field = self.query_one(Input)
        field.value = ""
        field.remove_class("-shown")
        self.query_one(OptionList).focus()

    def _send(self, row: AgentRow, said: str) -> None:
        """Off it goes, and on to the next: nobody waits for the engine."""
        self._said[row.agent.id] = f"answered: {said}"
        self.run_worker(self._carry_out(row, said), group=f"answer-{row.agent.id}", description="answer")
        self.action_walk(1)
        self.refresh_rows()

    async def _carry_out(self, row: AgentRow, said: str) -> None:
        trouble = await self._answer(row, said)
        if not self.is_attached:
            return
        if trouble:
            self._said.pop(row.agent.id, None)
            self.say(f"{row.agent.name}: {trouble}")
            self.refresh_rows()
        elif all(self._done(one) or key in self._said for key, one in self._known.items()):
            self.dismiss(0)

    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        if self.row is not None:
            self.run_worker(self._zoom(self.row), group="zoom", description="zoom")

    def action_cancel(self) -> None:
        if self.query_one(Input).has_focus:
            self._put_away()
        else:
            self.dismiss(sum(not self._done(row) for row in self._known.values()))
