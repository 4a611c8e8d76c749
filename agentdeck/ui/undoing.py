"""What `z` can undo: this dashboard's own last steps and what is in the trash, newest first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

KEPT = 20  # steps of one dashboard


@dataclass(frozen=True, slots=True)
class Undoable:
    """`what` was done at `at` (UTC ms); `effect` says in words what undoing it does, `undo` does it."""

    what: str
    at: int
    effect: str
    undo: Callable[[], Awaitable[None]]


def remember(steps: Sequence[Undoable], step: Undoable) -> list[Undoable]:
    """The last few steps, oldest first."""
    return [*steps, step][-KEPT:]


def newest_first(*kinds: Iterable[Undoable]) -> list[Undoable]:
    return sorted((step for kind in kinds for step in kind), key=lambda step: -step.at)
