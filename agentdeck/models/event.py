"""One line of what happened, append-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Event:
    """`ts` in UTC milliseconds; `agent` is an id or ''; `kind` such as status, delivery, agent, task, engine."""

    id: int
    ts: int
    agent: str
    kind: str
    data: Mapping[str, object] = field(default_factory=dict)
