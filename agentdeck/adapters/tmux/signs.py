"""Which panes to look at: the cheapest question about all of them, asked ten times a second."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from agentdeck.adapters.tmux import rows
from agentdeck.adapters.tmux.control import ControlClient

_FORMAT = "#{pane_id} #{window_activity} #{pane_dead}"


@dataclass(frozen=True, slots=True)
class Sign:
    """The little of a pane that tells whether to look closer; `activity` is in whole seconds."""

    activity: int
    dead: bool


async def signs(client: ControlClient) -> dict[str, Sign]:
    """Every pane's sign, those of no agent included: a third of what tmux spends on `list_panes`."""
    return _parse(tuple(await client.command("list-panes", "-s", "-t", f"={rows.HUB}", "-F", _FORMAT)))


@lru_cache(maxsize=2)
def _parse(lines: tuple[str, ...]) -> dict[str, Sign]:
    """While nothing moves the answer is always the same one."""
    parts = [line.split() for line in lines]
    return {pane: Sign(int(activity), dead == "1") for pane, activity, dead in parts}
