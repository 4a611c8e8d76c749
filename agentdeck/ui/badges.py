"""How a status looks in one cell and one word; readable without colour, drawn with theme variables only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from agentdeck.models.status import STATES, State, Status

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
    return WORDS[status.state]


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
    """Nano-dollars as dollars; `+?` when some tokens have no known price."""
    value = cost / 1e9
    text = f"${value:.4f}" if 0 < value < 0.01 else f"${value:.2f}"
    return text + ("+?" if unpriced_tokens else "")
