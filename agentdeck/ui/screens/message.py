"""A text for one agent or several, as long as it likes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Button, Static, TextArea

from agentdeck.errors import AgentDeckError
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.badges import GLYPHS, word
from agentdeck.ui.screens.dialog import Dialog

Cancel = Callable[[str], Awaitable[object]]
WAITING = 4  # lines of texts that wait already


class Note(NamedTuple):
    """`mode` is idle (wait), queue (the client's own), interrupt, or draft: nothing is sent, the text is kept.

    `command`: a leading `/` or `!` is meant for the client.
    """

    text: str
    mode: str
    command: bool = False


class Waiting(NamedTuple):
    """A text that waits for one of these agents already."""

    id: str
    name: str
    text: str
    why: str


class MessageDialog(Dialog[Note]):
    """Shows where the text goes; Enter makes a new line, so nothing leaves by accident."""

    FORGETS = False  # the draft is kept
    BINDINGS = [
        Binding("ctrl+s,ctrl+enter", "send('idle')", show=False, priority=True),
        Binding("ctrl+t", "send('queue')", show=False, priority=True),
        Binding("ctrl+r", "send('interrupt')", show=False, priority=True),
        Binding("ctrl+o", "send('idle', True)", show=False, priority=True),
        Binding("ctrl+b", "take_back", show=False, priority=True),
    ]

    def __init__(
        self, rows: Sequence[AgentRow], text: str = "", waiting: Sequence[Waiting] = (), cancel: Cancel | None = None
    ) -> None:
        """`cancel` takes back a waiting text by its id; it raises AgentDeckError when that has gone out."""
        super().__init__()
        self._rows = rows
        self._text = text
        self._waiting = list(waiting)
        self._cancel = cancel
        self._idle = all(row.status.state == "idle" for row in rows)
        self.KEYS = (("Ctrl+S", "send" if self._idle else "send when idle"),)
        if not self._idle:
            self.KEYS += (("Ctrl+T", "into its own queue"), ("Ctrl+R", "interrupt and send"))
        self.KEYS += (("Ctrl+O", "as a /command"),)
        if waiting:
            self.KEYS += (("Ctrl+B", "take back the last"),)

    def heading(self) -> str:
        names = [row.agent.name for row in self._rows]
        return f"Message to {names[0]}" if len(names) == 1 else f"Message to {len(names)} agents: {', '.join(names)}"

    def body(self) -> ComposeResult:
        yield Static(self._then(), markup=False, id="text")
        if self._waiting:
            yield Static(self._waits(), markup=False, id="waiting")
        yield TextArea(self._text, id="message", compact=True)
        with Horizontal(classes="buttons"):
            yield Button("Send", id="send", compact=True, variant="primary")
            yield Button("Cancel", id="cancel", compact=True)

    def _then(self) -> str:
        """When the text will arrive."""
        if len(self._rows) == 1:
            status = self._rows[0].status
            then = "it goes out at once" if self._idle else "it waits until the agent is idle"
            return f"{GLYPHS[status.state]} {word(status)}: {then}"
        ready = sum(row.status.state == "idle" for row in self._rows)
        return (
            f"to {ready} at once, to {len(self._rows) - ready} when they are idle"
            if not self._idle
            else "to all at once"
        )

    def _waits(self) -> str:
        """The texts that go out before this one, the newest last."""
        many = len(self._rows) > 1
        lines = [f"waits: {one.name + ' ' if many else ''}'{one.text}' {one.why}".rstrip() for one in self._waiting]
        more = [f"and {len(lines) - WAITING} more"] if len(lines) > WAITING else []
        return "\n".join([*more, *lines[-WAITING:]])

    def action_take_back(self) -> None:
        if self._waiting and self._cancel is not None:
            self.run_worker(self._take_back(self._waiting[-1], self._cancel), exclusive=True)

    async def _take_back(self, last: Waiting, cancel: Cancel) -> None:
        try:
            await cancel(last.id)
        except AgentDeckError as error:
            self.say(error.title, error.hint)
            return
        self._waiting.remove(last)
        self.query_one("#waiting", Static).update(self._waits())
        self.say(f"taken back: '{last.text}'", style="$text-success")

    def action_send(self, mode: str, command: bool = False) -> None:
        self.after_typing(self._send, mode, command)

    def _send(self, mode: str, command: bool) -> None:
        text = self.query_one(TextArea).text.strip("\n")
        if not text.strip():
            self.say("nothing is written yet")
        elif mode != "idle" and self._idle:
            self.dismiss(Note(text, "idle", command))
        else:
            self.dismiss(Note(text, mode, command))

    def action_cancel(self) -> None:
        self.dismiss(Note(self.query_one(TextArea).text, "draft"))

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "send":
            self.action_send("idle")
        else:
            self.action_cancel()
