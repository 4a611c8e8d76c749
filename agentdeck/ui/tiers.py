"""How often a screen is looked at: a tier for each that is visible, and the turns of the panes that are due."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from agentdeck.config import Grid

Tier = Literal["focused", "visible", "overview"]
FAR = 16
"""Tiles on a page beyond which it is an overview: nobody reads so many at once."""
_LATE = 0.5
"""Share of its period by which a pane's next look may come early, to make up for a late one."""


def tier(in_focus: bool, together: int, listed: bool) -> Tier:
    """Of one agent among `together` visible ones, in tiles or `listed` one a line. A hidden one has none."""
    if listed:
        return "visible" if in_focus else "overview"
    if in_focus:
        return "focused"
    return "overview" if together > FAR else "visible"


def periods(rates: Grid) -> dict[Tier, float]:
    """Seconds between two looks, by tier."""
    return {"focused": 1 / rates.focused_hz, "visible": 1 / rates.visible_hz, "overview": 1 / rates.overview_hz}


def next_slot(slot: float, period: float, now: float) -> float:
    """When the look of now was planned, given the one before: so that ticks that come late do not add up."""
    return min(now, max(slot + period, now - period * _LATE))


def in_turn(due: Iterable[tuple[float, str]], watched: Iterable[float], tick: float) -> list[str]:
    """Whose turn it is at this tick: of those due, with the slots of their last looks, those that wait longest.

    `watched` are the periods of all that are watched: as many are taken as their rates ask for, so that a page of
    slow tiles is not drawn all at once.
    """
    quota = math.ceil(sum(tick / max(period, tick) for period in watched))
    return [pane for _, pane in sorted(due)[:quota]]
