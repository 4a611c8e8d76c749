"""What the terminal itself says of the deck: its title counts who needs a human, and a bell tells of a new one."""

from __future__ import annotations

from agentdeck.services.fleet import Fleet
from agentdeck.ui.reasons import NEEDS_YOU

PUSH, POP = "\x1b[22;0t", "\x1b[23;0t"
"""Keep and bring back the terminal's own title (xterm's title stack)."""


def needing(fleet: Fleet) -> frozenset[str]:
    """Ids of the agents that need a human, hidden ones too."""
    return frozenset(row.agent.id for row in fleet.agents if row.status.state in NEEDS_YOU)


def title(fleet: Fleet, place: str) -> str:
    """`(2) agentdeck: site`, the number only when somebody needs a human."""
    count = len(needing(fleet))
    mark = f"({count}) " if count else ""
    return f"{mark}agentdeck" + (f": {place}" if place else "")


def sequence(text: str) -> str:
    """The terminal sequence that sets the title; control characters are left out."""
    return f"\x1b]2;{''.join(char for char in text if char.isprintable())}\x1b\\"
