"""May this text be pasted into this agent now? Pure; the reason is shown to the human."""

from __future__ import annotations

from agentdeck.models.pane import Pane
from agentdeck.models.status import Status
from agentdeck.services.delivery.composer import Typed

MAX_AGE_MS = 3_000  # an idle status older than this is not fresh
TURN_MS = 3_000  # a text that was handed over must have begun a turn, or this long must have passed
TYPING_MS = 1_500  # so long after a human's last key they count as typing

_ALLOWED = {
    "idle": ("idle", "failed"),
    "follow": ("idle",),
    "queue": ("idle", "failed", "working", "retrying"),
    "interrupt": ("idle", "failed"),
}


def refuse(pane: Pane | None, deck_id: str) -> str:
    """Why this delivery can never arrive; '' while it may."""
    if pane is None:
        return "its pane is gone"
    if pane.deck_id != deck_id:
        return "its pane belongs to another agent"
    if pane.dead:
        return "its process has ended; resume it first"
    return ""


def rest(status: Status, mode: str, now: int, settle: int = 0, last: int = 0, ended: int = 0) -> str:
    """Why this delivery must wait by the agent's status alone; '' when that is as it should be.

    `settle` (ms): so long rest must have lasted. `last`: when the agent was given its last text, `ended`: when a
    turn of its ended last (UTC ms): what shows rest may still be the rest before that text.
    """
    if status.state == "needs_input":
        return "it waits for an answer; a text would go into its dialog"
    if status.state not in _ALLOWED[mode]:
        return f"its turn failed: {status.why}" if status.state == "failed" else f"it is {status.state}, not idle"
    if now - status.checked > MAX_AGE_MS:
        return "its status is not fresh"
    if status.state in ("idle", "failed"):
        if now - status.since < settle:
            return "it has only just come to rest"
        if max(status.since, ended) <= last and now - last < TURN_MS:
            return "it has only just been given a text"
    return ""


def screen(pane: Pane, typed: Typed, asks: bool = False, keys: int = 0, now: int = 0) -> str:
    """Why this delivery must wait by what the pane shows; '' when the way is clear.

    `asks`: a dialog stands on the screen. `keys`: when a human last pressed a key in it (UTC ms).
    """
    if pane.in_mode:
        return "its pane is in copy mode"
    if asks:
        return "a dialog stands on its screen"
    if typed.state == "draft":
        return "somebody's draft stands in its composer"
    if typed.state == "absent":
        return "its composer is not on the screen"
    if keys and now - keys < TYPING_MS:
        return "somebody is typing into it"
    return ""


def wait(status: Status, pane: Pane, typed: Typed, mode: str, now: int, settle: int = 0) -> str:
    """Why this delivery must wait, all in all; '' when the way is clear."""
    return rest(status, mode, now, settle) or screen(pane, typed, now=now)
