"""When a task must stop: its budget is used up, its agent hangs, or it goes on without getting on."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agentdeck.models.spec import Budget
from agentdeck.models.status import Status
from agentdeck.models.task import Attempt

STOP_AFTER_MS = 30_000  # an agent that an interrupt did not bring to rest is stopped


@dataclass(frozen=True, slots=True)
class Spent:
    """What a task has used so far, over all its attempts. `tokens` are of all classes, a `turn` is one attempt."""

    usd: float = 0.0
    tokens: int = 0
    minutes: float = 0.0
    turns: int = 0


def spent(conn: sqlite3.Connection, task: int, now: int) -> Spent:
    """The sums, as they are counted by now."""
    used = conn.execute(
        "SELECT COALESCE(SUM(cost), 0) cost, COALESCE(SUM(input + cache_read + cache_write_5m + cache_write_1h + "
        "output), 0) tokens FROM usage_rollup WHERE task = ?", (task,),
    ).fetchone()  # fmt: skip
    ran = conn.execute(
        "SELECT COUNT(*) turns, COALESCE(SUM(CASE ended WHEN 0 THEN ? ELSE ended END - started), 0) ms "
        "FROM attempts WHERE task = ?", (now, task),
    ).fetchone()  # fmt: skip
    return Spent(used["cost"] / 1e9, used["tokens"], ran["ms"] / 60_000, ran["turns"])


def exhausted(budget: Budget, used: Spent, *, turns: bool = True) -> str:
    """Which limit is reached, in words; '' while none is. A running turn is not ended for being the last one."""
    if budget.usd and used.usd >= budget.usd:
        return f"its budget of ${budget.usd:g} is used up (${used.usd:.2f})"
    if budget.tokens and used.tokens >= budget.tokens:
        return f"its budget of {budget.tokens:,} tokens is used up ({used.tokens:,})"
    if budget.minutes and used.minutes >= budget.minutes:
        return f"its time of {budget.minutes:g} min is up"
    if turns and budget.turns and used.turns >= budget.turns:
        return f"its {budget.turns} turns are used up"
    return ""


def stands_still(attempts: Sequence[Attempt], turns: int, head: str) -> str:
    """Whether the last `turns` attempts ended where they began, with the one that ends now at `head`; in words."""
    heads = (
        [attempt.head_oid for attempt in attempts if attempt.outcome == "failed"][-(turns - 1) :] if turns > 1 else []
    )
    if head and len(heads) == turns - 1 and all(one == head for one in heads):
        return f"{turns} turns without a change"
    return ""


def intervene(
    status: Status, over: str, asked: int, now: int, hung_ms: int
) -> tuple[Literal["", "interrupt", "stop"], str]:
    """What to do about an agent with a running attempt, and why. `over`: the limit it is over; `asked`: when it was
    interrupted (0: not yet)."""
    hangs = status.state == "hung" and now - status.since >= hung_ms
    why = over or (f"it hung for {(now - status.since) // 60_000} min: {status.why}" if hangs else "")
    if not why or status.state in ("idle", "exited"):
        return "", ""
    if not asked:
        return "interrupt", why
    return ("stop", why) if now - asked >= STOP_AFTER_MS else ("", why)
