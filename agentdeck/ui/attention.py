"""What the terminal itself says of the deck: its title counts who needs a human, and a bell tells of a new one."""

from __future__ import annotations

from collections.abc import Mapping

from agentdeck.models.status import Status
from agentdeck.services.asking.attention import NEEDS_YOU, wait_of
from agentdeck.services.fleet import Fleet

PUSH, POP = "\x1b[22;0t", "\x1b[23;0t"
"""Keep and bring back the terminal's own title (xterm's title stack)."""


BELL_SECONDS = 2.0
"""The shortest time between two bells: what comes in between is told by one at its end."""


def needing(fleet: Fleet) -> dict[str, Status]:
    """The agents that need a human, hidden ones too, by id."""
    return {row.agent.id: row.status for row in fleet.agents if row.status.state in NEEDS_YOU}


def news(before: Mapping[str, Status], now: Mapping[str, Status]) -> list[tuple[str, Status]]:
    """The waits that were not there before."""
    return [(agent, status) for agent, status in now.items() if not _same(before.get(agent), status)]


def _same(before: Status | None, now: Status) -> bool:
    old, new = wait_of(before) if before is not None else None, wait_of(now)
    return old is not None and new is not None and new.same(old)


def title(fleet: Fleet, place: str) -> str:
    """`(2) agentdeck: site`, the number only when somebody needs a human."""
    count = len(needing(fleet))
    mark = f"({count}) " if count else ""
    return f"{mark}agentdeck" + (f": {place}" if place else "")


def sequence(text: str) -> str:
    """The terminal sequence that sets the title; control characters are left out."""
    return f"\x1b]2;{''.join(char for char in text if char.isprintable())}\x1b\\"
