"""When a task must stop beside its budget: its agent hangs, or it goes on without getting on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from agentdeck.models.status import Status
from agentdeck.models.task import Attempt

STOP_AFTER_MS = 30_000  # an agent that an interrupt did not bring to rest is stopped


def stands_still(attempts: Sequence[Attempt], turns: int, head: str) -> str:
    """Whether the last `turns` attempts ended where they began, with the one that ends now at `head`; in words."""
    heads = (
        [attempt.head_oid for attempt in attempts if attempt.outcome == "failed"][-(turns - 1) :] if turns > 1 else []
    )
    if head and len(heads) == turns - 1 and all(one == head for one in heads):
        return f"{turns} turns without a change"
    return ""


def intervene(status: Status, asked: int, now: int, hung_ms: int) -> tuple[Literal["", "interrupt", "stop"], str]:
    """What to do about an agent with a running attempt, and why. `asked`: when it was interrupted (0: not yet)."""
    if status.state != "hung" or now - status.since < hung_ms:
        return "", ""
    why = f"it hung for {(now - status.since) / 60_000:.0f} min: {status.why}"
    if not asked:
        return "interrupt", why
    return ("stop", why) if now - asked >= STOP_AFTER_MS else ("", why)
