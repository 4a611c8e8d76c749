"""What this dashboard asked for and what came of it, newest first."""

from __future__ import annotations

import time
from collections import deque

from textual.content import Content
from textual.widgets import Static

KEPT = 200


class LogPanel(Static):
    """A bounded list; entries never change once written."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.entries: deque[tuple[str, str, str]] = deque(maxlen=KEPT)

    def write(self, what: str, outcome: str = "", style: str = "") -> None:
        self.entries.appendleft((time.strftime("%H:%M:%S"), what, outcome))
        lines = [
            Content.assemble((at, "$foreground-muted"), f" {what}", (f"  {outcome}" if outcome else "", style))
            for at, what, outcome in self.entries
        ]
        self.update(Content("\n").join(lines))

    def on_mount(self) -> None:
        if not self.entries:
            self.update(Content.styled("nothing asked yet", "$foreground-muted"))
