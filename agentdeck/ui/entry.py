"""One agent as the stage shows it: all that its tile or its line in the list is drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agentdeck.models.pane import Pane
from agentdeck.models.screen import PaneScreen
from agentdeck.services.fleet import AgentRow


@dataclass(frozen=True, slots=True)
class Entry:
    """`number` is the agent's place in the roster, from 1, and 0 for a companion.

    `lost`: there is no living program behind the picture any more. `note` says what is wrong with the picture.
    """

    row: AgentRow
    number: int = 1
    picture: PaneScreen | None = None
    lost: bool = False
    note: str = ""
    in_focus: bool = False
    marked: bool = False

    @property
    def faint(self) -> bool:
        """The picture is the last one of something that ended."""
        return self.lost or self.row.agent.life == "stopped"


def loss(row: AgentRow, panes: Mapping[str, Pane] | None) -> tuple[bool, str]:
    """`lost` and `note` of an agent, from what tmux says of all panes; None while its server cannot be reached."""
    if row.agent.life == "creating" or not row.agent.pane:
        return False, ""
    if panes is None:
        return True, "no connection to tmux"
    pane = panes.get(row.agent.pane)
    if pane is None or pane.deck_id != row.agent.id:
        return True, "its pane is gone" if row.agent.life == "live" else ""
    return pane.dead, ""
