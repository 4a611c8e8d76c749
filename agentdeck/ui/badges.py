"""How a status looks in one cell and one word; readable without colour, drawn with theme variables only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from agentdeck.models.budget import Act
from agentdeck.models.status import STATES, State, Status
from agentdeck.services.radar.collisions import Clash

GLYPHS: dict[State, str] = {
    "starting": "◌",
    "working": "●",
    "needs_input": "?",
    "retrying": "↻",
    "limited": "‖",
    "idle": "○",
    "failed": "✗",
    "hung": "◍",
    "exited": "■",
    "unknown": "~",
}
PIN = "▴"
CLASH = "↯"
WORDS: dict[State, str] = {**{state: state for state in STATES}, "needs_input": "needs you"}
# `$status-<state>` comes from the theme.
STYLES: dict[State, str] = {state: f"$status-{state}" for state in STATES}
STYLES["needs_input"] = "bold $status-needs_input"
# What a person looks for first comes first in a row of counts.
ORDER: tuple[State, ...] = (
    "needs_input", "failed", "hung", "limited", "working", "retrying", "idle", "starting", "exited", "unknown",
)  # fmt: skip


def word(status: Status) -> str:
    """The state in words; what a waiting agent waits for is part of it."""
    if status.state == "needs_input" and status.reason:
        return f"needs you: {status.reason}"
    if status.state == "limited" and status.until:
        return f"limited until {datetime.fromtimestamp(status.until / 1000):%a %H:%M}"
    if status.state == "unknown" and status.last_known not in (None, "unknown"):
        return f"unknown (was {WORDS[status.last_known]})"
    return WORDS[status.state]


def clash_sign(clashes: Sequence[Clash]) -> tuple[str, str]:
    """`↯2`: with how many others an agent collides; `↯2!` when a merge with one of them fails. Text and style."""
    if not clashes:
        return "", ""
    fails = any(clash.kind == "merge" for clash in clashes)
    return f"{CLASH}{len(clashes)}{'!' if fails else ''}", "bold $text-error" if fails else "$text-warning"


def clash_words(clashes: Sequence[Clash]) -> str:
    """`bo: parser.py +2`: the worst of the collisions with its first file, and how many more there are of both."""
    first = clashes[0]
    more = f" +{first.total - 1}" if first.total > 1 else ""
    others = f", {len(clashes) - 1} more" if len(clashes) > 1 else ""
    return f"{first.name}: {Path(first.paths[0]).name}{more}{others}" if first.paths else f"{first.name}{others}"


def budget_words(act: Act | None) -> tuple[str, str]:
    """What a budget has done, shortly, and its style: `budget nearly spent: $4.20 of $5.00`."""
    if act is None or not act.level:
        return "", ""
    said = {
        "warn": "budget nearly spent", "hold": "budget: no new work", "stop": "stopped by its budget",
        "interrupt": "over budget, interrupted" if act.pressed else "over budget",
    }  # fmt: skip
    return f"{said[act.level]}: {act.why}", "$text-warning" if act.level == "warn" else "bold $text-error"


def counts(states: Iterable[State]) -> list[tuple[State, int]]:
    """How many per state, urgent states first, without zeros."""
    found = Counter(states)
    return [(state, found[state]) for state in ORDER if found[state]]


def tokens(count: int) -> str:
    """A token count for one glance: 950, 12.3k, 4.56M."""
    if count < 1000:
        return str(count)
    if count < 1_000_000:
        return f"{count / 1000:.1f}k"
    return f"{count / 1_000_000:.2f}M"


def dollars(cost: int, unpriced_tokens: int = 0) -> str:
    """Nano-dollars as dollars; `+?` when some tokens have no known price, `unpriced` when none has: it is not free."""
    if unpriced_tokens and not cost:
        return "unpriced"
    value = cost / 1e9
    text = f"${value:.4f}" if 0 < value < 0.01 else f"${value:.2f}"
    return text + ("+?" if unpriced_tokens else "")
