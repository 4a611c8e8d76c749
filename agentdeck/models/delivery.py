"""One text handed to one agent, with its receipt. At most once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DeliveryState = Literal["queued", "pasted", "submitted", "acknowledged", "uncertain", "refused"]
Mode = Literal["idle", "follow", "queue", "interrupt"]
OPEN: tuple[DeliveryState, ...] = ("queued", "pasted", "submitted")


@dataclass(frozen=True, slots=True)
class Delivery:
    """Times are UTC milliseconds, 0 for not yet.

    `mode`: `idle` waits until the agent is at rest, `follow` until a turn has ended well, `queue` hands it to the
    client's own queue, `interrupt` interrupts first. `command`: a leading `/` or `!` is meant for the client.
    `note` says what was left out of the text; `tries` counts pastes, `interrupted` is when a turn was ended for it,
    `batch` is shared by the texts of one broadcast.
    """

    id: str
    agent: str
    text: str
    state: DeliveryState
    mode: Mode = "idle"
    kind: str = "message"  # message | prompt | task
    task: int = 0
    reason: str = ""
    evidence: str = ""
    created: int = 0
    pasted: int = 0
    submitted: int = 0
    settled: int = 0
    note: str = ""
    tries: int = 0
    interrupted: int = 0
    command: bool = False
    batch: str = ""

    @property
    def paste_mark(self) -> str:
        """What the pane is marked with when this try at it has been pasted."""
        return f"{self.id}.{self.tries}"
