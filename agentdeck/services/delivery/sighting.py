"""One look at an agent that a text is for: its pane, its composer, and what its screen shows."""

from __future__ import annotations

from dataclasses import dataclass

from agentdeck.adapters import tmux
from agentdeck.harnesses.schema import Harness
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.screen import parse
from agentdeck.services.delivery import composer, shell_line
from agentdeck.services.status import evidence
from agentdeck.services.status.monitor import strip


@dataclass(frozen=True, slots=True)
class Seen:
    """One look: the pane, what stands in the composer, whether its screen shows a dialog, or work."""

    sight: tmux.Sight
    typed: composer.Typed
    held: composer.Held
    asks: bool
    works: bool


def composes(harness: Harness) -> bool:
    """Whether a composer can be seen: that of a plain command is its terminal's line, which looks like anything."""
    return harness.composer.kind not in ("none", "shell")


async def see(client: tmux.ControlClient, agent: Agent, harness: Harness, text: str, rest: int) -> Seen | None:
    """The agent as it is now, and how far `text` stands in its composer; None when its pane is gone.

    `rest` is since when its status holds (UTC ms). Raises TmuxError.
    """
    sight = await tmux.sight(client, agent.pane, agent.id)
    if sight is None:
        return None
    rules, pane, plain = harness.composer, sight.pane, strip(sight.screen)
    cursor = pane.cursor_x, pane.cursor_y
    lines = parse(sight.screen) if composes(harness) else []
    if rules.kind == "shell":
        typed = shell_line.read(plain, cursor, pane.cols, sight.typed, rest)
    else:
        typed = composer.read(rules, lines, pane.cursor_y)
    held = composer.holds(rules, lines, cursor, text)
    found = evidence.from_screen(harness, plain, now_ms())
    return Seen(sight, typed, held, "needs_input" in found.states, found.states[:1] in (("working",), ("retrying",)))
