"""What the deck itself takes: prices of models, the grid, the size of screens, room on the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from agentdeck.config.tables import STRICT, within


@dataclass(frozen=True, slots=True)
class Price:
    """Of one model, in dollars per million tokens; a class left out is free."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    input: float = 0.0
    cache_read: float = 0.0
    cache_write_5m: float = 0.0
    cache_write_1h: float = 0.0
    output: float = 0.0

    def __post_init__(self) -> None:
        within("price", 0, 1e6, self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h, self.output)


@dataclass(frozen=True, slots=True)
class Grid:
    """How often a tile may be drawn anew, per second: the focused one, the others, and those of a far overview."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    focused_hz: float = 30.0
    visible_hz: float = 8.0
    overview_hz: float = 2.0

    def __post_init__(self) -> None:
        within("a rate", 0.1, 60, self.focused_hz, self.visible_hz, self.overview_hz)


@dataclass(frozen=True, slots=True)
class PaneSize:
    """The canonical size of an agent's screen in cells, whatever the tile or the terminal that shows it."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    cols: int = 120
    rows: int = 40

    def __post_init__(self) -> None:
        within("columns", 40, 500, self.cols)
        within("rows", 10, 200, self.rows)


@dataclass(frozen=True, slots=True)
class Disk:
    """Nothing new starts while a file system has less than `floor_gb` gigabytes (10^9 bytes) left; 0: never mind."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    floor_gb: float = 2.0

    def __post_init__(self) -> None:
        within("the floor", 0, 1e6, self.floor_gb)


@dataclass(frozen=True, slots=True)
class Trash:
    """How long a removed agent can be brought back (days), and how much its trash may hold (GB) before that."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    days: float = 14.0
    max_gb: float = 20.0

    def __post_init__(self) -> None:
        within("days", 0, 3650, self.days)
        within("max_gb", 0, 1e6, self.max_gb)
