"""One text handed to one agent, with its receipt. At most once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DeliveryState = Literal["queued", "pasted", "submitted", "acknowledged", "uncertain", "refused"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """`mode` is `idle` (wait for it), `queue` (the client's own queue) or `interrupt`. Times UTC milliseconds."""

    id: str
    agent: str
    text: str
    state: DeliveryState
    mode: str = "idle"
    kind: str = "message"  # message | prompt | task
    task: int = 0
    reason: str = ""
    evidence: str = ""
    created: int = 0
    pasted: int = 0
    submitted: int = 0
    settled: int = 0
