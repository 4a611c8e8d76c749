"""Two agents in each other's way, or one agent whose work no longer fits its base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CollisionKind = Literal["file", "merge"]


@dataclass(frozen=True, slots=True)
class Collision:
    """`file`: both have changed the same files, differently. `merge`: merging the two leaves conflicts in these files.

    `one` and `other` are agent ids, the smaller first; `other` is '' when `one` does not merge with the branch
    `base`. `paths` are relative to the repository, sorted and at most KEPT; `total` counts all of them. `since` is
    in UTC milliseconds.
    """

    one: str
    other: str
    kind: CollisionKind
    paths: tuple[str, ...]
    total: int
    since: int
    base: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.one, self.other, self.kind
