"""May this text be pasted into this agent now? Pure; the reason is shown to the human."""

from __future__ import annotations

from agentdeck.models.pane import Pane
from agentdeck.models.status import Status
from agentdeck.services.composer import Typed

MAX_AGE_MS = 3_000  # an idle status older than this is not fresh


def refuse(pane: Pane | None, deck_id: str) -> str:
    """Why this delivery can never arrive; '' while it may."""
    if pane is None:
        return "its pane is gone"
    if pane.deck_id != deck_id:
        return "its pane belongs to another agent"
    if pane.dead:
        return "its process has ended; resume it first"
    return ""


def wait(status: Status, pane: Pane, typed: Typed, mode: str, now: int, settle: int = 0) -> str:
    """Why this delivery must wait; '' when the way is clear. `settle` (ms): so long rest must have lasted."""
    if pane.in_mode:
        return "its pane is in copy mode"
    if status.state == "needs_input":
        return "it waits for an answer; a text would go into its dialog"
    allowed = ("idle", "failed") if mode == "idle" else ("idle", "failed", "working", "retrying")
    if status.state not in allowed:
        return f"it is {status.state}, not idle"
    if now - status.checked > MAX_AGE_MS:
        return "its status is not fresh"
    if status.state in ("idle", "failed") and now - status.since < settle:
        return "it has only just come to rest"
    if typed.state == "draft":
        return "somebody's draft stands in its composer"
    if typed.state == "absent":
        return "its composer is not on the screen"
    return ""
