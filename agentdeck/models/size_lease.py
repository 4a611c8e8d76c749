"""An agent's size on loan for a zoom, and the size of its window that follows from all such leases."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

Size = tuple[int, int]  # columns, rows


@dataclass(frozen=True, slots=True)
class SizeLease:
    """A row of `size_leases`: `cols` x `rows` fit into a zoom of process `pid`; `own_` is the agent's own size.

    `taken` (UTC ms) tells a lease from an earlier one of the same process; a zoom that gave it back has `ended` it.
    A lease never holds less than the agent's own size; a zoom with less room holds just that.
    """

    agent: str
    pid: int
    pid_start: float
    window: str
    cols: int
    rows: int
    own_cols: int
    own_rows: int
    taken: int
    ended: int = 0


@dataclass(frozen=True, slots=True)
class WindowSize:
    """The size that a window of an agent is to have."""

    agent: str
    window: str
    size: Size


def sizes(leases: Iterable[SizeLease], live: Collection[SizeLease]) -> list[WindowSize]:
    """For each window with a lease the largest size that every live one shows whole; the agent's own without any."""
    windows = {(lease.agent, lease.window): (lease.own_cols, lease.own_rows) for lease in leases}
    return [
        WindowSize(*window, _shared(own, [x for x in live if (x.agent, x.window) == window]))
        for window, own in windows.items()
    ]


def _shared(own: Size, held: Collection[SizeLease]) -> Size:
    return (min(lease.cols for lease in held), min(lease.rows for lease in held)) if held else own
