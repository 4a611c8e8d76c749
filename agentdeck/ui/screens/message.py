"""A text for one agent or several, as long as it likes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Button, Static, TextArea

from agentdeck.services.fleet import AgentRow
from agentdeck.ui.badges import GLYPHS, word
from agentdeck.ui.screens.dialog import Dialog


class Note(NamedTuple):
    """`mode` is idle (wait), queue (the client's own), interrupt, or draft: nothing is sent, the text is kept."""

    text: str
    mode: str


class MessageDialog(Dialog[Note]):
    """Shows where the text goes; Enter makes a new line, so nothing leaves by accident."""

    FORGETS = False  # the draft is kept
    BINDINGS = [
        Binding("ctrl+s,ctrl+enter", "send('idle')", show=False, priority=True),
        Binding("ctrl+t", "send('queue')", show=False, priority=True),
        Binding("ctrl+r", "send('interrupt')", show=False, priority=True),
    ]

    def __init__(self, rows: Sequence[AgentRow], text: str = "") -> None:
        super().__init__()
        self._rows = rows
        self._text = text
        self._idle = all(row.status.state == "idle" for row in rows)
        self.KEYS = (("Ctrl+S", "send" if self._idle else "send when idle"),)
        if not self._idle:
            self.KEYS += (("Ctrl+T", "into its own queue"), ("Ctrl+R", "interrupt and send"))

    def heading(self) -> str:
        names = [row.agent.name for row in self._rows]
        return f"Message to {names[0]}" if len(names) == 1 else f"Message to {len(names)} agents: {', '.join(names)}"

    def body(self) -> ComposeResult:
        yield Static(self._then(), markup=False, id="text")
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

    def action_send(self, mode: str) -> None:
        self.after_typing(self._send, mode)

    def _send(self, mode: str) -> None:
        text = self.query_one(TextArea).text.strip("\n")
        if not text.strip():
            self.say("nothing is written yet")
        elif mode != "idle" and self._idle:
            self.dismiss(Note(text, "idle"))
        else:
            self.dismiss(Note(text, mode))

    def action_cancel(self) -> None:
        self.dismiss(Note(self.query_one(TextArea).text, "draft"))

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "send":
            self.action_send("idle")
        else:
            self.action_cancel()
